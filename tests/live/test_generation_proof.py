"""Hundreds of jobs over five endpoints while everything that can fail does, counted at the servers.

Each job ends with its own clip or says why it has none; nothing that was accepted is sent again;
no limit is passed. `PROOF_JOBS=2000` runs the same with more jobs.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import redis as redis_client
from django.db import connection
from django.utils import timezone

from annotations.models import Stimulus
from annotations.services.studies.states import create_study
from generation.enums import AttemptState, JobState
from generation.jobs.decisions import retry_job
from generation.jobs.planning import plan_jobs
from generation.models import Attempt, Endpoint, Job
from tests.annotations.factories import make_model, make_prompt
from tests.generation.factories import make_endpoint
from tests.live.counting_server import CountingServer, running_servers
from tests.live.private_postgres import PrivatePostgres, private_postgres
from tests.media.clips import make_clip
from tests.processes import Stack, running_stack

JOBS = int(os.environ.get("PROOF_JOBS", "100"))
# Nothing takes that long but what is stuck: minutes of a rate, leases, pauses. A machine that is
# merely slow may take as long as it likes.
STUCK_SECONDS = 300
KILL_SECONDS = 5

pytestmark = [
    pytest.mark.live,
    pytest.mark.postgres,
    pytest.mark.xdist_group("live"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(1800 + 5 * JOBS),
]

QUICK = {
    "GENERATION_QUEUE_PATIENCE_SECONDS": "4",
    # Far longer than the longest of the servers' answers: a slow machine is no dead worker.
    "GENERATION_SUBMIT_LEASE_SECONDS": "18",
    "GENERATION_FETCH_LEASE_SECONDS": "18",
    "GENERATION_LIST_LAG_SECONDS": "2",
    "GENERATION_FAILURE_PAUSE_SECONDS": "1",
    "LOG_LEVEL": "WARNING",
}


@dataclass
class Lab:
    """An endpoint, what it is like, and what share of its jobs each fault meets."""

    name: str
    share: float
    seconds: float
    faults: dict[tuple[str, str], float] = field(default_factory=dict)
    values: dict[str, object] = field(default_factory=dict)
    server: CountingServer = field(init=False)
    endpoint: Endpoint = field(init=False)

    @property
    def limit(self) -> int:
        return int(str(self.values["max_concurrency"]))


def five_labs() -> list[Lab]:
    rate = max(JOBS // 10, 1)
    return [
        Lab("calm", 0.3, 0.3, values={"max_concurrency": 12}),
        Lab("limited", 0.1, 0.2, values={"max_concurrency": 6, "jobs_per_minute": rate}),
        Lab(
            "busy",
            0.25,
            0.4,
            {
                ("submit", "busy"): 0.05,
                ("submit", "away"): 0.03,
                ("poll", "busy"): 0.03,
                ("fetch", "busy"): 0.03,
                ("submit", "refused"): 0.05,
            },
            {"max_concurrency": 12},
        ),
        Lab(
            "broken",
            0.25,
            0.4,
            {
                ("submit", "broken"): 0.04,
                ("submit", "broken after"): 0.06,
                ("submit", "lost"): 0.04,
                ("submit", "lost after"): 0.06,
                ("submit", "late"): 0.03,
                ("submit", "hangs"): 0.01,
                ("submit", "hangs after"): 0.01,
                ("submit", "slow"): 0.03,
                ("poll", "broken"): 0.05,
                ("poll", "lost"): 0.05,
                ("fetch", "gone"): 0.05,
                ("fetch", "cut"): 0.05,
                ("made", "refused"): 0.05,
            },
            {"max_concurrency": 12, "pause_after": 3},
        ),
        Lab(
            "blocking",
            0.1,
            0.3,
            {("submit", "lost after"): 0.1, ("submit", "busy"): 0.1},
            {"max_concurrency": 4, "adapter": "http_blocking"},
        ),
    ]


@pytest.fixture
def labs(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4").read_bytes()
    labs = five_labs()
    for lab in labs:
        lab.server = CountingServer(clip, seconds=lab.seconds)
    with running_servers([lab.server for lab in labs]):
        yield labs


@pytest.fixture
def postgres(transactional_db):
    """None where the tests run on SQLite, or where we cannot restart a PostgreSQL."""
    if connection.vendor == "sqlite":
        yield None
        return
    with private_postgres() as postgres:
        yield postgres


@pytest.fixture
def stack(tmp_path, postgres):
    with running_stack(tmp_path, worker=False, VAR_DIR=str(tmp_path), **QUICK) as stack:
        yield stack


def plan(lab: Lab) -> None:
    """A study of the lab's model, with its jobs, and the faults that they will meet."""
    model = make_model(lab.name)
    is_blocking = lab.values.get("adapter") == "http_blocking"
    lab.endpoint = make_endpoint(
        model,
        name=lab.name,
        base_url=f"{lab.server.url}/generate" if is_blocking else f"{lab.server.url}/v1",
        is_internal=True,
        **{"parameters": {}, **lab.values},
    )
    texts = [f"{lab.name}: a red ball, take {number}" for number in range(int(JOBS * lab.share))]
    prompts = [make_prompt(text) for text in texts]
    study = create_study(
        title=lab.name, slug=lab.name, models=[model, make_model()], prompts=prompts
    )
    rng = random.Random(lab.name)
    for (call, fault), share in lab.faults.items():
        for text in rng.sample(texts, max(round(len(texts) * share), 1)):
            if call == "made":
                lab.server.refused.add(text)
            else:
                lab.server.faults[text, call].append(fault)
    plan_jobs(study=study, now=timezone.now())


