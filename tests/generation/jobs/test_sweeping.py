"""The sweep finds what is due, hands it out once, and takes up what dead workers left."""

from __future__ import annotations

from datetime import timedelta

import pytest
from kombu.exceptions import OperationalError

from generation import tasks
from generation.endpoints.limits import why_held
from generation.enums import CHAINED, MOVING, AttemptState, JobState
from generation.jobs.waking import WAKE_AT_ONCE, lease_due_jobs
from generation.models import Job
from tests.annotations.factories import NOW
from tests.generation.factories import ENDED, make_endpoint, make_job

pytestmark = pytest.mark.django_db
PATIENCE = timedelta(seconds=60)
STEPPING = [state for state in MOVING if state not in CHAINED]


@pytest.mark.parametrize("state", STEPPING)
def test_what_is_due_is_handed_out_once_until_patience_ends(state):
    job = make_job(state)
    assert lease_due_jobs(now=NOW) == [(job.pk, state)]
    assert lease_due_jobs(now=NOW + PATIENCE / 2) == []
    assert [pk for pk, _ in lease_due_jobs(now=NOW + PATIENCE)] == [job.pk]


@pytest.mark.parametrize("state", STEPPING)
def test_what_is_not_due_is_left_alone(state):
    make_job(state, wake_at=NOW + timedelta(seconds=1))
    assert lease_due_jobs(now=NOW) == []


@pytest.mark.parametrize("state", [*ENDED, JobState.UNKNOWN_OUTCOME])
def test_what_ended_or_waits_for_a_person_is_left_alone(state):
    make_job(state, wake_at=None)
    assert lease_due_jobs(now=NOW) == []


def test_a_worker_lost_while_sending_leaves_an_unknown_outcome():
    job = make_job(JobState.SUBMITTING)
    lease_due_jobs(now=NOW)
    job.refresh_from_db()
    assert (job.state, job.attempts.get().state) == (
        JobState.UNKNOWN_OUTCOME,
        AttemptState.UNKNOWN,
    )


@pytest.mark.parametrize("state", [JobState.REMOTE_PENDING, JobState.FETCHING])
def test_a_worker_lost_in_another_step_leaves_the_step_to_do(state):
    job = make_job(state)
    lease_due_jobs(now=NOW)
    job.refresh_from_db()
    assert (job.state, job.wake_at) == (state, NOW + PATIENCE)


@pytest.mark.parametrize(("busy", "woken"), [(0, 3), (2, 1), (3, 0), (4, 0)])
def test_no_more_jobs_are_woken_than_there_are_places(busy, woken):
    endpoint = make_endpoint(max_concurrency=3)
    for _ in range(busy):
        make_job(JobState.REMOTE_PENDING, endpoint=endpoint, wake_at=NOW + PATIENCE)
    waiting = [make_job(endpoint=endpoint) for _ in range(5)]
    handed_out = lease_due_jobs(now=NOW)
    assert handed_out == [(job.pk, JobState.READY) for job in waiting[:woken]]


def test_one_full_endpoint_does_not_hold_up_another():
    full, free = make_endpoint(max_concurrency=1), make_endpoint()
    make_job(JobState.REMOTE_PENDING, endpoint=full, wake_at=NOW + PATIENCE)
    make_job(endpoint=full)
    job = make_job(endpoint=free)
    assert lease_due_jobs(now=NOW) == [(job.pk, JobState.READY)]


def test_an_endpoint_that_rests_is_left_alone_and_says_why():
    endpoint = make_endpoint(paused_until=NOW + timedelta(hours=1), paused_why="The key is wrong.")
    for state in STEPPING:
        if state != JobState.SUBMITTING:
            make_job(state, endpoint=endpoint)
    assert lease_due_jobs(now=NOW) == []
    words = "It rests until 2026-11-23 13:00 UTC. The key is wrong."
    assert why_held(endpoint, NOW) == words


def test_an_endpoint_switched_off_is_sent_nothing_and_what_it_has_is_fetched():
    endpoint = make_endpoint(is_active=False)
    make_job(endpoint=endpoint)
    running = make_job(JobState.REMOTE_PENDING, endpoint=endpoint)
    assert lease_due_jobs(now=NOW) == [(running.pk, JobState.REMOTE_PENDING)]
    assert why_held(endpoint, NOW) == "It is switched off."


def test_jobs_of_a_paused_endpoint_do_not_crowd_out_others():
    paused = make_endpoint(paused_until=NOW + timedelta(hours=1))
    pattern = make_job(JobState.FETCHING, endpoint=paused, wake_at=NOW - PATIENCE)
    Job.objects.bulk_create(
        Job(endpoint=paused, prompt=pattern.prompt, seed=seed, state=JobState.FETCHING, wake_at=NOW)
        for seed in range(1, WAKE_AT_ONCE + 1)
    )
    job = make_job(JobState.FETCHING)
    assert lease_due_jobs(now=NOW) == [(job.pk, JobState.FETCHING)]


