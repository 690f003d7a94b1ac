"""How jobs change their state: conditional UPDATEs, and locks with a second look. No HTTP here."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
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
from generation.adapters.registry import version_of
from generation.enums import AWAITING_ANSWER, AttemptState, JobState
from generation.models import Attempt, Endpoint, Job

MAX_SUBMITS = 6
BACKOFF_BASE_SECONDS, BACKOFF_CAP_SECONDS = 2.0, 300.0
FIRST_POLL = timedelta(seconds=1)
FULL_PAUSE = timedelta(seconds=2)
RECONCILE_PAUSE = timedelta(seconds=5)
AUTH_PAUSE = timedelta(hours=1)

RNG = random.SystemRandom()


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


def park(job: Job, why: str) -> bool:
    """Only a person can say how the job goes on."""
    return move(job, JobState.UNKNOWN_OUTCOME, wake_at=None, error=why)


def begin_attempt(job_id: int, now: datetime) -> Attempt | None:
    """Take a place at the endpoint and write the attempt down before anything is sent."""
    with transaction.atomic():
        job = Job.objects.select_related("prompt").filter(pk=job_id, state=JobState.READY).first()
        if job is None:
            return None
        endpoint = Endpoint.objects.select_for_update().get(pk=job.endpoint_id)
        full = endpoint.jobs.at_endpoint(now=now).count() >= endpoint.max_concurrency
        if full or endpoint.why_held(now):
            move(job, JobState.READY, wake_at=now + FULL_PAUSE)
            return None
        if not move(
            job,
            JobState.SUBMITTING,
            wake_at=now + timedelta(seconds=settings.GENERATION_SUBMIT_LEASE_SECONDS),
            deadline_at=deadline_after(now),
            submits=F("submits") + 1,
            remote_id="",
            error="",
        ):
            return None
        job.endpoint = endpoint
        return Attempt.objects.create(job=job, sent_at=now, raw={"sent": sent_values(job)})


def sent_values(job: Job) -> dict[str, Any]:
    """What is sent, kept beside the clip: the endpoint's row may change meanwhile."""
    return {
        "adapter": version_of(job.endpoint),
        "endpoint": job.endpoint.name,
        "remote_model": job.endpoint.remote_model,
        "prompt": job.prompt.text,
        "seed": job.seed,
        "parameters": job.endpoint.parameters,
        "options": job.endpoint.options,
    }


def accept(attempt: Attempt, remote_id: str, answer: Mapping[str, Any], now: datetime) -> bool:
    """Remember the endpoint's id of the job; whether the job still wants what was accepted."""
    with transaction.atomic():
        Attempt.objects.filter(pk=attempt.pk).update(
            state=AttemptState.ACCEPTED,
            remote_id=remote_id,
            raw={**attempt.raw, "answer": dict(answer)},
            answered_at=now,
        )
        job = awaiting(attempt)
        if job is None:
            return Job.objects.filter(pk=attempt.job_id, remote_id=remote_id).exists()
        return move(
            job,
            JobState.REMOTE_PENDING,
            remote_id=remote_id,
            wake_at=now + FIRST_POLL,
            deadline_at=deadline_after(now),
            polls=0,
            error="",
        )


def remember(job: Job, made: Mapping[str, Any]) -> None:
    """Keep what the endpoint said at the end, a prompt that it rewrote included."""
    attempt = job.attempts.last()
    if attempt is None or not made:
        return
    answer = {**attempt.raw.get("answer", {}), "made": dict(made)}
    Attempt.objects.filter(pk=attempt.pk).update(raw={**attempt.raw, "answer": answer})


def not_accepted(attempt: Attempt, error: AdapterError, now: datetime) -> None:
    """Each class of error has one consequence for a job that was sent."""
    pause_after(attempt.job.endpoint, error, now)
    with transaction.atomic():
        mark(attempt, state_after(error), now, str(error))
        job = awaiting(attempt)
        if job is None:
            return
        words = str(error)
        if isinstance(error, UnknownOutcomeError):
            wake_at = now + RECONCILE_PAUSE
            move(job, JobState.UNKNOWN_OUTCOME, wake_at=wake_at, error=words)
        elif isinstance(error, RateLimitedError | AuthOrQuotaError):
            move(job, JobState.READY, wake_at=now, error=words, submits=F("submits") - 1)
        elif isinstance(error, RetryableError) and job.submits < MAX_SUBMITS:
            move(job, JobState.READY, wake_at=now + backoff(job.submits), error=words)
        else:
            end(job, error, now)


def awaiting(attempt: Attempt) -> Job | None:
    """The attempt's job, locked, if it still waits for the answer to this very attempt."""
    jobs = Job.objects.select_for_update().filter(state__in=AWAITING_ANSWER)
    job = jobs.filter(pk=attempt.job_id).first()
    return job if job is not None and job.attempts.last() == attempt else None


def send_again(job: Job, attempt: Attempt | None, error: AdapterError, now: datetime) -> None:
    """The endpoint does not have the job: it may be sent anew, a few times at most."""
    if job.submits >= MAX_SUBMITS:
        end(job, error, now)
    elif move(job, JobState.READY, wake_at=now, remote_id="", error=str(error)) and attempt:
        mark(attempt, AttemptState.LOST, now, str(error))


def suspect_lost_answer(job: Job, wake_at: datetime) -> bool:
    """The worker that was sending the job is gone: nobody knows what the endpoint answered."""
    unchanged = Job.objects.filter(pk=job.pk, state=JobState.SUBMITTING, wake_at=job.wake_at)
    if not unchanged.update(state=JobState.UNKNOWN_OUTCOME, wake_at=wake_at):
        return False
    job.attempts.filter(state=AttemptState.SENDING).update(state=AttemptState.UNKNOWN)
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


def pause_after(endpoint: Endpoint, error: AdapterError, now: datetime) -> datetime:
    """Stop calling the endpoint if the error asks for it, never shortening a pause; until when."""
    if isinstance(error, RateLimitedError):
        until = now + timedelta(seconds=error.retry_after)
    elif isinstance(error, AuthOrQuotaError):
        until = now + AUTH_PAUSE
    else:
        return now
    shorter = Endpoint.objects.filter(pk=endpoint.pk).exclude(paused_until__gt=until)
    shorter.update(paused_until=until, paused_why=str(error))
    return until


def mark(attempt: Attempt, state: AttemptState, now: datetime, error: str) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(state=state, answered_at=now, error=error)


def state_after(error: AdapterError) -> AttemptState:
    if isinstance(error, UnknownOutcomeError):
        return AttemptState.UNKNOWN
    if isinstance(error, RetryableError):
        return AttemptState.NOT_SENT
    return AttemptState.REFUSED


def is_late(job: Job, now: datetime) -> bool:
    return job.deadline_at is not None and now > job.deadline_at


def deadline_after(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.GENERATION_DEADLINE_SECONDS)


def queue_patience() -> timedelta:
    return timedelta(seconds=settings.GENERATION_QUEUE_PATIENCE_SECONDS)


def backoff(tries: int) -> timedelta:
    """Full jitter: anything up to base x 2^tries, capped."""
    most = min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2**tries)
    return timedelta(seconds=RNG.uniform(0, most))
