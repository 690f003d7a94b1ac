"""Sending a job: never over the endpoint's limit, written down first, one outcome per answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from generation.adapters.base import (
    AuthOrQuotaError,
    PermanentError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    Submitted,
    UnknownOutcomeError,
)
from generation.endpoints.limits import AUTH_PAUSE, LONGEST_OTHER_PAUSE
from generation.enums import AttemptState, JobState
from generation.jobs.decisions import cancel_job
from generation.jobs.steps.fetching import fetch_job
from generation.jobs.steps.polling import poll_job
from generation.jobs.steps.reconciling import reconcile_job
from generation.jobs.steps.submitting import submit_job
from generation.jobs.transitions import MAX_SUBMITS
from generation.jobs.waking import lease_due_jobs
from generation.models import Job
from tests.annotations.factories import NOW
from tests.generation.factories import as_row, make_attempt, make_endpoint, make_job

pytestmark = pytest.mark.django_db


def submission_in(job: Job, now=NOW) -> Job:
    submit_job(job_id=job.pk, now=now)
    return Job.objects.get(pk=job.pk)


def test_an_accepted_job_is_polled_soon(adapter):
    job = make_job()
    assert submit_job(job_id=job.pk, now=NOW) == timedelta(seconds=1)
    job.refresh_from_db()
    assert (job.state, job.remote_id, job.submits) == (JobState.REMOTE_PENDING, "v1", 1)
    # The message to poll it is on its way: the sweep need not send another one at once.
    assert (job.wake_at, job.deadline_at) == (
        NOW + timedelta(seconds=6),
        NOW + timedelta(hours=1),
    )


def test_the_attempt_is_written_before_anything_is_sent(adapter):
    job = make_job()
    seen = []
    adapter.meanwhile = lambda: seen.append((as_row(job)["state"], job.attempts.get().state))
    submission_in(job)
    assert seen == [(JobState.SUBMITTING, AttemptState.SENDING)]


def test_what_was_sent_and_answered_is_kept(adapter):
    endpoint = make_endpoint(options={"variant": "sglang"})
    attempt = submission_in(make_job(endpoint=endpoint, seed=5)).attempts.get()
    assert (attempt.state, attempt.remote_id) == (AttemptState.ACCEPTED, "v1")
    assert attempt.raw == {
        "sent": {
            "adapter": "openai_videos/1",
            "route": endpoint.base_url,
            "endpoint": endpoint.name,
            "remote_model": endpoint.remote_model,
            "prompt": attempt.job.prompt.text,
            "seed": 5,
            "seed_sent": True,
            "parameters": {"seconds": "4"},
            "options": {"variant": "sglang"},
        },
        "answer": {"id": "v1"},
    }


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_an_endpoint_never_has_more_jobs_than_its_limit(adapter, limit):
    endpoint = make_endpoint(max_concurrency=limit)
    jobs = [make_job(endpoint=endpoint) for _ in range(4)]
    for job in jobs:
        submission_in(job)
    assert adapter.calls == ["submit"] * limit
    assert Job.objects.filter(state=JobState.REMOTE_PENDING).count() == limit


@pytest.mark.parametrize(
    ("state", "sent"),
    [
        (JobState.SUBMITTING, False),
        (JobState.REMOTE_PENDING, False),
        (JobState.UNKNOWN_OUTCOME, False),
        (JobState.FETCHING, True),
        (JobState.DONE, True),
        (JobState.CANCELLED, True),
    ],
)
def test_what_may_run_at_the_endpoint_takes_a_place(adapter, state, sent):
    endpoint = make_endpoint(max_concurrency=1)
    make_job(state, endpoint=endpoint)
    submission_in(make_job(endpoint=endpoint))
    assert adapter.calls == (["submit"] if sent else [])


@pytest.mark.parametrize(("minutes", "sent"), [(59, False), (61, True)])
def test_a_parked_job_keeps_its_place_until_its_deadline(adapter, minutes, sent):
    endpoint = make_endpoint(max_concurrency=1)
    make_job(JobState.UNKNOWN_OUTCOME, endpoint=endpoint, wake_at=None)
    submission_in(make_job(endpoint=endpoint), now=NOW + timedelta(minutes=minutes))
    assert adapter.calls == (["submit"] if sent else [])


@pytest.mark.parametrize(
    "held", [{"is_active": False}, {"paused_until": NOW + timedelta(minutes=1)}]
)
def test_a_held_endpoint_gets_nothing(adapter, held):
    job = submission_in(make_job(endpoint=make_endpoint(**held)))
    assert (adapter.calls, job.state, job.submits) == ([], JobState.READY, 0)
    assert job.wake_at > NOW


def test_a_pause_that_is_over_holds_nothing(adapter):
    submission_in(make_job(endpoint=make_endpoint(paused_until=NOW)))
    assert adapter.calls == ["submit"]


@pytest.mark.parametrize("state", [state for state in JobState if state != JobState.READY])
def test_a_stale_message_sends_nothing(adapter, state):
    job = make_job(state)
    before = as_row(job)
    submission_in(job)
    assert (adapter.calls, as_row(job)) == ([], before)


def test_the_same_message_twice_sends_once(adapter):
    job = make_job()
    submission_in(job)
    submission_in(job)
    assert (adapter.calls, job.attempts.count()) == (["submit"], 1)


def test_what_surely_did_not_arrive_is_sent_again_later(adapter):
    adapter.submitting = RetryableError("No route.")
    job = submission_in(make_job())
    assert (job.state, job.submits, job.error) == (JobState.READY, 1, "No route.")
    assert NOW <= job.wake_at <= NOW + timedelta(seconds=4)
    assert job.attempts.get().state == AttemptState.NOT_SENT


def test_sending_ends_after_so_many_tries(adapter):
    adapter.submitting = RetryableError("No route.")
    job, now = make_job(), NOW
    for _ in range(MAX_SUBMITS):
        assert job.state == JobState.READY
        now += timedelta(days=1)
        job = submission_in(job, now)
    assert (job.state, job.error, job.finished_at) == (JobState.FAILED, "No route.", now)
    assert (job.wake_at, len(adapter.calls)) == (None, MAX_SUBMITS)


def test_a_full_endpoint_is_paused_and_the_try_not_counted(adapter):
    adapter.submitting = RateLimitedError("Slow down.", retry_after=40)
    job = submission_in(make_job())
    assert (job.state, job.submits, job.error) == (JobState.READY, 0, "Slow down.")
    assert job.endpoint.paused_until == NOW + timedelta(seconds=40)
    assert job.endpoint.paused_why == "Slow down."


def test_a_wrong_key_stops_the_endpoint_and_says_so(adapter):
    adapter.submitting = AuthOrQuotaError("The key is wrong.")
    job = submission_in(make_job())
    assert (job.state, job.submits, job.error) == (JobState.READY, 0, "The key is wrong.")
    assert job.endpoint.sends_paused_until == NOW + AUTH_PAUSE
    assert job.endpoint.paused_why == "The key is wrong."


def test_what_is_made_is_still_fetched_while_no_more_is_sent(adapter):
    adapter.submitting = AuthOrQuotaError("No credits are left.")
    job = submission_in(make_job())
    assert job.endpoint.paused_until == NOW + LONGEST_OTHER_PAUSE


def test_a_short_pause_never_cuts_a_long_one(adapter):
    endpoint = make_endpoint(max_concurrency=2)
    first, second = (make_job(endpoint=endpoint) for _ in range(2))
    adapter.submitting = RateLimitedError("Slow down.", retry_after=40)
    adapter.meanwhile = lambda: type(endpoint).objects.update(
        paused_until=NOW + AUTH_PAUSE, paused_why="The key is wrong."
    )
    submission_in(first)
    endpoint.refresh_from_db()
    assert (endpoint.paused_until, endpoint.paused_why) == (NOW + AUTH_PAUSE, "The key is wrong.")
    assert submission_in(second).submits == 0


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (RejectedError("We will not draw this."), JobState.REJECTED),
        (PermanentError("No such size."), JobState.FAILED),
    ],
)
def test_a_refusal_is_final_and_in_the_endpoints_words(adapter, error, state):
    adapter.submitting = error
    job = submission_in(make_job())
    assert (job.state, job.error, job.wake_at) == (state, str(error), None)
    assert job.attempts.get().state == AttemptState.REFUSED


def test_an_error_without_words_still_says_something(adapter):
    adapter.submitting = PermanentError()
    assert submission_in(make_job()).error == "PermanentError"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UnknownOutcomeError("It did not answer."), "It did not answer."),
        (RuntimeError("odd"), "Unforeseen: RuntimeError: odd"),
    ],
)
def test_a_lost_answer_is_looked_up_and_not_sent_again(adapter, error, words):
    adapter.submitting = error
    job = submission_in(make_job())
    assert (job.state, job.error) == (JobState.UNKNOWN_OUTCOME, words)
    assert job.wake_at == NOW + timedelta(seconds=5)
    assert job.attempts.get().state == AttemptState.UNKNOWN


def test_parameters_that_are_no_object_end_the_job_before_anything_is_sent():
    job = submission_in(make_job(endpoint=make_endpoint(parameters=["seconds"])))
    assert job.state == JobState.FAILED
    assert job.error.endswith("are not a JSON object.")


def test_a_job_given_up_while_being_sent_is_cancelled_at_the_endpoint(adapter):
    job = make_job()
    adapter.meanwhile = lambda: cancel_job(job=job, now=NOW)
    assert submission_in(job).state == JobState.CANCELLED
    assert adapter.calls == ["submit", "cancel v1"]


@pytest.mark.parametrize(
    "answer",
    [
        RetryableError("No route."),
        RateLimitedError("Slow down.", retry_after=1),
        AuthOrQuotaError("The key is wrong."),
        UnknownOutcomeError("It did not answer."),
        PermanentError("No such size."),
        RejectedError("No."),
    ],
)
def test_no_answer_brings_a_job_back_that_was_given_up(adapter, answer):
    job = make_job()
    adapter.submitting = answer
    adapter.meanwhile = lambda: cancel_job(job=job, now=NOW)
    job = submission_in(job)
    assert (job.state, job.error) == (JobState.CANCELLED, "Given up by the owner.")


def send_anew(job: Job) -> None:
    """What other workers do that believe this one dead."""
    make_attempt(job)
    Job.objects.filter(pk=job.pk).update(submits=2)


def test_an_answer_to_an_earlier_attempt_is_cancelled_at_the_endpoint(adapter):
    job = make_job()
    adapter.meanwhile = lambda: send_anew(job)
    job = submission_in(job)
    assert (job.state, job.remote_id) == (JobState.SUBMITTING, "")
    assert adapter.calls == ["submit", "cancel v1"]


def test_an_error_of_an_earlier_attempt_changes_nothing(adapter):
    job = make_job()
    adapter.submitting = PermanentError("No such size.")
    adapter.meanwhile = lambda: send_anew(job)
    assert submission_in(job).state == JobState.SUBMITTING


def test_an_answer_that_comes_after_the_list_told_it_changes_nothing(adapter):
    job = make_job()
    adopted = {"state": JobState.REMOTE_PENDING, "remote_id": "v1", "polls": 3}
    adapter.meanwhile = lambda: Job.objects.filter(pk=job.pk).update(**adopted)
    adapter.submitting = Submitted("v1", {})
    assert submission_in(job).polls == 3
    assert adapter.calls == ["submit"]


def test_an_answer_that_comes_after_the_lease_is_taken(adapter):
    """The worker was slow, not dead: another one already doubts the outcome."""
    job = make_job()
    adapter.meanwhile = lambda: lease_due_jobs(now=NOW + timedelta(days=1))
    job = submission_in(job)
    assert (job.state, job.remote_id) == (JobState.REMOTE_PENDING, "v1")
    assert adapter.calls == ["submit"]


def test_a_worker_that_was_held_up_until_others_may_have_sent_the_job_sends_nothing(adapter):
    job = make_job()
    submit_job(job_id=job.pk, now=NOW, clock=lambda: NOW + timedelta(seconds=11))
    job.refresh_from_db()
    assert (job.state, job.submits) == (JobState.READY, 0)
    assert (job.attempts.get().state, adapter.calls) == (AttemptState.NOT_SENT, [])


def test_a_worker_that_was_held_up_leaves_alone_what_was_sent_anew(adapter):
    job = make_job()

    def held_up():
        send_anew(job)
        return NOW + timedelta(days=1)

    submit_job(job_id=job.pk, now=NOW, clock=held_up)
    job.refresh_from_db()
    assert (job.state, adapter.calls) == (JobState.SUBMITTING, [])


def test_a_step_of_a_job_that_was_deleted_does_nothing(adapter):
    for step in (submit_job, poll_job, fetch_job, reconcile_job):
        step(job_id=404, now=NOW)
    assert adapter.calls == []
