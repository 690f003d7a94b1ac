"""Make reports and their files from a study's votes: the work of a worker."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.db.models import F
from django.utils import timezone

from analysis.core.report import build_report, report_json
from analysis.failures import pause_after, why_failed
from analysis.files.bundle import table_files, zip_report
from analysis.models import Report, ReportQuerySet, ReportState
from analysis.page.headline import prefixed_headline
from analysis.page.html import render_report
from analysis.services.states import fail, present_report, queue_again
from analysis.votes.columns import study_votes
from analysis.votes.seen import votes_seen
from analysis.votes.settings import report_settings
from annotations.models import Study

# Per cent of a report's time after which its votes are read, and counted.
READ, COUNTED = 30, 85

logger = logging.getLogger(__name__)


def compute_report_now(*, study: Study, now: datetime | None = None) -> Report:
    """Make the report of the study's present votes in this process, unless it is there."""
    now = now or timezone.now()
    report, _ = present_report(study, now)
    queue_again(Report.objects.filter(state=ReportState.FAILED), report, now)
    compute_report(report_id=report.pk, now=now)
    report.refresh_from_db()
    return report


def compute_report(*, report_id: int, now: datetime) -> None:
    """Make a queued report; a second call for the same one does nothing.

    A failure is stored with the report, in words, and logged with its trace.
    """
    queued = Report.objects.filter(pk=report_id, state=ReportState.QUEUED)
    if not queued.update(
        state=ReportState.RUNNING, started_at=now, percent=0, tries=F("tries") + 1
    ):
        return
    report = Report.objects.select_related("study").get(pk=report_id)
    try:
        made = _made(report)
    except Exception as error:
        logger.exception("report %s failed", report_id)
        fail(_own_run(report), report, why_failed(error), timezone.now())
        return
    if _finish(report, state=ReportState.READY, error="", percent=100, **made):
        _drop_superseded(report)
    else:
        _delete_page(report, made["page"])


def compute_extras(*, report_id: int) -> None:
    """Make them, from the same votes; a second call does nothing.

    A report that is not of the study's present state has none: a newer one is being made. A
    failure is stored with the report, in words, and logged with its trace.
    """
    report = Report.objects.select_related("study").filter(pk=report_id, extras="").first()
    if report is None or votes_seen(report.study).fingerprint != report.fingerprint:
        return
    waiting = Report.objects.filter(pk=report_id, extras="")
    try:
        name = _made_extras(report)
    except Exception as error:
        logger.exception("the files of report %s failed", report_id)
        waiting.update(
            extras_error=why_failed(error),
            extras_tries=F("extras_tries") + 1,
            extras_next_try_at=timezone.now() + pause_after(report.extras_tries + 1),
        )
        return
    if not waiting.update(extras=name, extras_error="", extras_next_try_at=None):
        report.extras.storage.delete(name)


def _made(report: Report) -> dict[str, Any]:
    votes = study_votes(report.study, last_judgment_id=report.last_judgment_id)
    progress = ReportProgress(report)
    progress.note(READ)

    def on_progress(share: float) -> None:
        progress.note(READ + share * (COUNTED - READ))

    result = build_report(votes, settings=report_settings(report.study), on_progress=on_progress)
    page = ContentFile(render_report(result).encode())
    path = f"reports/{report.study_id}/{report.fingerprint}.html"
    return {
        "headline": prefixed_headline(result),
        "content": report_json(result),
        "files": {name: "".join(lines) for name, lines in table_files(result, votes).items()},
        # Last, so that no other failure leaves a file that nobody knows.
        "page": report.page.storage.save(path, page),
    }


def _made_extras(report: Report) -> str:
    """The name of the zip in the store."""
    votes = study_votes(report.study, last_judgment_id=report.last_judgment_id)
    result = build_report(votes, settings=report_settings(report.study))
    with tempfile.TemporaryFile(dir=settings.SCRATCH_DIR) as archive:
        zip_report(result, votes, archive)
        archive.seek(0)
        path = f"reports/{report.study_id}/{report.fingerprint}.zip"
        return str(report.extras.storage.save(path, File(archive)))


@dataclass(slots=True)
class ReportProgress:
    """How far a report is, noted with each new per cent: thousands of pairs come in between."""

    report: Report
    percent: int = 0

    def note(self, percent: float) -> None:
        if round(percent) > self.percent:
            self.percent = round(percent)
            _own_run(self.report).update(percent=self.percent)


def _finish(report: Report, **values: Any) -> bool:
    """Whether this run was still the one that counts."""
    return bool(_own_run(report).update(finished_at=timezone.now(), **values))


def _own_run(report: Report) -> ReportQuerySet:
    """The report while the run that began with this row makes it, else nothing."""
    return Report.objects.filter(
        pk=report.pk, state=ReportState.RUNNING, started_at=report.started_at
    )


def _drop_superseded(report: Report) -> None:
    """Keep one finished report of a study: votes only ever add up."""
    for old in Report.objects.filter(study=report.study_id, pk__lt=report.pk):
        if old.state in (ReportState.READY, ReportState.FAILED):
            old.delete()
            _delete_page(old, old.page.name)
            _delete_page(old, old.extras.name)


def _delete_page(report: Report, name: str | None) -> None:
    if name:
        report.page.storage.delete(name)
