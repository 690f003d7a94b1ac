"""Ask how a job stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from generation.adapters.base import (
    AdapterError,
    Done,
    PermanentError,
    RejectedError,
    VanishedError,
)
from generation.endpoints.limits import note_answer, note_error
from generation.enums import JobState
from generation.jobs.calling import Clock, JobContext, job_context, stop_at_endpoint
from generation.jobs.timing import is_late, may_still_appear, poll_pause, queue_patience
from generation.jobs.transitions import end, move, remember_clip, send_again
from generation.models import Job


def poll_job(*, job_id: int, now: datetime, clock: Clock | None = None) -> bool:
    """Ask how a job stands; whether its clip can be fetched now."""
    context = job_context(job_id, JobState.REMOTE_PENDING, now)
    if context is None:
        return False
    job = context.job
    try:
        with context.call() as adapter:
            standing = adapter.poll(job.remote_id)
    except AdapterError as error:
        _poll_failed(context, error, clock() if clock else now)
        return False
    now = clock() if clock else now
    note_answer(job.endpoint)
    if isinstance(standing, Done):
        # The caller queues the download; the sweep does so only if that message is lost.
        wake_at = now + queue_patience()
        with transaction.atomic():
            is_ours = move(job, JobState.FETCHING, wake_at=wake_at, progress=100, error="")
            if is_ours:
                remember_clip(job, standing.raw, standing.cost)
        return is_ours
    if is_late(job, now):
        _end_late(context, PermanentError("The endpoint did not finish it in time."), now)
    else:
        _poll_later(job, now, progress=standing.progress, error="")
    return False


def _poll_failed(context: JobContext, error: AdapterError, now: datetime) -> None:
    job = context.job
    wake_at = note_error(job.endpoint, error, now)
    if isinstance(error, VanishedError):
        _vanished(job, error, now)
    elif isinstance(error, RejectedError | PermanentError):
        end(job, error, now)
    elif is_late(job, now):
        _end_late(context, error, now)
    else:
        _poll_later(job, wake_at, error=str(error))


def _vanished(job: Job, error: VanishedError, now: datetime) -> None:
    """A restarted server forgot its jobs; one that has just accepted a job may be slow to know."""
    attempt = job.attempts.last()
    if attempt is not None and may_still_appear(attempt, now):
        _poll_later(job, now, error=str(error))
    else:
        send_again(job, attempt, error, now)


def _poll_later(job: Job, after: datetime, **values: Any) -> None:
    wake_at = after + poll_pause(job.polls)
    move(job, JobState.REMOTE_PENDING, wake_at=wake_at, polls=F("polls") + 1, **values)


def _end_late(context: JobContext, error: AdapterError, now: datetime) -> None:
    """The job's place is free again: the endpoint should not go on with it."""
    if end(context.job, error, now):
        stop_at_endpoint(context, context.job.remote_id, now)
