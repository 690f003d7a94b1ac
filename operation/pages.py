"""The operator's page: how the installation stands, and what to do about what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from analysis.models import ReportState
from annotations.enums import ImportState
from generation.enums import JobState
from operation.counts import LAST_DAY, Counts
from operation.databases import slow_statements
from operation.failures import read_failures
from operation.faults import faults_of, is_late, workers_of
from operation.signs import NOTHING_SEEN, Signs, SweepSeen
from operation.state import Installation, read_installation


@dataclass(frozen=True)
class QueueLine:
    """A queue as the page shows it."""

    name: str
    length: int
    workers: int


@dataclass(frozen=True)
class SweepLine:
    """A periodic task as the page shows it."""

    seen: SweepSeen
    ago: str
    is_late: bool


@never_cache
@require_safe
def operation_page(request: HttpRequest) -> HttpResponse:
    """It says what it knows: what is away is said to be, and the rest is shown."""
    now = timezone.now()
    state = read_installation(now)
    signs = state.signs or NOTHING_SEEN
    context = {
        "state": state,
        "faults": faults_of(state),
        "queues": _queues(signs, now),
        "workers": [(one, ago(one.seen_at, now)) for one in signs.workers],
        "sweeps": _sweeps(signs, now),
        "counts": _counts(state.counts),
        **_of_database(state, now),
    }
    return render(request, "operation/page.html", context)


def _queues(signs: Signs, now: datetime) -> list[QueueLine]:
    return [
        QueueLine(name, length, workers_of(signs, name, now))
        for name, length in signs.lengths.items()
    ]


def _sweeps(signs: Signs, now: datetime) -> list[SweepLine]:
    return [SweepLine(one, ago(one.ended_at, now), is_late(one, now)) for one in signs.sweeps]


def ago(moment: datetime | None, now: datetime) -> str:
    """To the second while that matters."""
    if moment is None:
        return "not seen yet"
    seconds = round((now - moment).total_seconds())
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def _counts(counts: Counts | None) -> list[tuple[str, list[tuple[str, int]]]]:
    """States in words, without those that nothing is in."""
    if counts is None:
        return []
    kinds = [
        ("Jobs", JobState, counts.jobs),
        ("Reports", ReportState, counts.reports),
        ("Imports", ImportState, counts.imports),
    ]
    return [
        (kind, [(str(labels(state).label), n) for state, n in found.items() if n])
        for kind, labels, found in kinds
    ]


def _of_database(state: Installation, now: datetime) -> dict[str, object]:
    """What takes more than a count, and is read for people only."""
    if not state.answers("database"):
        return {}
    return {"slow": slow_statements(), "failures": read_failures(since=now - LAST_DAY)}
