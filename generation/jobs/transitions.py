"""How jobs change their state: conditional UPDATEs, and locks with a second look. No HTTP here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from generation.adapters.base import (
    AdapterError,
    AuthOrQuotaError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from generation.costs import estimated_cost
from generation.endpoints.limits import longest_run, note_error
from generation.enums import AWAITING_ANSWER, AttemptState, JobState, UnknownOutcome
from generation.jobs.timing import FIRST_POLL, RECONCILE_PAUSE, backoff, queue_patience
from generation.models import Attempt, Job

MAX_SUBMITS = 6


def move(job: Job, target: JobState, **values: Any) -> bool:
    """Change the state if nobody else did since the job was read; whether we were the one."""
    unchanged = Job.objects.filter(
        pk=job.pk, state=job.state, remote_id=job.remote_id, submits=job.submits
    )
    return bool(unchanged.update(state=target, **values))


def end(job: Job, error: AdapterError, now: datetime) -> bool:
    """The job is over without a clip, in the endpoint's words."""
    state = JobState.REJECTED if isinstance(error, RejectedError) else JobState.FAILED
    words = str(error) or type(error).__name__
    return move(job, state, error=words, wake_at=None, finished_at=now)


def accept(
    attempt: Attempt,
    remote_id: str,
    answer: Mapping[str, Any],
    now: datetime,
    *,
    first_poll: timedelta = FIRST_POLL,
    cost: Decimal | None = None,
) -> bool:
    """Remember the endpoint's id of the job; whether the job still wants what was accepted."""
    cost_fields = {} if cost is None else {"cost": cost, "is_cost_told": True}
    with transaction.atomic():
        Attempt.objects.filter(pk=attempt.pk).update(
            state=AttemptState.ACCEPTED,
            remote_id=remote_id,
            raw={**attempt.raw, "answer": dict(answer)},
            answered_at=now,
            **cost_fields,
        )
        job = awaiting(attempt)
        if job is None:
            return Job.objects.filter(pk=attempt.job_id, remote_id=remote_id).exists()
        return move(
            job,
            JobState.REMOTE_PENDING,
            remote_id=remote_id,
            wake_at=now + first_poll,
            deadline_at=now + longest_run(attempt.endpoint),
            polls=0,
            error="",
        )


def not_accepted(attempt: Attempt, error: AdapterError, now: datetime) -> None:
    """Each class of error has one consequence for a job that was sent."""
    again_at = note_error(attempt.endpoint, error, now, sending=True)
    with transaction.atomic():
        job = awaiting(attempt)
        if job is None:
            # Given up or sent anew meanwhile: what may still be made keeps its place.
            if not isinstance(error, UnknownOutcomeError):
                mark(attempt, state_after(error), now, str(error))
            return
        mark(attempt, state_after(error), now, str(error))
        words = str(error)
        if isinstance(error, UnknownOutcomeError):
            wake_at = now + RECONCILE_PAUSE
            move(job, JobState.UNKNOWN_OUTCOME, wake_at=wake_at, error=words)
        elif isinstance(error, RateLimitedError | AuthOrQuotaError):
            move(job, JobState.READY, wake_at=now, error=words, submits=F("submits") - 1)
        elif isinstance(error, RetryableError) and job.submits < MAX_SUBMITS:
            move(job, JobState.READY, wake_at=again_at + backoff(job.submits), error=words)
        else:
            end(job, error, now)


def take_back(attempt: Attempt, now: datetime) -> None:
    """Nothing was sent and nothing will be: the job waits again, as if it had not been tried."""
    words = "The worker was held up before it could send it."
    with transaction.atomic():
        job = awaiting(attempt)
        mark(attempt, AttemptState.NOT_SENT, now, words)
        if job is not None:
            move(job, JobState.READY, wake_at=now, error=words, submits=F("submits") - 1)


