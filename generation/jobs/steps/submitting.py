"""Send a job to its endpoint."""

from __future__ import annotations

from datetime import datetime, timedelta

from generation.adapters.base import AdapterError, UnknownOutcomeError
from generation.adapters.registry import is_blocking, request_for
from generation.adapters.requests import Kind
from generation.endpoints.limits import note_answer
from generation.jobs.calling import Clock, nothing_unforeseen, stop_at_endpoint
from generation.jobs.sending import begin_attempt
from generation.jobs.sources import source_file
from generation.jobs.timing import FIRST_POLL, can_be_sent_in_time
from generation.jobs.transitions import accept, not_accepted, take_back
from generation.models import Job

# How long the message of a first poll may take before the sweep sends another one.
MESSAGE_PATIENCE = timedelta(seconds=5)


def submit_job(*, job_id: int, now: datetime, clock: Clock | None = None) -> timedelta | None:
    """Send a waiting job to its endpoint, if the endpoint has a place.

    Parameters
    ----------
    clock
        The time before and after the call, which may take long; `now` if it is not given.

    Returns
    -------
    timedelta or None
        When the caller should have the job polled; the sweep does so only if that is forgotten.
    """
    begun = begin_attempt(job_id, now)
    if begun is None:
        return None
    attempt, context = begun
    job = context.job
    try:
        # What fails before the call has sent nothing; what fails in it may have.
        with nothing_unforeseen(), source_file(job) as source:
            request = request_for(
                context.adapter.capabilities,
                prompt=job.prompt.text,
                seed=job.seed,
                key=str(attempt.key),
                kind=_kind_of(job),
                source=source,
                asked=job.asked,
            )
            ready_at = clock() if clock else now
            if not can_be_sent_in_time(attempt, ready_at):
                take_back(attempt, ready_at)
                return None
            with context.call(otherwise=UnknownOutcomeError) as adapter:
                submitted = adapter.submit(request)
    except AdapterError as error:
        not_accepted(attempt, error, clock() if clock else now)
        return None
    answered_at = clock() if clock else now
    note_answer(job.endpoint)
    pause = timedelta(0) if is_blocking(job.endpoint) else FIRST_POLL
    first_poll = pause + MESSAGE_PATIENCE
    remote_id, answer, cost = submitted.remote_id, submitted.raw, submitted.cost
    if accept(attempt, remote_id, answer, answered_at, first_poll=first_poll, cost=cost):
        return pause
    # Given up, or sent again, while the answer was on its way.
    stop_at_endpoint(context, submitted.remote_id, answered_at)
    return None


def _kind_of(job: Job) -> Kind | None:
    kind = job.kind or (job.study.kind if job.study else "")
    return Kind(kind) if kind else None