def fill_half_of_the_minute(lab: Lab) -> None:
    """As if half of what may be sent in a minute had been sent half a minute ago."""
    before = timezone.now() - timedelta(seconds=35)
    pattern = Job.objects.filter(endpoint=lab.endpoint).first()
    for _ in range(int(str(lab.values["jobs_per_minute"])) // 2):
        Attempt.objects.create(
            job=pattern,
            endpoint=lab.endpoint,
            sent_at=before,
            answered_at=before,
            state=AttemptState.REFUSED,
        )
        lab.server.arrivals.append(before.timestamp())


@dataclass
class Disturbed:
    """What was done to the processes."""

    seconds: float = 0.0
    done: Counter[str] = field(default_factory=Counter)


class Progress:
    """Whether jobs end: if none does the run is stuck, and until some do no worker is killed."""

    def __init__(self) -> None:
        self.left = JOBS
        self.ended_at = time.monotonic()
        self.begin_anew()

    def begin_anew(self) -> None:
        self.left_before = self.left
        self.kill_at = time.monotonic() + KILL_SECONDS

    def note(self, moving: int) -> None:
        if moving < self.left:
            self.left, self.ended_at = moving, time.monotonic()
        is_stuck = time.monotonic() > self.ended_at + STUCK_SECONDS
        assert not is_stuck, Job.objects.all().counts_by_state()

    def is_time_to_kill(self) -> bool:
        return time.monotonic() > self.kill_at and self.left_before - self.left >= 3


def kill_worker(stack: Stack, name: str) -> None:
    stack.kill(name)
    stack.start_waiting_worker(name)


def disturb(stack: Stack, postgres: PrivatePostgres | None) -> Disturbed:
    """Kill a worker every few seconds; break off the servers between; until nothing moves."""
    began = time.monotonic()
    disturbed = Disturbed()
    events = [(0.2, flush_redis), (0.4, restart_redis), (0.8, flush_redis)]
    if postgres is not None and postgres.can_be_restarted:
        events.insert(2, (0.6, restart_postgres))
    progress = Progress()
    while (moving := Job.objects.moving().exclude(wake_at=None).count()) > 0:
        progress.note(moving)
        if events and 1 - moving / JOBS >= events[0][0]:
            _, event = events.pop(0)
            event(stack, postgres)
            disturbed.done[event.__name__] += 1
        if progress.is_time_to_kill() and moving > JOBS * 0.03:
            kill_worker(stack, f"worker-{disturbed.done['kill_worker'] % 2}")
            disturbed.done["kill_worker"] += 1
            progress.begin_anew()
        time.sleep(0.2)
    assert not events
    assert disturbed.done["kill_worker"] > 0
    disturbed.seconds = time.monotonic() - began
    return disturbed


def flush_redis(stack: Stack, postgres: PrivatePostgres | None) -> None:
    redis_client.Redis.from_url(stack.redis.url).flushall()


def restart_redis(stack: Stack, postgres: PrivatePostgres | None) -> None:
    """Its process is killed, and with it goes all it held."""
    stack.kill_redis()
    time.sleep(2)
    stack.start_redis_again()


def restart_postgres(stack: Stack, postgres: PrivatePostgres | None) -> None:
    assert postgres is not None
    postgres.restart()


def test_every_job_ends_once_and_no_limit_is_passed(labs, stack, postgres, tmp_path):
    for lab in labs:
        plan(lab)
    fill_half_of_the_minute(labs[1])
    for number in range(2):
        stack.start_waiting_worker(f"worker-{number}")
    for number in range(2):
        stack.start_beat(f"beat-{number}")
    disturbed = disturb(stack, postgres)
    print(report(labs, disturbed))
    start_anew_what_was_cut_too_often()
    for lab in labs:
        assert_nothing_was_accepted_twice(lab)
        assert_no_limit_was_passed(lab)
        assert_every_job_ended_visibly(lab)
        assert_each_clip_is_there_once_and_is_its_own(lab)
    assert max(lab.server.most_at_once for lab in labs) > 1
    assert_these_clips_are_stored_and_nothing_else(tmp_path / "media" / "originals")


def start_anew_what_was_cut_too_often() -> None:
    """A clip whose download was cut so often waits for its owner, and is not made again."""
    failed = Job.objects.filter(state=JobState.FAILED)
    for job in failed:
        assert job.error.startswith("No clip after 6 downloads.")
        retry_job(job=job, now=timezone.now())
    progress = Progress()
    while moving := Job.objects.moving().exclude(wake_at=None).count():
        progress.note(moving)
        time.sleep(0.2)


def report(labs: list[Lab], disturbed: Disturbed) -> str:
    """What happened, as counted at the servers: shown when the test fails, or with `-s`."""
    met = sum((lab.server.met for lab in labs), Counter())
    lines = [
        f"{Job.objects.count()} jobs, {disturbed.seconds:.0f} s, {connection.vendor}",
        f"done to the processes: {dict(disturbed.done)}",
        f"faults met: {met.total()} {dict(met)}",
        f"ended: {Job.objects.all().counts_by_state()}",
        f"failed: {[job.error for job in Job.objects.filter(state=JobState.FAILED)]}",
    ]
    for lab in labs:
        accepted = lab.server.accepted
        lines.append(
            f"{lab.name}: {len(lab.server.arrivals)} submits, {accepted.total()} accepted,"
            f" {accepted.total() - len(accepted)} twice,"
            f" {lab.server.most_at_once} of {lab.limit} at once,"
            f" {lab.server.most_in_a_minute()} in a minute"
            f" of {lab.values.get('jobs_per_minute', 'any')}"
        )
    return "\n".join(lines)


def assert_nothing_was_accepted_twice(lab: Lab) -> None:
    assert [prompt for prompt, times in lab.server.accepted.items() if times > 1] == []


def assert_no_limit_was_passed(lab: Lab) -> None:
    assert lab.server.most_at_once <= lab.limit
    rate = lab.values.get("jobs_per_minute")
    assert rate is None or lab.server.most_in_a_minute() <= int(str(rate))


def assert_every_job_ended_visibly(lab: Lab) -> None:
    """Refused where it was refused, parked where no list can tell, done in all other cases."""
    rejected = lab.endpoint.jobs.filter(state=JobState.REJECTED)
    assert set(rejected.values_list("prompt__text", flat=True)) == lab.server.refused
    assert all(job.error.startswith("We will not draw this.") for job in rejected)
    parked = lab.endpoint.jobs.filter(state=JobState.UNKNOWN_OUTCOME)
    lost = "The answer was lost, and the endpoint has no list"
    assert all(job.error.startswith(lost) for job in parked)
    assert lab.name == "blocking" or not parked
    others = lab.endpoint.jobs.exclude(pk__in=[job.pk for job in [*rejected, *parked]])
    assert [str(job) for job in others if job.state != JobState.DONE] == []


def assert_each_clip_is_there_once_and_is_its_own(lab: Lab) -> None:
    made = {
        stimulus.prompt.text: stimulus.sha256
        for stimulus in Stimulus.objects.filter(model=lab.endpoint.model).select_related("prompt")
    }
    done = lab.endpoint.jobs.filter(state=JobState.DONE).select_related("prompt")
    assert made == {
        job.prompt.text: hashlib.sha256(lab.server.clip_of(job.prompt.text)).hexdigest()
        for job in done
    }
    assert Stimulus.objects.filter(model=lab.endpoint.model).count() == len(done)


def assert_these_clips_are_stored_and_nothing_else(folder: Path) -> None:
    """A worker that was killed while it wrote leaves no half of a clip."""
    made = Stimulus.objects.values_list("file", "sha256")
    stored = [path for path in folder.rglob("*") if path.is_file()]
    assert {
        f"originals/{path.relative_to(folder)}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in stored
    } == dict(made)