@pytest.mark.parametrize("endpoints", [1, 3])
def test_a_sweep_asks_the_database_per_endpoint_not_per_waiting_job(
    endpoints, django_assert_max_num_queries
):
    for endpoint in [make_endpoint(max_concurrency=1) for _ in range(endpoints)]:
        make_job(JobState.REMOTE_PENDING, endpoint=endpoint, wake_at=NOW + PATIENCE)
        for _ in range(4):
            make_job(endpoint=endpoint)
    with django_assert_max_num_queries(5 + 2 * endpoints):
        lease_due_jobs(now=NOW)


def test_jobs_are_counted_by_state():
    for state in (JobState.READY, JobState.READY, JobState.DONE):
        make_job(state)
    assert Job.objects.all().counts_by_state() == {JobState.READY: 2, JobState.DONE: 1}


NEXT_STEP = {
    JobState.READY: "submit",
    JobState.SUBMITTING: "reconcile",
    JobState.UNKNOWN_OUTCOME: "reconcile",
    JobState.REMOTE_PENDING: "poll",
    JobState.FETCHING: "fetch",
}


@pytest.fixture
def queued(monkeypatch):
    """Messages put into the queue."""
    messages = []
    for name in set(NEXT_STEP.values()):
        task = getattr(tasks, name)
        monkeypatch.setattr(task, "delay", lambda pk, name=name: messages.append((name, pk)))
    return messages


@pytest.mark.parametrize("state", STEPPING)
def test_the_sweep_queues_the_next_step(queued, monkeypatch, state):
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW)
    job = make_job(state)
    tasks.sweep()
    assert queued == [(NEXT_STEP[state], job.pk)]


def test_a_made_clip_is_fetched_without_waiting_for_the_sweep(queued, adapter, monkeypatch):
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW)
    job = make_job(JobState.REMOTE_PENDING)
    tasks.poll(job.pk)
    assert queued == [("fetch", job.pk)]
    tasks.sweep()
    assert queued == [("fetch", job.pk)]


def test_a_message_that_cannot_be_queued_is_queued_by_a_later_sweep(monkeypatch, queued):
    job = make_job()
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW)

    def fail(pk):
        raise OperationalError("Redis is away")

    with monkeypatch.context() as away:
        away.setattr(tasks.submit, "delay", fail)
        with pytest.raises(OperationalError):
            tasks.sweep()
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW + PATIENCE)
    tasks.sweep()
    assert queued == [("submit", job.pk)]


@pytest.mark.parametrize(("adapter_name", "seconds"), [("openai_videos", 1), ("http_blocking", 0)])
def test_a_job_that_was_sent_is_polled_without_waiting_for_the_sweep(
    adapter, monkeypatch, adapter_name, seconds
):
    messages = []
    monkeypatch.setattr(
        tasks.poll, "apply_async", lambda words, countdown: messages.append((*words, countdown))
    )
    job = make_job(endpoint=make_endpoint(adapter=adapter_name))
    tasks.submit(job.pk)
    assert messages == [(job.pk, seconds)]


def test_a_call_that_lasts_until_the_clip_is_made_has_a_queue_of_its_own(queued, monkeypatch):
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW)
    waits = []
    monkeypatch.setattr(tasks.submit_and_wait, "delay", waits.append)
    job = make_job(endpoint=make_endpoint(adapter="http_blocking"))
    other = make_job()
    tasks.sweep()
    assert (waits, queued) == ([job.pk], [("submit", other.pk)])


def test_a_freed_place_is_taken_without_waiting_for_the_sweep(queued, adapter, monkeypatch):
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW)
    endpoint = make_endpoint(max_concurrency=1)
    running = make_job(JobState.REMOTE_PENDING, endpoint=endpoint)
    waiting = make_job(endpoint=endpoint)
    tasks.poll(running.pk)
    assert queued == [("fetch", running.pk), ("submit", waiting.pk)]


def test_a_tick_that_comes_while_a_sweep_runs_does_nothing(monkeypatch):
    calls = []

    def slow_sweep(*, now):
        calls.append(now)
        tasks.sweep()
        return []

    monkeypatch.setattr(tasks, "lease_due_jobs", slow_sweep)
    tasks.sweep()
    assert len(calls) == 1
    tasks.sweep()
    assert len(calls) == 2


def test_a_sweep_that_fails_leaves_the_next_one_free(monkeypatch):
    calls = []

    def broken_sweep(*, now):
        calls.append(now)
        raise ConnectionError

    monkeypatch.setattr(tasks, "lease_due_jobs", broken_sweep)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            tasks.sweep()
    assert len(calls) == 2
