"""What an owner can do about the jobs of clips, by the name of the button."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Q
from django.utils import timezone

from generation.enums import JobState
from generation.jobs.decisions import give_up_jobs, resume_endpoint, retry_jobs, spare_awaited
from generation.models import Endpoint, JobQuerySet
from generation.tasks import queue_stops


def retry(jobs: JobQuerySet, *, is_one: bool) -> str:
    """Among many, those that failed: a refusal is a result, and what is lost may be paid for."""
    failed = Q(state=JobState.FAILED)
    by_first_step = Q(state=JobState.FIRST_FAILED, first_step__state=JobState.FAILED)
    chosen = jobs if is_one else jobs.filter(failed | by_first_step)
    return f"{_clips(retry_jobs(jobs=chosen, now=timezone.now()))} tried again."


def send_again(jobs: JobQuerySet, *, is_one: bool) -> str:
    lost = jobs.filter(state=JobState.UNKNOWN_OUTCOME)
    return f"{_clips(retry_jobs(jobs=lost, now=timezone.now()))} sent once more."


def take_up(jobs: JobQuerySet, *, is_one: bool) -> str:
    given_up = jobs.filter(state=JobState.CANCELLED)
    return f"{_clips(retry_jobs(jobs=given_up, now=timezone.now()))} taken up again."


def give_up(jobs: JobQuerySet, *, is_one: bool) -> str:
    """Of many, a picture that another study waits for goes on."""
    chosen = jobs if is_one else spare_awaited(jobs)
    given_up, running = give_up_jobs(jobs=chosen, now=timezone.now())
    queue_stops(running)
    return f"{_clips(given_up)} given up."


def resume(jobs: JobQuerySet, *, is_one: bool) -> str:
    """Have the endpoints of these jobs called again."""
    paused = Endpoint.objects.filter(pk__in=jobs.values("endpoint"))
    for endpoint in paused:
        resume_endpoint(endpoint=endpoint)
    return f"Called again: {', '.join(endpoint.name for endpoint in paused)}."


def _clips(count: int) -> str:
    return f"{count} clip is" if count == 1 else f"{count} clips are"


ACTIONS: dict[str, Callable[..., str]] = {
    "retry": retry,
    "send-again": send_again,
    "take-up": take_up,
    "give-up": give_up,
    "resume": resume,
}
