"""How a job's endpoint is called: nothing unforeseen leaves a job without words."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any

from annotations.about import say_about
from annotations.errors import StimulusRefused
from annotations.media.errors import MediaError
from generation.adapters.base import Adapter, AdapterError, PermanentError, RetryableError
from generation.adapters.registry import adapter_for, build_adapter
from generation.endpoints.limits import may_call
from generation.enums import AttemptState, JobState
from generation.models import Job

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]


class JobContext:
    """A job in one step, and its endpoint's adapter: built when it is first needed, and once.

    What is logged in the step names the job and its study.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        say_about(job=job.pk, study_id=job.study_id)

    @cached_property
    def adapter(self) -> Adapter:
        """The adapter without its key.

        Raises
        ------
        PermanentError
            The endpoint's row allows none.
        """
        return build_adapter(self.job.endpoint)

    def adapter_or_none(self) -> Adapter | None:
        try:
            return self.adapter
        except PermanentError:
            return None

    @contextmanager
    def call(self, otherwise: type[AdapterError] = RetryableError) -> Iterator[Adapter]:
        """The adapter with its key, for a call; what is unforeseen becomes `otherwise`."""
        with nothing_unforeseen(otherwise):
            yield adapter_for(self.job.endpoint, self.adapter)


def job_context(
    job_id: int, state: JobState, now: datetime, **conditions: Any
) -> JobContext | None:
    """The job, if this step is still to be done and its endpoint may be called."""
    jobs = Job.objects.select_related("endpoint__model", "prompt").callable_now(now=now)
    job = jobs.filter(pk=job_id, state=state, **conditions).first()
    return JobContext(job) if job is not None and may_call(job.endpoint, now) else None


@contextmanager
def nothing_unforeseen(otherwise: type[AdapterError] = RetryableError) -> Iterator[None]:
    """Nothing unforeseen, such as a full disk, leaves a job without words or without an end."""
    try:
        yield
    except (AdapterError, StimulusRefused, MediaError):
        raise
    except Exception as error:
        logger.exception("A step of a job failed in an unforeseen way")
        raise otherwise(f"Unforeseen: {type(error).__name__}: {error}") from error


def stop_at_endpoint(context: JobContext, remote_id: str, now: datetime) -> str:
    """Ask the endpoint to stop a job that nobody wants any more; the problem, if there is one."""
    if not remote_id:
        return ""
    try:
        with context.call() as adapter:
            adapter.cancel(remote_id)
    except AdapterError as error:
        # It goes on there, and takes a place until its time is over.
        running = context.job.attempts.filter(remote_id=remote_id, state=AttemptState.ACCEPTED)
        running.update(state=AttemptState.ABANDONED, answered_at=now)
        return str(error)
    return ""
