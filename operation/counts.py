"""How much of everything there is, counted from rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from analysis.models import Report, ReportState
from annotations.enums import ImportState
from annotations.models import Assignment, ClipImport, Judgment, Trouble
from generation.enums import JobState
from generation.models import Job

LAST_DAY, LAST_HOUR = timedelta(days=1), timedelta(hours=1)
FAILED_JOBS = (JobState.FAILED, JobState.REJECTED)
"""Those that nobody gave up: what follows from a first step is counted with that."""


@dataclass(frozen=True)
class Counts:
    """By state what moves through states; states that nothing is in count 0."""

    jobs: Mapping[str, int]
    reports: Mapping[str, int]
    imports: Mapping[str, int]
    failures: Mapping[str, int]
    """Of the last day, by kind."""
    leased: int
    judged_last_hour: int


def read_counts(now: datetime) -> Counts:
    imports = ClipImport.objects.order_by().values_list("state").annotate(n=Count("pk"))
    reports = Report.objects.order_by().values_list("state").annotate(n=Count("pk"))
    return Counts(
        jobs=dict.fromkeys(JobState.values, 0) | Job.objects.counts_by_state(),
        reports=dict.fromkeys(ReportState.values, 0) | dict(reports),
        imports=dict.fromkeys(ImportState.values, 0) | dict(imports),
        failures=count_failures(since=now - LAST_DAY),
        leased=Assignment.objects.live(now=now).count(),
        judged_last_hour=count_judgments(since=now - LAST_HOUR),
    )


def count_failures(*, since: datetime) -> dict[str, int]:
    return {
        "job": failed_jobs(since).count(),
        "report": failed_reports(since).count(),
        "import": refused_imports(since).count(),
        "sweep": troubles(since).count(),
    }


def failed_jobs(since: datetime) -> QuerySet[Job]:
    return Job.objects.filter(state__in=FAILED_JOBS, finished_at__gte=since)


def failed_reports(since: datetime) -> QuerySet[Report]:
    """Those whose latest try failed, and those whose files could not be made."""
    without_files = Q(state=ReportState.READY, extras="", extras_asked_at__gte=since)
    return Report.objects.filter(
        Q(state=ReportState.FAILED, finished_at__gte=since) | without_files & ~Q(extras_error="")
    )


def refused_imports(since: datetime) -> QuerySet[ClipImport]:
    return ClipImport.objects.filter(state=ImportState.REFUSED, finished_at__gte=since)


def troubles(since: datetime) -> QuerySet[Trouble]:
    """Work of sweeps that fails for a study, and did so lately."""
    return Trouble.objects.filter(last_at__gte=since)


def count_judgments(*, since: datetime) -> int:
    """Reads no older ones, though times have no index: judgments are stored in their order."""
    newest_first = Judgment.objects.order_by("-pk")
    last_before = newest_first.filter(created_at__lt=since).values_list("pk", flat=True).first()
    return Judgment.objects.filter(pk__gt=last_before or 0, created_at__gte=since).count()
