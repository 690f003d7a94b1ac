"""Whatever the order of messages, deaths and decisions: no job twice, none over, none stuck."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from generation.enums import CHAINED, AttemptState, JobState
from generation.jobs import timing
from generation.jobs.decisions import cancel_job, retry_job
from generation.jobs.steps.fetching import fetch_job
from generation.jobs.steps.polling import poll_job
from generation.jobs.steps.reconciling import reconcile_job
from generation.jobs.steps.submitting import submit_job
from generation.jobs.waking import lease_due_jobs
from generation.models import Attempt, Job
from tests.annotations.factories import make_prompt
from tests.generation.factories import ENDED, call_through, clip_bytes, make_endpoint, make_job
from tests.generation.fake_endpoint import (
    FAULTS,
    LONGEST_CALL,
    FakeEndpoint,
    OneModel,
    WorkerKilled,
)
from tests.media.clips import make_still

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept_media")]

PLACES, PER_MINUTE, JOBS, ROUNDS = 2, 3, 4, 300
STEPS = {
    JobState.READY: "submit",
    JobState.SUBMITTING: "reconcile",
    JobState.UNKNOWN_OUTCOME: "reconcile",
    JobState.REMOTE_PENDING: "poll",
    JobState.FETCHING: "fetch",
}
WORK = {
    "submit": submit_job,
    "reconcile": reconcile_job,
    "poll": poll_job,
    "fetch": fetch_job,
}
FINAL = [state for state in ENDED if state not in CHAINED]
places = st.integers(0, JOBS - 1)
# Mostly the job's next step: all others find nothing to do.
steps = st.sampled_from(["", "", "", *sorted(set(STEPS.values()))])
pauses = st.sampled_from([0, 0, 1, 6, 30, 61, 91, 130])
faults = st.sampled_from(["", "", *FAULTS])
owners = st.sampled_from(["", "", "gives up", "retries"])
decisions = st.sampled_from(["gives up", "retries"])


class Interleavings(RuleBasedStateMachine):
    """Sweeps, deliveries in any order and number, deaths, lost answers, restarts, time."""

    def __init__(self, fake: FakeEndpoint) -> None:
        super().__init__()
        self.rows = transaction.atomic()
        self.rows.__enter__()
        self.fake = fake
        self.queue: list[tuple[str, int]] = []
        self.retried: Counter[str] = Counter()
        self.ended: dict[int, str] = {}
        self.ids = [job.pk for job in self.make_jobs()]

    def make_jobs(self) -> list[Job]:
        endpoint = make_endpoint(
            remote_model="lab-1", max_concurrency=PLACES, jobs_per_minute=PER_MINUTE
        )
        return [make_job(endpoint=endpoint, prompt=make_prompt()) for _ in range(JOBS)]

    @rule(seconds=pauses, count=st.integers(1, 6), fault=faults)
    def deliver(self, seconds: int, count: int, fault: str) -> None:
        """The first call of these steps meets the fault."""
        self.time_passes(seconds)
        if not self.queue:
            self.sweep()
        self.fake.fault = fault
        for _ in range(min(count, len(self.queue))):
            self.run(*self.queue.pop(0))
        self.fake.fault = ""

    @rule(seconds=pauses, place=places, step=steps, fault=faults)
    def deliver_again(self, seconds: int, place: int, step: str, fault: str) -> None:
        """A message that nobody sent now: repeated, or old."""
        self.time_passes(seconds)
        self.queue.insert(0, (step or self.next_step(place), self.ids[place]))
        self.deliver(0, 1, fault)

    @rule(seconds=pauses, place=places, fault=faults, owner=owners)
    def deliver_while_others_work(self, seconds: int, place: int, fault: str, owner: str) -> None:
        """The call takes as long as calls can; others sweep, decide and work meanwhile."""
        self.fake.meanwhile = lambda: self.others_work(place, owner)
        self.deliver_again(seconds, place, "", fault)
        self.fake.meanwhile = None

    def others_work(self, place: int, owner: str) -> None:
        if owner:
            self.the_owner_decides(place, owner, "")
        self.time_passes(LONGEST_CALL.seconds)
        # A second time, for what the first put into the queue.
        for _ in range(2):
            self.sweep()
            for message in list(self.queue):
                self.run(*message)
        self.what_ended_stays_so()

    @rule(place=places, owner=decisions, fault=st.sampled_from(["", "refused"]))
    def the_owner_decides(self, place: int, owner: str, fault: str) -> None:
        job = Job.objects.select_related("prompt").get(pk=self.ids[place])
        self.fake.fault = fault
        if owner == "gives up":
            cancel_job(job=job, now=self.fake.now)
        elif retry_job(job=job, now=self.fake.now):
            self.retried[job.prompt.text] += 1
            for pk in Job.objects.filter(prompt=job.prompt).values_list("pk", flat=True):
                self.ended.pop(pk, None)
        self.fake.fault = ""

    @rule(event=st.sampled_from(["made", "made", "refused", "restarted", "messages lost"]))
    def elsewhere(self, event: str) -> None:
        if event == "messages lost":
            self.queue.clear()
        elif event == "restarted":
            self.fake.jobs.clear()
        else:
            for job in self.fake.alive()[:1]:
                job.outcome = event

    def time_passes(self, seconds: int) -> None:
        self.fake.now += timedelta(seconds=seconds)

    def sweep(self) -> None:
        due = lease_due_jobs(now=self.fake.now)
        self.queue += [(STEPS[state], job_id) for job_id, state in due]

    def next_step(self, place: int) -> str:
        return STEPS.get(Job.objects.get(pk=self.ids[place]).state, "submit")

    def run(self, step: str, job_id: int) -> None:
        """What a worker does with a message."""
        step_job = WORK[step]
        try:
            answer = step_job(job_id=job_id, now=self.fake.now, clock=lambda: self.fake.now)
        except WorkerKilled:
            return
        if answer:
            self.queue.append(("poll" if step == "submit" else "fetch", job_id))

    @invariant()
    def no_job_is_made_twice(self) -> None:
        """Unless its owner says so."""
        made = Counter((job.model, job.prompt) for job in self.fake.jobs.values())
        assert all(times <= 1 + self.retried[prompt] for (_, prompt), times in made.items())

    @invariant()
    def the_endpoint_is_never_over_its_limits(self) -> None:
        taken = Counter(job.model for job in self.fake.alive())
        assert max(taken.values(), default=0) <= PLACES
        assert self.fake.most_in_a_minute() <= PER_MINUTE

    @invariant()
    def what_ended_stays_so(self) -> None:
        """Unless its owner starts it anew."""
        states = dict(Job.objects.values_list("pk", "state"))
        assert self.ended.items() <= states.items()
        self.ended = {pk: state for pk, state in states.items() if state in FINAL}

    @invariant()
    def what_was_given_up_is_stopped_at_the_endpoint(self) -> None:
        """Unless the endpoint could not be told; the attempt then keeps its place."""
        given_up = Attempt.objects.filter(
            job__state=JobState.CANCELLED, state=AttemptState.ACCEPTED
        )
        assert not {attempt.remote_id for attempt in given_up} & self.fake.jobs.keys()

    def teardown(self) -> None:
        try:
            self.leave_in_peace()
            self.everything_is_done_or_says_why()
        finally:
            transaction.set_rollback(True)
            self.rows.__exit__(None, None, None)

    def leave_in_peace(self) -> None:
        for _ in range(ROUNDS):
            if not self.is_moving():
                return
            self.time_passes(31)
            self.sweep()
            self.deliver(0, len(self.queue), "")
            self.no_job_is_made_twice()
            self.the_endpoint_is_never_over_its_limits()

    def everything_is_done_or_says_why(self) -> None:
        assert not self.is_moving()
        for job in Job.objects.select_related("prompt", "stimulus"):
            if job.state == JobState.DONE:
                own = hashlib.sha256(self.fake.clip_of(job.prompt.text)).hexdigest()
                assert job.stimulus is not None
                assert job.stimulus.sha256 == own
            else:
                assert job.error

    def is_moving(self) -> bool:
        return Job.objects.moving().exclude(wake_at=None).exists()


class ChainedInterleavings(Interleavings):
    """The same with a picture that two clips start from, and another one for a third clip."""

    def make_jobs(self) -> list[Job]:
        lab = {"base_url": "http://lab.test/v1", "max_concurrency": PLACES}
        first = make_endpoint(remote_model="pictures", **lab)
        seconds = [make_endpoint(remote_model=f"lab-{n}", first_step=first, **lab) for n in (1, 2)]
        pictures = [make_job(endpoint=first, kind="text-to-image") for _ in range(2)]
        followed = [(pictures[0], seconds[0]), (pictures[0], seconds[1]), (pictures[1], seconds[0])]
        clips = [
            make_job(
                JobState.AWAITING_FIRST,
                endpoint=endpoint,
                first_step=picture,
                prompt=picture.prompt,
                kind="image-to-video",
            )
            for picture, endpoint in followed
        ]
        return [pictures[0], *clips, pictures[1]]

    @invariant()
    def the_endpoint_is_never_over_its_limits(self) -> None:
        taken = Counter(job.model for job in self.fake.alive())
        assert max(taken.values(), default=0) <= PLACES

    @invariant()
    def no_clip_is_sent_before_its_picture_is_there(self) -> None:
        sent = {job.prompt for job in self.fake.jobs.values() if job.model != "pictures"}
        unfinished = Job.objects.filter(first_step=None).exclude(state=JobState.DONE)
        assert not unfinished.filter(prompt__text__in=sent).exists()

    def everything_is_done_or_says_why(self) -> None:
        """A clip waits on only for a picture that waits for a person."""
        assert not self.is_moving()
        for job in Job.objects.exclude(state=JobState.AWAITING_FIRST):
            assert job.stimulus if job.state == JobState.DONE else job.error

    def is_moving(self) -> bool:
        waiting = Job.objects.filter(state=JobState.AWAITING_FIRST)
        parked = {"first_step__state": JobState.UNKNOWN_OUTCOME, "first_step__wake_at": None}
        return super().is_moving() or waiting.exclude(**parked).exists()


@pytest.mark.parametrize(("machine", "examples"), [(Interleavings, 50), (ChainedInterleavings, 30)])
def test_any_interleaving_keeps_every_promise(tmp_path, monkeypatch, machine, examples):
    clip = clip_bytes(tmp_path)
    picture = make_still(tmp_path / "picture.png").read_bytes()

    def begin() -> Interleavings:
        fake = FakeEndpoint(clip)
        fake.clips["pictures"] = picture
        rng = random.Random(0)
        call_through(monkeypatch, lambda endpoint: OneModel(fake, endpoint.remote_model))
        monkeypatch.setattr(timing, "RNG", rng)
        return machine(fake)

    run_state_machine_as_test(
        begin,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