def awaiting(attempt: Attempt) -> Job | None:
    """The attempt's job, locked, if it still waits for the answer to this very attempt."""
    jobs = Job.objects.select_for_update().filter(state__in=AWAITING_ANSWER)
    job = jobs.filter(pk=attempt.job_id).first()
    return job if job is not None and job.attempts.last() == attempt else None


def remember_clip(job: Job, answer: Mapping[str, Any], cost: Decimal | None) -> None:
    """Keep what the endpoint said at the end: a rewritten prompt, and what the clip cost."""
    attempt = job.attempts.last()
    if attempt is None:
        return
    if answer:
        attempt.raw = {**attempt.raw, "made": dict(answer)}
    if cost is not None:
        attempt.cost, attempt.is_cost_told = cost, True
    attempt.save(update_fields=["raw", "cost", "is_cost_told"])


def refine_estimate(job: Job, seconds: float) -> None:
    """Estimate anew, by the length that the clip has, where the endpoint told no cost."""
    attempt = job.attempts.last()
    if attempt is not None and not attempt.is_cost_told and job.endpoint.cost_per_second:
        job.attempts.filter(pk=attempt.pk).update(cost=estimated_cost(job.endpoint, seconds))


def send_again(job: Job, attempt: Attempt | None, error: AdapterError, now: datetime) -> None:
    """The endpoint does not have the job: it may be sent anew, a few times at most."""
    with transaction.atomic():
        if job.submits >= MAX_SUBMITS:
            is_over = end(job, error, now)
        else:
            wake_at = now + backoff(job.submits)
            is_over = move(job, JobState.READY, wake_at=wake_at, remote_id="", error=str(error))
        if is_over and attempt:
            mark(attempt, AttemptState.LOST, now, str(error))


def park(job: Job, attempt: Attempt, why: str, now: datetime) -> None:
    """Nobody can tell what became of the job: the endpoint's policy says how it goes on."""
    policy = UnknownOutcome(job.endpoint.unknown_outcome)
    was_sent_anew = job.attempts.filter(state=AttemptState.ABANDONED).exists()
    if policy == UnknownOutcome.PARK or was_sent_anew or job.submits >= MAX_SUBMITS:
        move(job, JobState.UNKNOWN_OUTCOME, wake_at=None, error=why)
        return
    with transaction.atomic():
        if move(job, JobState.READY, wake_at=now, error=f"{why} It is sent once more."):
            job.attempts.all().abandon(now=now)


def suspect_lost_answer(job: Job, wake_at: datetime, now: datetime) -> bool:
    """The worker that was sending the job is gone: nobody knows what the endpoint answered."""
    with transaction.atomic():
        unchanged = Job.objects.filter(pk=job.pk, state=JobState.SUBMITTING, wake_at=job.wake_at)
        if not unchanged.update(state=JobState.UNKNOWN_OUTCOME, wake_at=wake_at):
            return False
        silent = job.attempts.filter(state=AttemptState.SENDING)
        silent.update(state=AttemptState.UNKNOWN, answered_at=now)
        return True


def lease_fetch(job: Job, now: datetime) -> bool:
    """Keep others from downloading the same clip; whether nobody does already.

    The lease of a download under way ends later than the queue's patience with a job.
    """
    lease = timedelta(seconds=settings.GENERATION_FETCH_LEASE_SECONDS)
    free = Job.objects.filter(
        pk=job.pk,
        state=JobState.FETCHING,
        fetches=job.fetches,
        wake_at__lte=now + queue_patience(),
    )
    return bool(free.update(wake_at=now + lease, fetches=F("fetches") + 1))


def mark(attempt: Attempt, state: AttemptState, now: datetime, error: str) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(state=state, answered_at=now, error=error)


def state_after(error: AdapterError) -> AttemptState:
    if isinstance(error, UnknownOutcomeError):
        return AttemptState.UNKNOWN
    if isinstance(error, RetryableError):
        return AttemptState.NOT_SENT
    return AttemptState.REFUSED
