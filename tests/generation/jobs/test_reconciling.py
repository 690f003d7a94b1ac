"""A job was sent and no answer came: the endpoint's list tells, or a person must."""

from __future__ import annotations

from datetime import timedelta

import pytest

from generation.adapters.base import (
    AuthOrQuotaError,
    PermanentError,
    RateLimitedError,
    RejectedError,
    RemoteJob,
    RetryableError,
    UnknownOutcomeError,
    VanishedError,
)
from generation.enums import AttemptState, JobState
from generation.jobs.steps.reconciling import reconcile_job
from generation.jobs.transitions import MAX_SUBMITS
from generation.models import Job
from tests.annotations.factories import NOW
from tests.generation.factories import as_row, make_attempt, make_endpoint, make_job

pytestmark = pytest.mark.django_db
AFTER_GRACE = NOW + timedelta(minutes=3)
TOO_LATE = NOW + timedelta(minutes=61)


def reconciled(job: Job, now=NOW) -> Job:
    reconcile_job(job_id=job.pk, now=now)
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def lost():
    return make_job(JobState.UNKNOWN_OUTCOME, seed=7)


def remote(job: Job, remote_id: str = "v9", **values: object) -> RemoteJob:
    return RemoteJob(
        **{
            "remote_id": remote_id,
            "model": job.endpoint.remote_model,
            "prompt": job.prompt.text,
            "created_at": NOW,
            "seed": 7,
            **values,
        }
    )


@pytest.mark.parametrize("values", [{}, {"seed": None}, {"model": ""}, {"created_at": None}])
def test_the_one_job_that_fits_is_adopted(adapter, lost, values):
    adapter.listing = [remote(lost, **values)]
    job = reconciled(lost)
    assert (job.state, job.remote_id, job.submits) == (JobState.REMOTE_PENDING, "v9", 1)
    attempt = job.attempts.get()
    assert (attempt.state, attempt.remote_id) == (AttemptState.ACCEPTED, "v9")
    assert attempt.raw["answer"] == {"reconciled": True}


@pytest.mark.parametrize("other", [{"prompt": "A cat"}, {"model": "other"}, {"seed": 8}])
def test_what_does_not_fit_is_not_adopted(adapter, lost, other):
    adapter.listing = [remote(lost, "v8", **other)]
    assert reconciled(lost, AFTER_GRACE).state == JobState.READY


def test_what_belongs_to_another_attempt_is_not_adopted(adapter, lost):
    other = make_job(JobState.REMOTE_PENDING, endpoint=lost.endpoint)
    adapter.listing = [remote(lost, other.remote_id)]
    assert reconciled(lost, AFTER_GRACE).state == JobState.READY


def test_the_same_id_at_another_server_is_another_job(adapter, lost):
    elsewhere = make_endpoint(base_url="http://elsewhere.test/v1")
    other = make_job(JobState.REMOTE_PENDING, endpoint=elsewhere)
    adapter.listing = [remote(lost, other.remote_id)]
    assert reconciled(lost).remote_id == other.remote_id


def test_a_job_that_the_list_lacks_is_sent_again(adapter, lost):
    job = reconciled(lost, AFTER_GRACE)
    assert job.state == JobState.READY
    assert AFTER_GRACE <= job.wake_at <= AFTER_GRACE + timedelta(seconds=4)
    assert job.error == "The endpoint does not have it."
    assert job.attempts.get().state == AttemptState.LOST


def test_a_list_is_not_believed_at_once(adapter, lost):
    job = reconciled(lost, NOW + timedelta(seconds=119))
    assert job.state == JobState.UNKNOWN_OUTCOME
    assert job.wake_at == NOW + timedelta(seconds=124)


def test_a_job_that_appears_late_is_adopted(adapter, lost):
    reconciled(lost)
    adapter.listing = [remote(lost)]
    assert reconciled(lost, AFTER_GRACE).remote_id == "v9"


def test_lost_answers_without_end_end(adapter):
    job = reconciled(make_job(JobState.UNKNOWN_OUTCOME, submits=MAX_SUBMITS), AFTER_GRACE)
    assert (job.state, job.error) == (JobState.FAILED, "The endpoint does not have it.")


