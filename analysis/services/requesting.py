"""Ask for reports. Rows are the record; the queue only wakes a worker.

Nothing here reads votes or counts them: this is what the web process does.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q

from analysis.failures import WORKER_DIED
from analysis.models import Report, ReportQuerySet, ReportState
from analysis.queue import wake
from analysis.services.states import fail, present_report, queue_again
from annotations.enums import StudyState
from annotations.models import Study

# So often a report whose worker died is begun again at once: deployments stop workers, too.
MAX_DEATHS = 3
QUEUE_PATIENCE = timedelta(seconds=30)
RUN_PATIENCE = timedelta(minutes=7)
EXTRAS_PATIENCE = timedelta(minutes=1)


def request_report(*, study: Study, now: datetime) -> Report:
    """The report of the study's present votes, asked for if there is none.

    One report of a study is made at a time: while one is under way, that one is the answer.
    One that failed is tried again after its pause.
    """
    unfinished = Report.objects.filter(study=study).unfinished().first()
    if unfinished:
        return unfinished
    report, created = present_report(study, now)
    if created or queue_again(Report.objects.due_again(now), report, now):
        transaction.on_commit(partial(enqueue, report.pk))
    return report


def retry_report(*, study: Study, now: datetime) -> Report:
    """As `request_report`, but what failed is tried again at once: somebody mended the cause."""
    report = request_report(study=study, now=now)
    failed = Report.objects.filter(state=ReportState.FAILED)
    if queue_again(failed, report, now):
        transaction.on_commit(partial(enqueue, report.pk))
    waiting = Report.objects.filter(pk=report.pk, extras="").exclude(extras_error="")
    if waiting.update(extras_next_try_at=now, extras_asked_at=None):
        request_extras(report=report, now=now)
    return report


def current_report(*, study: Study, now: datetime) -> tuple[Report | None, Report]:
    """The report to read, None while it is being made, and the one of the study's present votes.

    While votes come in, the latest that is ready is read meanwhile. A closed study has one
    result: no other report is ever shown in its place, whatever became of it.
    """
    asked = request_report(study=study, now=now)
    if asked.state == ReportState.READY:
        return asked, asked
    is_closed = study.state == StudyState.CLOSED
    return None if is_closed else Report.objects.latest_ready(study), asked


def request_extras(*, report: Report, now: datetime) -> None:
    """Have a finished report's figures and Parquet files made, unless that was asked just now.

    Those that could not be made are tried again after their pause.
    """
    asked = Q(extras_asked_at=None) | Q(extras_asked_at__lte=now - EXTRAS_PATIENCE)
    rested = Q(extras_next_try_at=None) | Q(extras_next_try_at__lte=now)
    waiting = Report.objects.filter(asked, rested, pk=report.pk, extras="")
    if waiting.update(extras_asked_at=now):
        transaction.on_commit(partial(wake, "compute_files", report.pk))


def requeue_stale_reports(*, now: datetime) -> list[int]:
    """Wake a worker again for reports whose task was lost; those that keep dying have a pause."""
    lost = Report.objects.lost(
        queued_before=now - QUEUE_PATIENCE, started_before=now - RUN_PATIENCE
    )
    for report in lost.filter(state=ReportState.RUNNING, tries__gte=MAX_DEATHS):
        fail(lost.filter(pk=report.pk), report, WORKER_DIED, now)
    due = list(lost.values_list("pk", flat=True))
    again = [pk for pk in due if _requeue(lost, pk, now)]
    for report_id in again:
        enqueue(report_id)
    return again


def retry_failed_reports(*, now: datetime) -> None:
    """Try again what failed and has had its pause; what is no longer wanted goes."""
    for failed in Report.objects.due_again(now).select_related("study"):
        wanted = request_report(study=failed.study, now=now)
        if wanted.pk != failed.pk:
            Report.objects.filter(pk=failed.pk, state=ReportState.FAILED).delete()
    for report in Report.objects.extras_due_again(now):
        request_extras(report=report, now=now)


def enqueue(report_id: int) -> None:
    """Wake a worker. Without a broker the report stays queued, and the sweep tries again."""
    wake("compute", report_id)


def _requeue(lost: ReportQuerySet, report_id: int, now: datetime) -> bool:
    rows = lost.filter(pk=report_id)
    return bool(rows.update(state=ReportState.QUEUED, queued_at=now, started_at=None))
