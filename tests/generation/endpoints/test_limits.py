"""Rates, budgets, pauses and turns: what an endpoint is sent, and what it is spared."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from generation.adapters.base import (
    AuthOrQuotaError,
    Done,
    Pending,
    PermanentError,
    RateLimitedError,
    RetryableError,
    UnknownOutcomeError,
)
from generation.endpoints.limits import LONGEST_FAILURE_PAUSE, PROBING, room_at, why_held
from generation.enums import AttemptState, JobState
from generation.jobs.decisions import cancel_job, resume_endpoint, retry_job
from generation.jobs.steps.polling import poll_job
from generation.jobs.steps.reconciling import reconcile_job
from generation.jobs.steps.submitting import submit_job
from generation.jobs.waking import lease_due_jobs, lease_neighbours
from generation.models import Endpoint, Job
from tests.annotations.factories import NOW
from tests.generation.factories import make_attempt, make_endpoint, make_job

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR, DAY = (
    timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days")
)


def roomy(**values) -> Endpoint:
    """An endpoint whose places are never the limit."""
    return make_endpoint(**{"max_concurrency": 100, **values})


def submit_all(endpoint: Endpoint, now=NOW, count: int = 5) -> int:
    """Offer some jobs to the endpoint; how many it was sent."""
    jobs = [make_job(endpoint=endpoint, wake_at=now) for _ in range(count)]
    before = endpoint.attempts.count()
    for job in jobs:
        submit_job(job_id=job.pk, now=now)
    return endpoint.attempts.count() - before


# The rate


def test_no_more_jobs_are_sent_in_any_minute_than_allowed(adapter):
    endpoint = roomy(jobs_per_minute=3)
    assert submit_all(endpoint) == 3
    assert submit_all(endpoint, NOW + 59 * SECOND) == 0
    assert submit_all(endpoint, NOW + 61 * SECOND) == 3


def test_a_job_counts_for_a_minute_after_its_answer_since_nobody_knows_when_it_arrived(adapter):
    endpoint = roomy(jobs_per_minute=1)
    job = make_job(endpoint=endpoint)
    submit_job(job_id=job.pk, now=NOW, clock=iter([NOW, NOW + 40 * SECOND]).__next__)
    assert submit_all(endpoint, NOW + 99 * SECOND) == 0
    assert submit_all(endpoint, NOW + 101 * SECOND) == 1


def test_no_more_jobs_are_woken_than_the_rate_allows():
    endpoint = roomy(jobs_per_minute=2)
    for _ in range(5):
        make_job(endpoint=endpoint)
    assert len(lease_due_jobs(now=NOW)) == 2


# Budgets


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        ({"daily_jobs": 2}, 2),
        ({"total_jobs": 4}, 4),
        ({"daily_cost": Decimal("1"), "cost_per_job": Decimal("0.3")}, 3),
        ({"total_cost": Decimal("0.9"), "cost_per_job": Decimal("0.3")}, 3),
        ({"daily_jobs": 4, "total_cost": Decimal("2"), "cost_per_job": Decimal("1")}, 2),
    ],
)
def test_no_more_is_sent_than_the_budget_allows(adapter, values, sent):
    assert submit_all(roomy(**values)) == sent


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"daily_jobs": 2}, "Its day's budget of 2 jobs is used up."),
        ({"total_jobs": 2}, "Its whole budget of 2 jobs is used up."),
        (
            {"daily_cost": Decimal("0.5"), "cost_per_job": Decimal("0.25"), "currency": "USD"},
            "Its day's budget of 0.5 USD is used up.",
        ),
    ],
)
def test_a_budget_that_is_used_up_says_so(adapter, values, words):
    endpoint = roomy(**values)
    assert why_held(endpoint, NOW) == ""
    submit_all(endpoint)
    assert why_held(endpoint, NOW) == words


def test_a_days_budget_begins_anew_at_midnight(adapter):
    endpoint = roomy(daily_jobs=2)
    evening = NOW.replace(hour=23, minute=59)
    assert submit_all(endpoint, evening) == 2
    assert submit_all(endpoint, evening + 59 * SECOND) == 0
    assert submit_all(endpoint, evening + MINUTE) == 2


def test_the_whole_budget_never_begins_anew(adapter):
    endpoint = roomy(total_jobs=2)
    assert submit_all(endpoint) == 2
    assert submit_all(endpoint, NOW + 400 * DAY) == 0


@pytest.mark.parametrize("error", [RetryableError("No route."), PermanentError("Bad size.")])
def test_what_was_not_accepted_costs_nothing(adapter, error):
    endpoint = roomy(total_jobs=1, cost_per_job=Decimal(1))
    adapter.submitting = error
    assert submit_all(endpoint, count=1) == 1
    assert endpoint.attempts.charged().spent() == 0
    assert room_at(endpoint, NOW).jobs == 1


def test_what_may_have_been_accepted_counts(adapter):
    endpoint = roomy(total_jobs=1)
    adapter.submitting = UnknownOutcomeError("It did not answer.")
    submit_all(endpoint, count=1)
    assert room_at(endpoint, NOW).jobs == 0


def test_the_cost_that_the_endpoint_tells_takes_the_place_of_the_estimate(adapter):
    endpoint = roomy(total_cost=Decimal(2), cost_per_job=Decimal(1))
    job = make_job(endpoint=endpoint)
    submit_job(job_id=job.pk, now=NOW)
    assert room_at(endpoint, NOW).jobs == 1
    adapter.polling = Done(cost=Decimal("0.5"))
    poll_job(job_id=job.pk, now=NOW)
    attempt = job.attempts.get()
    assert (attempt.cost, attempt.is_cost_told) == (Decimal("0.5"), True)
    adapter.polling = Done(cost=Decimal("2.5"))
    job = make_job(endpoint=endpoint)
    submit_job(job_id=job.pk, now=NOW)
    poll_job(job_id=job.pk, now=NOW)
    assert room_at(endpoint, NOW).jobs == 0


def test_a_budget_in_money_needs_an_estimate():
    endpoint = make_endpoint(daily_cost=Decimal(5))
    with pytest.raises(ValidationError, match="A budget needs an estimate"):
        endpoint.full_clean()


def test_a_price_per_second_is_an_estimate_only_with_a_length():
    budget = {"daily_cost": Decimal(5), "cost_per_second": Decimal("0.1")}
    make_endpoint(**budget, parameters={"seconds": 4}).full_clean()
    with pytest.raises(ValidationError, match="A budget needs an estimate"):
        make_endpoint(**budget, parameters={}).full_clean()


def test_a_budget_counts_by_the_price_per_second(adapter):
    values = {"cost_per_second": Decimal("0.25"), "parameters": {"seconds": 4}}
    assert submit_all(roomy(total_cost=Decimal(3), **values)) == 3


# Failures in a row


def fail(adapter, endpoint: Endpoint, times: int, now=NOW) -> Endpoint:
    adapter.polling = RetryableError("Down.")
    for _ in range(times):
        job = make_job(JobState.REMOTE_PENDING, endpoint=endpoint)
        poll_job(job_id=job.pk, now=now)
    endpoint.refresh_from_db()
    return endpoint


def test_so_many_failures_in_a_row_pause_the_endpoint(adapter):
    endpoint = fail(adapter, roomy(pause_after=3), 2)
    assert not endpoint.is_paused(NOW)
    endpoint = fail(adapter, endpoint, 1)
    assert endpoint.paused_until == NOW + 30 * SECOND
    assert endpoint.paused_why == "3 calls in a row failed: Down."


@pytest.mark.parametrize(
    "answer", [Pending(5), Done(), PermanentError("No."), RateLimitedError("Slow.", 1)]
)
def test_any_answer_begins_the_row_anew(adapter, answer):
    endpoint = fail(adapter, roomy(pause_after=3), 2)
    adapter.polling = answer
    poll_job(job_id=make_job(JobState.REMOTE_PENDING, endpoint=endpoint).pk, now=NOW)
    endpoint.refresh_from_db()
    assert endpoint.failures == 0


def test_after_the_pause_one_call_tries_while_others_wait(adapter):
    endpoint = fail(adapter, roomy(pause_after=3), 3)
    now = NOW + 31 * SECOND
    job, other = (make_job(JobState.REMOTE_PENDING, endpoint=endpoint) for _ in range(2))
    seen = []

    def others_try():
        if len(adapter.calls) == 4:
            poll_job(job_id=other.pk, now=now)
            submit_all(endpoint, now)
            seen.append(endpoint.attempts.filter(sent_at=now).count())

    adapter.polling, adapter.meanwhile = Pending(), others_try
    poll_job(job_id=job.pk, now=now)
    assert (len(adapter.calls), seen) == (4, [0])


def test_a_try_that_succeeds_opens_the_endpoint(adapter):
    endpoint = fail(adapter, roomy(pause_after=3), 3)
    now = NOW + 31 * SECOND
    assert submit_all(endpoint, now, count=1) == 1
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.is_paused(now)) == (0, False)
    assert submit_all(endpoint, now) == 5


def test_each_try_that_fails_doubles_the_pause_up_to_a_limit(adapter):
    endpoint, now, pauses = fail(adapter, roomy(pause_after=3), 3), NOW, []
    for _ in range(7):
        now = endpoint.paused_until + SECOND
        fail(adapter, endpoint, 1, now)
        pauses.append((endpoint.paused_until - now).total_seconds())
    assert pauses == [60, 120, 240, 480, 900, 900, 900]
    assert LONGEST_FAILURE_PAUSE.total_seconds() == 900


def test_failures_that_come_during_the_pause_do_not_lengthen_it(adapter):
    endpoint = roomy(pause_after=3)
    jobs = [make_job(endpoint=endpoint) for _ in range(10)]
    adapter.submitting = UnknownOutcomeError("Down.")
    # Ten were under way at once: each begins before any has failed.
    adapter.meanwhile = lambda: jobs and submit_job(job_id=jobs.pop().pk, now=NOW)
    submit_job(job_id=jobs.pop().pk, now=NOW)
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.paused_until) == (3, NOW + 30 * SECOND)


def test_a_worker_lost_while_trying_lets_another_one_try(adapter, settings):
    endpoint = fail(adapter, roomy(pause_after=3), 3)
    lease = settings.GENERATION_SUBMIT_LEASE_SECONDS * SECOND
    tried_at = NOW + 31 * SECOND
    Endpoint.objects.update(paused_until=tried_at + lease, paused_why=PROBING)
    assert submit_all(endpoint, tried_at + lease - SECOND, count=1) == 0
    assert submit_all(endpoint, tried_at + lease, count=1) == 1


def test_of_an_endpoint_that_fails_one_job_is_handed_out(adapter):
    endpoint = roomy(failures=5)
    jobs = [make_job(JobState.REMOTE_PENDING, endpoint=endpoint) for _ in range(3)]
    assert lease_due_jobs(now=NOW) == [(jobs[0].pk, JobState.REMOTE_PENDING)]


def test_a_person_can_end_a_pause(adapter):
    endpoint = fail(adapter, roomy(pause_after=3), 3)
    resume_endpoint(endpoint=endpoint)
    assert submit_all(endpoint) == 5


# What nobody waits for any more


def test_what_may_still_be_made_keeps_its_place_until_its_time_is_over(adapter):
    endpoint = make_endpoint(max_concurrency=1)
    job = make_job(JobState.REMOTE_PENDING, endpoint=endpoint)
    adapter.cancelling = PermanentError("It cannot stop a job.")
    cancel_job(job=job, now=NOW)
    assert job.attempts.get().state == AttemptState.ABANDONED
    assert submit_all(endpoint, NOW + 59 * MINUTE) == 0
    assert submit_all(endpoint, NOW + 61 * MINUTE) == 1


def test_what_was_stopped_gives_its_place_back(adapter):
    endpoint = make_endpoint(max_concurrency=1)
    cancel_job(job=make_job(JobState.REMOTE_PENDING, endpoint=endpoint), now=NOW)
    assert submit_all(endpoint) == 1


def test_a_job_given_up_on_its_way_keeps_its_place_until_it_is_stopped(adapter):
    endpoint = make_endpoint(max_concurrency=1)
    job, rooms = make_job(endpoint=endpoint), []

    def give_up():
        if adapter.calls == ["submit"]:
            cancel_job(job=job, now=NOW)
            rooms.append(room_at(endpoint, NOW).jobs)

    adapter.meanwhile = give_up
    submit_job(job_id=job.pk, now=NOW)
    assert (rooms, room_at(endpoint, NOW).jobs) == ([0], 1)


# A lost answer, and the endpoint cannot tell


def test_by_default_a_person_decides(adapter):
    adapter.listing = PermanentError("No list.")
    job = make_job(JobState.UNKNOWN_OUTCOME)
    reconcile_job(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.wake_at) == (JobState.UNKNOWN_OUTCOME, None)


def test_where_the_owner_allows_it_the_job_is_sent_once_more_and_no_more(adapter):
    endpoint = make_endpoint(unknown_outcome="send-once-more")
    adapter.listing = PermanentError("No list.")
    adapter.submitting = UnknownOutcomeError("It did not answer.")
    job = make_job(JobState.UNKNOWN_OUTCOME, endpoint=endpoint)
    reconcile_job(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert job.state == JobState.READY
    assert job.error.endswith("It is sent once more.")
    submit_job(job_id=job.pk, now=NOW)
    reconcile_job(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.wake_at, adapter.calls.count("submit")) == ("unknown-outcome", None, 1)


def test_the_first_sending_keeps_its_place_while_the_second_is_made(adapter):
    endpoint = make_endpoint(unknown_outcome="send-once-more", max_concurrency=1)
    adapter.listing = PermanentError("No list.")
    job = make_job(JobState.UNKNOWN_OUTCOME, endpoint=endpoint)
    reconcile_job(job_id=job.pk, now=NOW)
    assert room_at(endpoint, NOW).jobs == 0


# Starting anew


def test_a_clip_that_was_made_is_not_paid_for_again(adapter):
    job = make_job(JobState.FAILED, remote_id="v1", progress=100, submits=1)
    make_attempt(job)
    assert retry_job(job=job, now=NOW) is True
    poll_job(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.state, adapter.calls) == (JobState.FETCHING, ["poll v1"])


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"progress": 100, "state": JobState.CANCELLED}, AttemptState.ACCEPTED),
        ({"progress": 40, "state": JobState.FAILED}, AttemptState.ACCEPTED),
        ({"progress": 100, "state": JobState.FAILED}, AttemptState.UNUSABLE),
    ],
)
def test_what_was_not_made_or_is_of_no_use_is_sent_anew(values, state):
    job = make_job(remote_id="v1", error="Words.", wake_at=None, **values)
    make_attempt(job, state=state)
    retry_job(job=job, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.remote_id) == (JobState.READY, "")


# Freed places


def test_a_place_that_is_freed_is_taken_without_waiting_for_the_sweep(adapter):
    endpoint = make_endpoint(max_concurrency=1)
    running = make_job(JobState.REMOTE_PENDING, endpoint=endpoint)
    waiting = [make_job(endpoint=endpoint) for _ in range(2)]
    assert lease_neighbours(job_id=running.pk, now=NOW) == []
    assert poll_job(job_id=running.pk, now=NOW)
    assert lease_neighbours(job_id=running.pk, now=NOW) == [waiting[0].pk]
    assert lease_neighbours(job_id=404, now=NOW) == []


def test_a_quota_that_is_used_up_holds_jobs_for_an_hour_and_other_calls_for_a_minute(adapter):
    endpoint = roomy()
    adapter.submitting = AuthOrQuotaError("No credits are left.")
    submit_all(endpoint, count=1)
    running = make_job(JobState.REMOTE_PENDING, endpoint=endpoint)
    adapter.polling = Pending()
    due = lease_due_jobs(now=NOW + 61 * SECOND)
    assert due == [(running.pk, JobState.REMOTE_PENDING)]
    assert Job.objects.waiting(now=NOW + HOUR).exists()
    assert "No credits are left." in why_held(
        Endpoint.objects.get(pk=endpoint.pk), NOW + 59 * MINUTE
    )


def test_lost_jobs_that_hold_all_places_are_told():
    endpoint = make_endpoint(max_concurrency=1)
    make_job(JobState.UNKNOWN_OUTCOME, endpoint=endpoint, wake_at=None)
    assert "hold all places" in why_held(endpoint, NOW)
    assert why_held(endpoint, NOW + 2 * HOUR) == ""


def test_an_endpoint_that_answers_with_the_clip_has_its_places_back_after_the_call(adapter):
    endpoint = make_endpoint(adapter="http_blocking", max_concurrency=1)
    adapter.submitting = UnknownOutcomeError("It did not answer.")
    adapter.listing = PermanentError("No list.")
    job = make_job(endpoint=endpoint)
    submit_job(job_id=job.pk, now=NOW)
    reconcile_job(job_id=job.pk, now=NOW)
    assert room_at(endpoint, NOW + 179 * SECOND).jobs == 0
    assert room_at(endpoint, NOW + 181 * SECOND).jobs == 1
