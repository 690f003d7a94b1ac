"""What is wrong with the installation now, and what to do: one rule, told by page and alerts alike.

The words name nothing of a study: no titles, models, clips or people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from analysis.models import ReportState
from operation.signs import HEARTBEAT, Signs, SweepSeen
from operation.state import Installation

LATE_AFTER = timedelta(minutes=2)
"""A sweep that has not ended for so long is late; those that run seldom have longer."""
LATE_AFTER_CALLS = 6

AWAY = {
    "database": (
        "The database does not answer: nobody can judge, and nothing is made.",
        "See whether PostgreSQL runs and can be reached from the web and worker hosts.",
    ),
    "redis": (
        "Redis does not answer: workers are given nothing to do. Raters can go on judging.",
        "See whether Redis runs and can be reached. Nothing is lost: sweeps find what is due.",
    ),
    "disk": (
        "The disk of files in the making takes no file: clips, renditions and reports fail.",
        "Make room on it, and see that the processes may write into SCRATCH_DIR.",
    ),
}


@dataclass(frozen=True)
class Fault:
    """`key` stays the same while it lasts."""

    key: str
    words: str
    what_to_do: str


def faults_of(state: Installation) -> list[Fault]:
    """The worst first: what is away, then what does not move, then what is running out."""
    return [*_away(state), *_standing_still(state), *_low(state), *_reports(state)]


def _away(state: Installation) -> Iterator[Fault]:
    for part, (words, what_to_do) in AWAY.items():
        if not state.answers(part):
            yield Fault(part, f"{words} ({state.away[part]})", what_to_do)


def _standing_still(state: Installation) -> Iterator[Fault]:
    """Of what Redis knows; while it is away nothing is known.

    What follows from another fault is not told beside it: without workers no sweep ends.
    """
    signs, now = state.signs, state.at
    if signs is None:
        return
    idle = [queue for queue in signs.lengths if not workers_of(signs, queue, now)]
    if len(idle) == len(signs.lengths):
        yield Fault(
            "workers",
            f"No worker runs: {sum(signs.lengths.values())} tasks wait, and nothing is made.",
            "Start the workers; their logs say why they ended.",
        )
        return
    yield from (_without_worker(queue, signs.lengths[queue]) for queue in idle)
    if all(is_late(one, now) for one in signs.sweeps):
        yield Fault(
            "sweeps",
            "No periodic task has ended in the last minutes: nothing moves by itself.",
            "See whether the beat and a worker of the queue control run; their logs say why not.",
        )
    else:
        yield from _sweeps(signs.sweeps, now)


def _without_worker(queue: str, length: int) -> Fault:
    return Fault(
        f"queue:{queue}",
        f"No worker takes from the queue {queue}; {length} tasks wait in it.",
        f"Start a worker for it: celery -A juice worker -Q {queue}",
    )


def workers_of(signs: Signs, queue: str, now: datetime) -> int:
    return sum(queue in one.queues and one.is_alive(now) for one in signs.workers)


def is_late(sweep: SweepSeen, now: datetime) -> bool:
    patience = max(LATE_AFTER, LATE_AFTER_CALLS * timedelta(seconds=sweep.every_seconds))
    return sweep.ended_at is None or now - sweep.ended_at > patience


def _sweeps(sweeps: Iterable[SweepSeen], now: datetime) -> Iterator[Fault]:
    for one in sweeps:
        if one.has_failed:
            yield Fault(
                f"sweep:{one.task}",
                f"The periodic task {one.task} fails ({one.error}).",
                "The log of the worker of the queue control has the trace.",
            )
        elif is_late(one, now) and one.task != HEARTBEAT:
            yield Fault(
                f"sweep:{one.task}",
                f"The periodic task {one.task} has not ended for over "
                f"{LATE_AFTER.total_seconds() / 60:.0f} minutes.",
                "It may wait for the database: look at its slow statements and locks.",
            )


def _low(state: Installation) -> Iterator[Fault]:
    for disk in state.disks:
        if disk.is_low:
            yield Fault(
                f"disk:{disk.key}",
                f"{disk.holds}: {disk.free / 1024**3:.1f} GiB left on their disk.",
                "Make room, or move VAR_DIR or SCRATCH_DIR to a larger disk.",
            )


def _reports(state: Installation) -> Iterator[Fault]:
    failed = state.counts.reports[ReportState.FAILED] if state.counts else 0
    if failed:
        yield Fault(
            "reports",
            f"{failed} {'report' if failed == 1 else 'reports'} could not be made.",
            "The page of operation says why. They are tried again by themselves.",
        )
