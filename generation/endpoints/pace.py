"""When an endpoint will have made what waits: by how long it took of late, and by its limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Max

from generation.endpoints.limits import budget_room, held_by
from generation.enums import JobState
from generation.models import Endpoint

REMEMBERED = 20
MINUTE_SECONDS = 60.0


@dataclass(frozen=True)
class Outlook:
    """When the jobs end; where nobody can tell, None and why."""

    ends_at: datetime | None
    why: str = ""


def outlook(endpoint: Endpoint, *, waiting: int, under_way: int, now: datetime) -> Outlook:
    """When a study's jobs at an endpoint end, if it goes on as it did.

    Parameters
    ----------
    waiting, under_way
        The study's jobs that are still to be sent, and that are at the endpoint or fetched.
    """
    resumes_at = endpoint.resumes_at(now)
    held = held_by(endpoint, now)
    if held and not resumes_at:
        return Outlook(None, held.why)
    budget = budget_room(endpoint, now)
    if budget and waiting > budget.jobs:
        return Outlook(None, f"Its budget pays for {budget.jobs} of the {waiting} that wait.")
    seconds = typical_seconds(endpoint)
    if seconds is None:
        return Outlook(None, "It has made no clip yet to go by.")
    others = endpoint.jobs.moving().count() - waiting - under_way
    # Studies take turns: of the others' jobs, as many come before as there are of ours.
    queue = waiting + min(max(others, 0), waiting)
    needed = _seconds_needed(endpoint, queue, under_way, seconds)
    return Outlook((resumes_at or now) + timedelta(seconds=needed))


def typical_seconds(endpoint: Endpoint) -> float | None:
    """From sending a job to having its clip: the median of the last ones."""
    made = endpoint.jobs.filter(state=JobState.DONE, finished_at__isnull=False)
    last = made.order_by("-finished_at").annotate(last_sent_at=Max("attempts__sent_at"))
    times = last.values_list("finished_at", "last_sent_at")[:REMEMBERED]
    taken = [(finished - sent).total_seconds() for finished, sent in times if sent]
    return max(median(taken), 0.0) if taken else None


def _seconds_needed(endpoint: Endpoint, queue: int, under_way: int, seconds: float) -> float:
    """Those under way are half done on average; the last one of the queue takes its whole time."""
    places = 1 if endpoint.is_failing else endpoint.max_concurrency
    by_places = (queue + under_way / 2) / places * seconds
    by_rate = queue / endpoint.jobs_per_minute * MINUTE_SECONDS if endpoint.jobs_per_minute else 0.0
    return max(by_places, by_rate, seconds / 2)
