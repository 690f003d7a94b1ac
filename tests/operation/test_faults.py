"""What is wrong is said once, by its cause, with what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from operation.counts import Counts
from operation.disks import LOW_BYTES, DiskSpace
from operation.faults import faults_of
from operation.signs import HEARTBEAT, Signs, WorkerSeen, queue_names
from operation.state import Installation

SWEEP = "annotations.tasks.sweep"


@pytest.fixture
def healthy(now, seen) -> Installation:
    workers = (WorkerSeen("all@host", queue_names(), now),)
    return Installation(
        at=now,
        away={},
        signs=Signs(dict.fromkeys(queue_names(), 0), workers, tuple(seen.values())),
        counts=Counts({}, {"failed": 0}, {}, {}, 0, 0),
        database_bytes=1,
        disks=(DiskSpace("scratch", "Files in the making", 10 * LOW_BYTES, LOW_BYTES),),
    )


def keys(state: Installation) -> list[str]:
    return [fault.key for fault in faults_of(state)]


def with_signs(state: Installation, **values) -> Installation:
    return replace(state, signs=replace(state.signs, **values))


def with_sweep(state: Installation, task: str, **values) -> Installation:
    sweeps = [replace(one, **values) if one.task == task else one for one in state.signs.sweeps]
    return with_signs(state, sweeps=tuple(sweeps))


def test_nothing_is_wrong(healthy):
    assert faults_of(healthy) == []


@pytest.mark.parametrize("part", ["database", "redis", "disk"])
def test_a_part_that_is_away_is_named(healthy, part):
    [fault] = faults_of(replace(healthy, away={part: "TimeoutError"}, signs=None, counts=None))
    assert (fault.key, fault.words.endswith("(TimeoutError)")) == (part, True)
    assert fault.what_to_do


def test_a_queue_that_nobody_takes_from_is_named_with_what_waits(healthy, now):
    workers = (WorkerSeen("rest@host", ("blocking", "control", "transfer"), now),)
    state = with_signs(healthy, workers=workers, lengths={**healthy.signs.lengths, "media": 7})
    [fault] = faults_of(state)
    assert (fault.key, "7 tasks" in fault.words) == ("queue:media", True)


def test_without_any_worker_that_alone_is_said(healthy, now):
    silent = WorkerSeen("all@host", queue_names(), now - timedelta(minutes=5))
    state = with_signs(healthy, workers=(silent,))
    for task in (SWEEP, HEARTBEAT):
        state = with_sweep(state, task, ended_at=None)
    assert keys(state) == ["workers"]


def test_a_beat_that_is_away_is_one_fault(healthy, now):
    late = tuple(replace(one, ended_at=now - timedelta(hours=1)) for one in healthy.signs.sweeps)
    assert keys(with_signs(healthy, sweeps=late)) == ["sweeps"]


def test_a_sweep_that_hangs_is_named(healthy, now):
    assert keys(with_sweep(healthy, SWEEP, ended_at=now - timedelta(seconds=100))) == []
    assert keys(with_sweep(healthy, SWEEP, ended_at=now - timedelta(minutes=3))) == [
        f"sweep:{SWEEP}"
    ]


def test_a_sweep_that_fails_is_named_with_the_kind(healthy, now):
    state = with_sweep(healthy, SWEEP, failed_at=now + timedelta(seconds=1), error="ValueError")
    [fault] = faults_of(state)
    assert fault.words == f"The periodic task {SWEEP} fails (ValueError)."


def test_a_disk_that_runs_out_is_named(healthy):
    low = DiskSpace("media", "Clips and reports", 10 * LOW_BYTES, LOW_BYTES - 1)
    [fault] = faults_of(replace(healthy, disks=(low,)))
    assert (fault.key, fault.words) == (
        "disk:media",
        "Clips and reports: 2.0 GiB left on their disk.",
    )


@pytest.mark.parametrize(("failed", "said"), [(1, "1 report could"), (2, "2 reports could")])
def test_reports_that_could_not_be_made_are_counted(healthy, failed, said):
    state = replace(healthy, counts=replace(healthy.counts, reports={"failed": failed}))
    [fault] = faults_of(state)
    assert (fault.key, fault.words.startswith(said)) == ("reports", True)
