"""What failed in the last day, in its own words, and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.db.models import Count, Max, Min
from django.urls import reverse

from annotations.enums import ImportRowState
from annotations.models import ImportRow
from operation.counts import failed_jobs, failed_reports, refused_imports, troubles

SHOWN_OF_A_KIND = 20


@dataclass(frozen=True)
class Failure:
    """One thing that failed, or several alike."""

    kind: str
    where: str
    url: str
    words: str
    what_to_do: str
    times: int
    last_at: datetime


def read_failures(*, since: datetime) -> list[Failure]:
    """The latest first; of each kind the latest `SHOWN_OF_A_KIND`."""
    every = chain(_jobs(since), _reports(since), _imports(since), _troubles(since))
    return sorted(every, key=lambda failure: failure.last_at, reverse=True)


def _jobs(since: datetime) -> Iterator[Failure]:
    """Those of one study at one endpoint with the same words are one failure."""
    alike = failed_jobs(since).order_by().values("endpoint__name", "study__slug", "error")
    found = alike.annotate(times=Count("pk"), last_at=Max("finished_at"))
    for one in found.order_by("-last_at")[:SHOWN_OF_A_KIND]:
        slug = one["study__slug"]
        yield Failure(
            kind="Clips not made",
            where=f"{one['endpoint__name']}{f' for {slug}' if slug else ''}",
            url=reverse("owner-clips", args=[slug]) if slug else "",
            words=one["error"],
            what_to_do="Open the study's clips: try again, or give them up.",
            times=one["times"],
            last_at=one["last_at"],
        )


def _reports(since: datetime) -> Iterator[Failure]:
    for report in failed_reports(since).select_related("study")[:SHOWN_OF_A_KIND]:
        at = report.finished_at if report.has_failed else report.extras_asked_at
        yield Failure(
            kind="Report not made" if report.has_failed else "Files of a report not made",
            where=report.study.slug,
            url=reverse("owner-study", args=[report.study.slug]),
            words=report.error if report.has_failed else report.extras_error,
            what_to_do="It is tried again by itself; the study's page has a button to do so now.",
            times=report.tries if report.has_failed else report.extras_tries,
            last_at=at or report.queued_at,
        )


def _imports(since: datetime) -> Iterator[Failure]:
    found = refused_imports(since).select_related("study").order_by("-finished_at")
    for one in found[:SHOWN_OF_A_KIND]:
        bad = ImportRow.objects.filter(clip_import=one, state=ImportRowState.BAD)
        count = bad.aggregate(count=Count("pk"), problem=Min("problem"))
        slug = one.study.slug if one.study else ""
        words = f"{count['count']} of its clips cannot be taken. {count['problem'] or ''}"
        yield Failure(
            kind="Import refused",
            where=slug or "no study",
            url=reverse("owner-import-run", args=[slug, one.pk]) if slug else "",
            words=words.strip(),
            what_to_do="Open the import: it names each clip. Mend them, and import again.",
            times=1,
            last_at=one.finished_at or one.created_at,
        )


def _troubles(since: datetime) -> Iterator[Failure]:
    for one in troubles(since).select_related("study").order_by("-last_at")[:SHOWN_OF_A_KIND]:
        yield Failure(
            kind=one.get_work_display(),
            where=one.study.slug,
            url=reverse("owner-study", args=[one.study.slug]),
            words=one.error,
            what_to_do="Every sweep tries it again; the worker's log has the trace.",
            times=one.times,
            last_at=one.last_at,
        )
