"""How a job's endpoint is called: nothing unforeseen leaves a job without words."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from annotations.errors import StimulusRefused
from annotations.media.errors import MediaError
from generation.adapters.base import Adapter, AdapterError, RetryableError
from generation.adapters.registry import adapter_for
from generation.endpoints.limits import may_call
from generation.enums import AttemptState, JobState
from generation.models import Endpoint, Job

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]


def job_in(state: JobState, job_id: int, now: datetime, **conditions: Any) -> Job | None:
    """The job, if this step is still to be done and its endpoint may be called."""
    jobs = Job.objects.select_related("endpoint__model", "prompt").callable_now(now=now)
    job = jobs.filter(pk=job_id, state=state, **conditions).first()
    return job if job is not None and may_call(job.endpoint, now) else None


@contextmanager
def foreseen(otherwise: type[AdapterError] = RetryableError) -> Iterator[None]:
    """Nothing unforeseen, such as a full disk, leaves a job without words or without an end."""
    try:
        yield
    except (AdapterError, StimulusRefused, MediaError):
        raise
    except Exception as error:
        logger.exception("A step of a job failed in an unforeseen way")
        raise otherwise(f"Unforeseen: {type(error).__name__}: {error}") from error


@contextmanager
def call(
    endpoint: Endpoint, *, otherwise: type[AdapterError] = RetryableError
) -> Iterator[Adapter]:
    """The endpoint's adapter, with its key, for one call."""
    with foreseen(otherwise):
        yield adapter_for(endpoint)


def stop_at_endpoint(job: Job, remote_id: str, now: datetime) -> str:
    """Ask the endpoint to stop a job that nobody wants any more; the problem, if there is one."""
    if not remote_id:
        return ""
    try:
        with call(job.endpoint) as adapter:
            adapter.cancel(remote_id)
    except AdapterError as error:
        # It goes on there, and takes a place until its time is over.
        running = job.attempts.filter(remote_id=remote_id, state=AttemptState.ACCEPTED)
        running.update(state=AttemptState.ABANDONED, answered_at=now)
        return str(error)
    return ""
