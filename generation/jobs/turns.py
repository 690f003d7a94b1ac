"""Whose job is sent next: what is urgent first, and among equals the studies take turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db.models import Count, QuerySet

from generation.enums import JobState
from generation.models import Endpoint, Job

# How far back turns are counted.
REMEMBERED = timedelta(minutes=10)


def next_jobs(endpoint: Endpoint, room: int, now: datetime) -> list[Job]:
    """The waiting jobs that an endpoint is sent next, in order.

    Within a priority, a job comes from the study that has the fewest under way, then from the
    one that was sent the fewest of late: ten clips never wait for ten thousand.
    """
    if room <= 0:
        return []
    return list(islice(_in_turn(endpoint, room, now), room))


def _in_turn(endpoint: Endpoint, room: int, now: datetime) -> Iterator[Job]:
    waiting = endpoint.jobs.waiting(now=now)
    # Without the time, which the index does not hold: a group too many costs one query.
    ready = endpoint.jobs.filter(state=JobState.READY).order_by()
    groups = set(ready.values_list("priority", "study").distinct())
    if not groups:
        return
    under_way = _counts(endpoint.jobs.at_endpoint(now=now), "study")
    recent = endpoint.attempts.filter(sent_at__gt=now - REMEMBERED)
    sent = _counts(recent, "job__study")
    for priority in sorted({priority for priority, _ in groups}, reverse=True):
        queues = {
            study: waiting.filter(priority=priority, study=study).order_by("pk")[:room]
            for given, study in groups
            if given == priority
        }
        left = {study: list(reversed(queue)) for study, queue in queues.items()}
        while left := {study: queue for study, queue in left.items() if queue}:
            turn = min(left, key=lambda one: (under_way[one], sent[one], left[one][-1].pk))
            under_way[turn] += 1
            sent[turn] += 1
            yield left[turn].pop()


def _counts(rows: QuerySet[Any], study: str) -> Counter[int | None]:
    return Counter(dict(rows.order_by().values_list(study).annotate(n=Count("pk"))))