def test_two_jobs_that_fit_are_for_a_person_to_tell_apart(adapter, lost):
    adapter.listing = [remote(lost, "v8"), remote(lost, "v9")]
    job = reconciled(lost, AFTER_GRACE)
    assert (job.state, job.wake_at) == (JobState.UNKNOWN_OUTCOME, None)
    assert job.error == "The answer was lost, and 2 jobs at the endpoint could be this one."
    assert list(Job.objects.failed()) == [job]


@pytest.mark.parametrize("values", [{"prompt": ""}, {"remote_id": ""}, {"remote_id": "x" * 201}])
def test_a_job_that_does_not_say_enough_is_not_adopted_but_shown(adapter, lost, values):
    adapter.listing = [remote(lost, **values)]
    job = reconciled(lost, AFTER_GRACE)
    assert (job.state, job.wake_at) == (JobState.UNKNOWN_OUTCOME, None)
    assert job.error == "The answer was lost, and 1 job at the endpoint could be this one."


@pytest.mark.parametrize("error", [PermanentError("No list."), VanishedError("No list.")])
def test_without_a_list_the_job_waits_for_a_person(adapter, lost, error):
    adapter.listing = error
    job = reconciled(lost)
    assert (job.state, job.wake_at) == (JobState.UNKNOWN_OUTCOME, None)
    assert job.error.endswith("the endpoint has no list to look it up: No list.")


TEMPORARY = [
    RetryableError("Busy."),
    UnknownOutcomeError("Busy."),
    RejectedError("Busy."),
    RateLimitedError("Busy.", retry_after=40),
    AuthOrQuotaError("Busy."),
    RuntimeError("Busy."),
]


@pytest.mark.parametrize("error", TEMPORARY)
def test_a_list_that_cannot_be_had_is_asked_for_again(adapter, lost, error):
    adapter.listing = error
    job = reconciled(lost)
    assert job.state == JobState.UNKNOWN_OUTCOME
    assert job.wake_at > NOW
    assert job.error.endswith("Busy.")


@pytest.mark.parametrize("error", TEMPORARY)
def test_after_the_deadline_the_job_waits_for_a_person(adapter, lost, error):
    adapter.listing = error
    job = reconciled(lost, TOO_LATE)
    assert (job.state, job.wake_at) == (JobState.UNKNOWN_OUTCOME, None)
    assert "the endpoint's list cannot be had: " in job.error


def test_a_pause_that_is_asked_for_holds_the_endpoint(adapter, lost):
    adapter.listing = RateLimitedError("Slow down.", retry_after=40)
    job = reconciled(lost)
    assert job.endpoint.paused_until == NOW + timedelta(seconds=40)
    assert job.wake_at == NOW + timedelta(seconds=45)


def test_a_parked_job_is_left_to_its_person(adapter):
    job = make_job(JobState.UNKNOWN_OUTCOME, wake_at=None, error="Words.")
    before = as_row(job)
    assert (as_row(reconciled(job, AFTER_GRACE)), adapter.calls) == (before, [])


@pytest.mark.parametrize("state", [s for s in JobState if s != JobState.UNKNOWN_OUTCOME])
def test_a_stale_message_looks_nothing_up(adapter, state):
    job = make_job(state)
    before = as_row(job)
    assert (as_row(reconciled(job, AFTER_GRACE)), adapter.calls) == (before, [])


def sent_anew(job: Job) -> None:
    """Another worker was quicker, and the next attempt lost its answer, too."""
    make_attempt(job)
    Job.objects.filter(pk=job.pk).update(submits=2)


@pytest.mark.parametrize("listed", [0, 1, 2])
def test_an_old_list_says_nothing_about_a_later_attempt(adapter, lost, listed):
    adapter.listing = [remote(lost, f"v{number}") for number in range(listed)]
    adapter.meanwhile = lambda: sent_anew(lost)
    job = reconciled(lost, AFTER_GRACE)
    assert (job.state, job.submits, job.remote_id) == (JobState.UNKNOWN_OUTCOME, 2, "")
    assert job.wake_at == NOW
