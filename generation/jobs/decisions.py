"""What an owner decides about jobs and endpoints: again, no more, sooner, go on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef

from generation.enums import AttemptState, JobState, Priority
from generation.jobs.calling import JobContext, stop_at_endpoint
from generation.jobs.chains import settle_chains
from generation.models import Attempt, Endpoint, Job, JobQuerySet

GIVEN_UP = "Given up by the owner."


def retry_job(*, job: Job, now: datetime) -> bool:
    """Start a job anew that ended badly or waits for a person; whether it was one."""
    return bool(retry_jobs(jobs=Job.objects.filter(pk=job.pk), now=now))


def retry_jobs(*, jobs: JobQuerySet, now: datetime) -> int:
    """Start anew those of the jobs that ended badly or wait for a person; how many they were.

    A clip that was made and could not be downloaded is not made, and paid for, again: the
    endpoint is asked for it once more. A first step that failed is started anew with its second.
    """
    anew = {
        "wake_at": now,
        "deadline_at": None,
        "submits": 0,
        "fetches": 0,
        "polls": 0,
        "error": "",
        "progress": None,
        "finished_at": None,
    }
    with transaction.atomic():
        wanted = jobs.with_first_steps().values("pk")
        locked = Job.objects.failed().select_for_update().filter(pk__in=wanted)
        failed = Job.objects.filter(pk__in=list(locked.values_list("pk", flat=True)))
        Attempt.objects.filter(job__in=failed).abandon(now=now)
        made = failed.filter(pk__in=_made_there(failed))
        asked_again = made.update(state=JobState.REMOTE_PENDING, **anew)
        sent_again = failed.failed().update(state=JobState.READY, remote_id="", **anew)
        settle_chains(now=now)
    return asked_again + sent_again


def cancel_job(*, job: Job, now: datetime) -> bool:
    """Give a job up, at the endpoint too; whether it was still under way."""
    given_up, running = give_up_jobs(jobs=Job.objects.filter(pk=job.pk), now=now)
    for attempt_id in running:
        stop_attempt(attempt_id=attempt_id, now=now)
    return bool(given_up)


def give_up_jobs(*, jobs: JobQuerySet, now: datetime) -> tuple[int, list[int]]:
    """Give up those of the jobs that are under way.

    A job that is being sent is cancelled at the endpoint by the worker that gets the answer.

    Returns
    -------
    int, list
        How many they were, and the attempts to be stopped at their endpoint. Each keeps its place
        there until it is stopped, or its time is over.
    """
    with transaction.atomic():
        locked = Job.objects.moving().select_for_update().filter(pk__in=jobs.values("pk"))
        moving = Job.objects.filter(pk__in=list(locked.values_list("pk", flat=True)))
        attempts = Attempt.objects.filter(job__in=moving)
        attempts.abandon(now=now)
        running = attempts.exclude(remote_id="").filter(
            remote_id=F("job__remote_id"), state=AttemptState.ACCEPTED
        )
        running_ids = list(running.values_list("pk", flat=True))
        Attempt.objects.filter(pk__in=running_ids).update(
            state=AttemptState.ABANDONED, answered_at=now
        )
        given_up = moving.update(
            state=JobState.CANCELLED, error=GIVEN_UP, wake_at=None, finished_at=now
        )
        settle_chains(now=now)
    return given_up, running_ids


def stop_attempt(*, attempt_id: int, now: datetime) -> None:
    """Stop at the endpoint what was given up here: its place is free again."""
    given_up = Attempt.objects.filter(pk=attempt_id, state=AttemptState.ABANDONED)
    attempt = given_up.select_related("job__endpoint").first()
    if attempt is None:
        return
    problem = stop_at_endpoint(JobContext(attempt.job), attempt.remote_id, now)
    if not problem:
        given_up.update(state=AttemptState.ACCEPTED, answered_at=now)
        return
    words = f"{GIVEN_UP} The endpoint could not be told: {problem}"
    Job.objects.filter(pk=attempt.job_id, state=JobState.CANCELLED).update(error=words)


def spare_awaited(jobs: JobQuerySet) -> JobQuerySet:
    """The jobs without those whose picture a second step that is not among them waits for."""
    others = Job.objects.filter(first_step=OuterRef("pk"), state=JobState.AWAITING_FIRST)
    return jobs.exclude(Exists(others.exclude(pk__in=jobs.values("pk"))))


def set_priority(*, jobs: Iterable[Job], priority: Priority) -> int:
    """Send these before or after others; how many still waited."""
    waiting = Job.objects.filter(pk__in=[job.pk for job in jobs], state=JobState.READY)
    return waiting.update(priority=priority)


def resume_endpoint(*, endpoint: Endpoint) -> None:
    """End a pause: whatever caused it was seen to by a person."""
    Endpoint.objects.filter(pk=endpoint.pk).update(
        paused_until=None, sends_paused_until=None, paused_why="", failures=0
    )


def _made_there(jobs: JobQuerySet) -> list[int]:
    """Those whose clip the endpoint has: only its download went wrong."""
    fetched = jobs.filter(state=JobState.FAILED, progress=100)
    last = fetched.order_by().annotate(last=Max("attempts")).values("last")
    there = Attempt.objects.filter(pk__in=last, state=AttemptState.ACCEPTED)
    return list(there.values_list("job", flat=True))
