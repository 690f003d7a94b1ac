"""Asking how a job stands, until it is made, refused, lost or too late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from generation.adapters.base import (
    AuthOrQuotaError,
    Done,
    Pending,
    PermanentError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
    VanishedError,
)
from generation.endpoints.limits import AUTH_PAUSE
from generation.enums import AttemptState, JobState
from generation.jobs.steps.polling import poll_job
from generation.jobs.transitions import MAX_SUBMITS
from generation.models import Job
from tests.annotations.factories import NOW
from tests.generation.factories import as_row, make_endpoint, make_job

pytestmark = pytest.mark.django_db
AFTER_GRACE = NOW + timedelta(minutes=3)
TOO_LATE = NOW + timedelta(minutes=61)


def polled(job: Job, now=NOW) -> Job:
    poll_job(job_id=job.pk, now=now)
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def pending():
    return make_job(JobState.REMOTE_PENDING)


def test_a_made_clip_can_be_fetched(adapter, pending):
    assert poll_job(job_id=pending.pk, now=NOW) is True
    pending.refresh_from_db()
    assert (pending.state, pending.progress) == (JobState.FETCHING, 100)
    # The message to fetch it is on its way: the sweep need not send another one at once.
    assert pending.wake_at == NOW + timedelta(seconds=60)


def test_progress_is_kept_and_an_old_error_forgotten(adapter, pending):
    Job.objects.update(error="It did not answer.")
    adapter.polling = Pending(40)
    job = polled(pending)
    assert (job.state, job.progress, job.polls) == (JobState.REMOTE_PENDING, 40, 1)
    assert job.error == ""


@pytest.mark.parametrize(("polls", "seconds"), [(0, 1), (3, 5), (7, 30), (500, 30)])
def test_polls_get_rarer(adapter, polls, seconds):
    adapter.polling = Pending()
    job = polled(make_job(JobState.REMOTE_PENDING, polls=polls))
    assert 0.8 * seconds <= (job.wake_at - NOW).total_seconds() <= 1.2 * seconds


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (RejectedError("We will not draw this."), JobState.REJECTED),
        (PermanentError("Out of memory."), JobState.FAILED),
    ],
)
def test_a_failed_job_ends_in_the_endpoints_words(adapter, pending, error, state):
    adapter.polling = error
    job = polled(pending)
    assert (job.state, job.error, job.finished_at) == (state, str(error), NOW)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RetryableError("It did not answer."), "It did not answer."),
        (UnknownOutcomeError("Odd."), "Odd."),
        (RuntimeError("odd"), "Unforeseen: RuntimeError: odd"),
    ],
)
def test_a_question_without_an_answer_is_asked_again(adapter, pending, error, words):
    adapter.polling = error
    job = polled(pending)
    assert (job.state, job.error) == (JobState.REMOTE_PENDING, words)
    assert job.wake_at > NOW


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (RateLimitedError("Slow down.", retry_after=40), timedelta(seconds=40)),
        (AuthOrQuotaError("The key is wrong."), AUTH_PAUSE),
    ],
)
def test_a_pause_that_is_asked_for_holds_the_endpoint_and_the_job(adapter, pending, error, pause):
    adapter.polling = error
    job = polled(pending)
    assert (job.state, job.error) == (JobState.REMOTE_PENDING, str(error))
    assert job.wake_at > NOW + pause
    assert job.endpoint.paused_until == NOW + pause


def test_a_paused_endpoint_is_not_asked(adapter):
    endpoint = make_endpoint(paused_until=NOW + timedelta(minutes=1))
    polled(make_job(JobState.REMOTE_PENDING, endpoint=endpoint))
    assert adapter.calls == []


def test_a_job_of_an_endpoint_switched_off_is_still_brought_home(adapter):
    endpoint = make_endpoint(is_active=False)
    assert polled(make_job(JobState.REMOTE_PENDING, endpoint=endpoint)).state == JobState.FETCHING


def test_a_clip_made_in_time_counts_though_asked_for_late(adapter, pending):
    assert polled(pending, TOO_LATE).state == JobState.FETCHING


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (Pending(99), "The endpoint did not finish it in time."),
        (RetryableError("It did not answer."), "It did not answer."),
        (AuthOrQuotaError("The key is wrong."), "The key is wrong."),
    ],
)
def test_after_the_deadline_the_job_ends_here_and_there(adapter, pending, standing, words):
    adapter.polling = standing
    job = polled(pending, TOO_LATE)
    assert (job.state, job.error) == (JobState.FAILED, words)
    assert adapter.calls == ["poll v1", "cancel v1"]


def test_a_job_that_the_endpoint_forgot_is_sent_again(adapter, pending):
    adapter.polling = VanishedError("No such video.")
    job = polled(pending, AFTER_GRACE)
    assert (job.state, job.remote_id, job.error) == (JobState.READY, "", "No such video.")
    assert job.attempts.get().state == AttemptState.LOST


def test_a_job_just_sent_may_not_be_known_yet(adapter, pending):
    adapter.polling = VanishedError("No such video.")
    job = polled(pending, NOW + timedelta(seconds=119))
    assert (job.state, job.remote_id) == (JobState.REMOTE_PENDING, "v1")


def test_a_job_is_not_sent_again_for_ever(adapter):
    adapter.polling = VanishedError("No such video.")
    job = polled(make_job(JobState.REMOTE_PENDING, submits=MAX_SUBMITS), AFTER_GRACE)
    assert (job.state, job.error) == (JobState.FAILED, "No such video.")


@pytest.mark.parametrize("state", [s for s in JobState if s != JobState.REMOTE_PENDING])
def test_a_stale_message_asks_nothing(adapter, state):
    job = make_job(state)
    before = as_row(job)
    assert poll_job(job_id=job.pk, now=NOW) is False
    assert (adapter.calls, as_row(job)) == ([], before)


@pytest.mark.parametrize("standing", [Done(), Pending(), PermanentError("No."), VanishedError("?")])
@pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.FETCHING, JobState.READY])
def test_what_changed_during_the_question_stays(adapter, pending, standing, state):
    adapter.polling = standing
    adapter.meanwhile = lambda: Job.objects.update(state=state, error="Meanwhile.")
    assert poll_job(job_id=pending.pk, now=AFTER_GRACE) is False
    pending.refresh_from_db()
    assert (pending.state, pending.error) == (state, "Meanwhile.")
