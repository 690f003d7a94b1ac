"""Find out what became of a job whose answer was lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from generation.adapters.base import (
    MAX_REMOTE_ID,
    AdapterError,
    PermanentError,
    RemoteJob,
    VanishedError,
)
from generation.endpoints.limits import note_answer, note_error
from generation.enums import JobState
from generation.jobs.calling import Clock, job_context
from generation.jobs.timing import RECONCILE_PAUSE, is_late, may_still_appear
from generation.jobs.transitions import accept, move, park, send_again
from generation.models import Attempt, Job

CLOCK_TOLERANCE = timedelta(seconds=60)


def reconcile_job(*, job_id: int, now: datetime, clock: Clock | None = None) -> None:
    """Find out whether a job whose answer was lost had been accepted, from the endpoint's list."""
    context = job_context(job_id, JobState.UNKNOWN_OUTCOME, now, wake_at__isnull=False)
    attempt = context.job.attempts.last() if context else None
    if context is None or attempt is None:
        return
    job = context.job
    try:
        with context.call() as adapter:
            remote_jobs = adapter.list_since(attempt.sent_at - CLOCK_TOLERANCE)
    except AdapterError as error:
        _reconcile_failed(job, attempt, error, clock() if clock else now)
        return
    note_answer(job.endpoint)
    possible = _candidates(job, remote_jobs)
    if len(possible) == 1 and _can_be_adopted(possible[0]):
        accept(attempt, possible[0].remote_id, {"reconciled": True}, now)
    elif possible:
        count = f"{len(possible)} job{'s' if len(possible) > 1 else ''}"
        why = f"The answer was lost, and {count} at the endpoint could be this one."
        park(job, attempt, why, now)
    elif may_still_appear(attempt, now):
        move(job, JobState.UNKNOWN_OUTCOME, wake_at=now + RECONCILE_PAUSE)
    else:
        send_again(job, attempt, VanishedError("The endpoint does not have it."), now)


def _reconcile_failed(job: Job, attempt: Attempt, error: AdapterError, now: datetime) -> None:
    wake_at = note_error(job.endpoint, error, now) + RECONCILE_PAUSE
    lost = "The answer was lost, and the endpoint"
    if isinstance(error, PermanentError | VanishedError):
        park(job, attempt, f"{lost} has no list to look it up: {error}", now)
    elif is_late(job, now):
        park(job, attempt, f"{lost}'s list cannot be had: {error}", now)
    else:
        move(job, JobState.UNKNOWN_OUTCOME, wake_at=wake_at, error=str(error))


def _candidates(job: Job, remote_jobs: list[RemoteJob]) -> list[RemoteJob]:
    """Remote jobs that could be this one and belong to no other attempt.

    What the list does not tell, such as the seed, speaks neither for a job nor against it.
    """
    attempts = Attempt.objects.filter(
        job__endpoint__base_url=job.endpoint.base_url,
        remote_id__in=[remote.remote_id for remote in remote_jobs if remote.remote_id],
    )
    known = set(attempts.values_list("remote_id", flat=True))
    return [
        remote
        for remote in remote_jobs
        if remote.remote_id not in known
        and remote.prompt in ("", job.prompt.text)
        and remote.model in ("", job.endpoint.remote_model)
        and remote.seed in (None, job.seed)
    ]


def _can_be_adopted(remote: RemoteJob) -> bool:
    """Whether it is surely the prompt's; a clip of another prompt would spoil the study."""
    return bool(remote.prompt) and 0 < len(remote.remote_id) <= MAX_REMOTE_ID
