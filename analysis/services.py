"""Ask for reports and make them. Rows are the record; the queue only wakes a worker."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.core.files.base import ContentFile, File
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from analysis.core.report import build_report, report_json
from analysis.failures import WORKER_DIED, pause_after, why_failed
from analysis.files import table_files, zip_report
from analysis.html import render_report
from analysis.models import Report, ReportQuerySet, ReportState
from analysis.queries import VotesSeen, report_settings, study_votes, votes_seen
from analysis.wording import prefixed_headline
from annotations.enums import StudyState
from annotations.models import Study

# So often a report whose worker died is begun again at once: deployments stop workers, too.
MAX_DEATHS = 3
QUEUE_PATIENCE = timedelta(seconds=30)
RUN_PATIENCE = timedelta(minutes=7)
EXTRAS_PATIENCE = timedelta(minutes=1)
# Per cent of a report's time after which its votes are read, and counted.
READ, COUNTED = 30, 85

logger = logging.getLogger(__name__)


def request_report(*, study: Study, now: datetime) -> Report:
    """The report of the study's present votes, asked for if there is none.

    One report of a study is made at a time: while one is under way, that one is the answer.
    One that failed is tried again after its pause.
    """
    unfinished = Report.objects.filter(study=study).unfinished().first()
    if unfinished:
        return unfinished
    report, created = _present_report(study, now)
    if created or _queue_again(Report.objects.due_again(now), report, now):
        transaction.on_commit(partial(enqueue, report.pk))
    return report


def retry_report(*, study: Study, now: datetime) -> Report:
    """As `request_report`, but what failed is tried again at once: somebody mended the cause."""
    report = request_report(study=study, now=now)
    failed = Report.objects.filter(state=ReportState.FAILED)
    if _queue_again(failed, report, now):
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


def compute_report_now(*, study: Study, now: datetime | None = None) -> Report:
    """Make the report of the study's present votes in this process, unless it is there."""
    now = now or timezone.now()
    report, _ = _present_report(study, now)
    _queue_again(Report.objects.filter(state=ReportState.FAILED), report, now)
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
        _fail(_own_run(report), report, why_failed(error), timezone.now())
        return
    if _finish(report, state=ReportState.READY, error="", percent=100, **made):
        _drop_superseded(report)
    else:
        _delete_page(report, made["page"])


def request_extras(*, report: Report, now: datetime) -> None:
    """Have a finished report's figures and Parquet files made, unless that was asked just now.

    Those that could not be made are tried again after their pause.
    """
    asked = Q(extras_asked_at=None) | Q(extras_asked_at__lte=now - EXTRAS_PATIENCE)
    rested = Q(extras_next_try_at=None) | Q(extras_next_try_at__lte=now)
    waiting = Report.objects.filter(asked, rested, pk=report.pk, extras="")
    if waiting.update(extras_asked_at=now):
        from analysis.tasks import compute_files

        transaction.on_commit(partial(_wake, compute_files, report.pk))


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


def requeue_stale_reports(*, now: datetime) -> list[int]:
    """Wake a worker again for reports whose task was lost; those that keep dying have a pause."""
    lost = Report.objects.lost(
        queued_before=now - QUEUE_PATIENCE, started_before=now - RUN_PATIENCE
    )
    for report in lost.filter(state=ReportState.RUNNING, tries__gte=MAX_DEATHS):
        _fail(lost.filter(pk=report.pk), report, WORKER_DIED, now)
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
    from analysis.tasks import compute

    _wake(compute, report_id)


def _wake(task: Any, report_id: int) -> None:
    try:
        task.apply_async((report_id,), retry=False)
    except OperationalError:
        logger.warning("no broker: report %s waits", report_id)


def _present_report(study: Study, now: datetime) -> tuple[Report, bool]:
    """The report of what there is to see now, and whether it is new.

    New votes do not shorten the pause after a failure: the report that failed becomes theirs.
    """
    seen = votes_seen(study)
    reports = Report.objects.filter(study=study)
    found = reports.filter(fingerprint=seen.fingerprint).first()
    if found:
        return found, False
    latest = reports.first()
    if latest and latest.has_failed and _bring_up_to_date(latest, seen):
        return latest, False
    return Report.objects.get_or_create(
        study=study,
        fingerprint=seen.fingerprint,
        defaults={
            "votes": seen.votes,
            "last_judgment_id": seen.last_judgment_id,
            "queued_at": now,
        },
    )


def _bring_up_to_date(report: Report, seen: VotesSeen) -> bool:
    """Whether it was still a failed one, and nobody else has begun one for the same votes."""
    rows = Report.objects.filter(pk=report.pk, state=ReportState.FAILED)
    try:
        with transaction.atomic():
            moved = rows.update(**asdict(seen))
    except IntegrityError:
        return False
    report.refresh_from_db()
    return bool(moved)


def _queue_again(failed: ReportQuerySet, report: Report, now: datetime) -> bool:
    """Queue the report again if it is among the failed ones."""
    queued = failed.filter(pk=report.pk).update(
        state=ReportState.QUEUED, queued_at=now, started_at=None, percent=0
    )
    if queued:
        report.refresh_from_db()
    return bool(queued)


def _fail(run: ReportQuerySet, report: Report, why: str, now: datetime) -> None:
    run.update(
        state=ReportState.FAILED,
        error=why,
        finished_at=now,
        next_try_at=now + pause_after(report.tries),
    )


def _requeue(lost: ReportQuerySet, report_id: int, now: datetime) -> bool:
    rows = lost.filter(pk=report_id)
    return bool(rows.update(state=ReportState.QUEUED, queued_at=now, started_at=None))


def _made(report: Report) -> dict[str, Any]:
    votes = study_votes(report.study, last_judgment_id=report.last_judgment_id)
    _note_progress(report, READ)

    def on_progress(share: float) -> None:
        _note_progress(report, READ + share * (COUNTED - READ))

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
    with tempfile.TemporaryFile() as archive:
        zip_report(result, votes, archive)
        archive.seek(0)
        path = f"reports/{report.study_id}/{report.fingerprint}.zip"
        return str(report.extras.storage.save(path, File(archive)))


def _note_progress(report: Report, percent: float) -> None:
    _own_run(report).update(percent=round(percent))


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
