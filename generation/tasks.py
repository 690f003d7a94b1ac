"""Celery tasks: ids in, one call. The sweep finds what is due in the database."""

from celery import shared_task
from django.utils import timezone

from generation import services
from generation.enums import JobState


@shared_task
def sweep() -> None:
    """Queue the next step of every job that is due."""
    step_of = {
        JobState.READY: submit,
        JobState.SUBMITTING: reconcile,
        JobState.UNKNOWN_OUTCOME: reconcile,
        JobState.REMOTE_PENDING: poll,
        JobState.FETCHING: fetch,
    }
    for job_id, state in services.lease_due_jobs(now=timezone.now()):
        step_of[state].delay(job_id)


@shared_task
def submit(job_id: int) -> None:
    """Send a job to its endpoint."""
    services.submit_job(job_id=job_id, now=timezone.now())


@shared_task
def poll(job_id: int) -> None:
    """Ask how a job stands, and have its clip fetched when it is made."""
    if services.poll_job(job_id=job_id, now=timezone.now()):
        fetch.delay(job_id)


@shared_task
def fetch(job_id: int) -> None:
    """Download a clip."""
    services.fetch_job(job_id=job_id, now=timezone.now())


@shared_task
def reconcile(job_id: int) -> None:
    """Find out what became of a job whose answer was lost."""
    services.reconcile_job(job_id=job_id, now=timezone.now())
