"""Celery tasks: ids in, one call. The sweep finds what is due in the database."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from annotations.one_at_a_time import one_at_a_time
from generation.enums import JobState
from generation.jobs.decisions import stop_attempt
from generation.jobs.steps.fetching import fetch_job
from generation.jobs.steps.polling import poll_job
from generation.jobs.steps.reconciling import reconcile_job
from generation.jobs.steps.submitting import submit_job
from generation.jobs.waking import jobs_that_block, lease_due_jobs, lease_neighbours

logger = logging.getLogger(__name__)


@shared_task
@one_at_a_time
def sweep() -> None:
    """Queue the next step of every job that is due."""
    due = lease_due_jobs(now=timezone.now())
    queue_submits([job_id for job_id, state in due if state == JobState.READY])
    step_of = {
        JobState.SUBMITTING: reconcile,
        JobState.UNKNOWN_OUTCOME: reconcile,
        JobState.REMOTE_PENDING: poll,
        JobState.FETCHING: fetch,
    }
    for job_id, state in due:
        if state in step_of:
            step_of[state].delay(job_id)


def queue_submits(job_ids: list[int]) -> None:
    """Endpoints that answer only when the clip is made keep nobody else waiting."""
    blocking = jobs_that_block(job_ids) if job_ids else set()
    for job_id in job_ids:
        step = submit_and_wait if job_id in blocking else submit
        step.delay(job_id)


def queue_stops(attempt_ids: list[int]) -> None:
    """Without a broker they keep their places until their time is over."""
    for attempt_id in attempt_ids:
        try:
            stop.apply_async((attempt_id,), retry=False)
        except OperationalError:
            logger.warning("no broker: attempt %s is not stopped", attempt_id)


@shared_task
def submit(job_id: int) -> None:
    """Send a job to its endpoint."""
    pause = submit_job(job_id=job_id, now=timezone.now(), clock=timezone.now)
    if pause is not None:
        poll.apply_async((job_id,), countdown=pause.total_seconds())


@shared_task
def submit_and_wait(job_id: int) -> None:
    """Send a job to an endpoint that answers with the clip."""
    submit(job_id)


@shared_task
def poll(job_id: int) -> None:
    """Ask how a job stands; when it is made, have its clip fetched and its place taken."""
    if poll_job(job_id=job_id, now=timezone.now(), clock=timezone.now):
        fetch.delay(job_id)
        queue_submits(lease_neighbours(job_id=job_id, now=timezone.now()))


@shared_task
def fetch(job_id: int) -> None:
    """Download a clip."""
    fetch_job(job_id=job_id, now=timezone.now(), clock=timezone.now)


@shared_task
def stop(attempt_id: int) -> None:
    """Stop at its endpoint what was given up."""
    stop_attempt(attempt_id=attempt_id, now=timezone.now())


@shared_task
def reconcile(job_id: int) -> None:
    """Find out what became of a job whose answer was lost."""
    reconcile_job(job_id=job_id, now=timezone.now(), clock=timezone.now)
