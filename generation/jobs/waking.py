"""Hand out the jobs whose next step is due; each once, until the queue's patience ends.

What a dead worker leaves behind is a row whose `wake_at` will pass: the sweep finds it, and the
next step follows from the row alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import Exists, OuterRef

from generation.adapters.registry import is_blocking
from generation.endpoints.limits import room_at
from generation.enums import MOVING, JobState
from generation.jobs.chains import settle_chains
from generation.jobs.timing import queue_patience
from generation.jobs.transitions import suspect_lost_answer
from generation.jobs.turns import next_jobs
from generation.models import Endpoint, Job

WAKE_AT_ONCE = 200


def lease_due_jobs(*, now: datetime) -> list[tuple[int, JobState]]:
    """Jobs to put into the queue now, each handed out once until its patience ends.

    No more waiting jobs are woken than their endpoint takes. Second steps whose worker died
    between the two follow their first steps now.
    """
    settle_chains(now=now)
    return _lease_all([*_ready_with_room(now), *_others_due(now)], now)


def lease_neighbours(*, job_id: int, now: datetime) -> list[int]:
    """Waiting jobs for the place that a job has just left, without waiting for the sweep."""
    endpoint = Endpoint.objects.filter(jobs=job_id).first()
    if endpoint is None:
        return []
    ready = next_jobs(endpoint, room_at(endpoint, now).jobs, now)
    return [job_id for job_id, _ in _lease_all(ready, now)]


def jobs_that_block(job_ids: list[int]) -> set[int]:
    """Those whose endpoint answers only when the clip is made: they want a queue of their own."""
    rows = Job.objects.filter(pk__in=job_ids).select_related("endpoint")
    return {job.pk for job in rows if is_blocking(job.endpoint)}


def _ready_with_room(now: datetime) -> Iterator[Job]:
    waiting = Job.objects.waiting(now=now).filter(endpoint=OuterRef("pk"))
    for endpoint in Endpoint.objects.filter(Exists(waiting), is_active=True):
        yield from next_jobs(endpoint, room_at(endpoint, now).jobs, now)


def _others_due(now: datetime) -> Iterator[Job]:
    """Jobs whose next step is not to be sent; of an endpoint that fails, one at a time."""
    states = [state for state in MOVING if state != JobState.READY]
    due = Job.objects.due(now=now).filter(state__in=states).callable_now(now=now)
    tried: set[int] = set()
    for job in due.select_related("endpoint").order_by("wake_at")[:WAKE_AT_ONCE]:
        if job.endpoint_id not in tried:
            yield job
        if job.endpoint.is_failing and job.state != JobState.SUBMITTING:
            tried.add(job.endpoint_id)


def _lease_all(jobs: Iterable[Job], now: datetime) -> list[tuple[int, JobState]]:
    until = now + queue_patience()
    return [(job.pk, JobState(job.state)) for job in jobs if _lease(job, until, now)]


def _lease(job: Job, until: datetime, now: datetime) -> bool:
    """Hand a job out; whether nobody else did."""
    if job.state == JobState.SUBMITTING:
        return suspect_lost_answer(job, until, now)
    unchanged = Job.objects.filter(pk=job.pk, state=job.state, wake_at=job.wake_at)
    return bool(unchanged.update(wake_at=until))
