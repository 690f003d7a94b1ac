"""The rows of reports from state to state, by conditional UPDATEs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from django.db import IntegrityError, transaction

from analysis.failures import pause_after
from analysis.models import Report, ReportQuerySet, ReportState
from analysis.votes.seen import VotesSeen, votes_seen
from annotations.models import Study


def present_report(study: Study, now: datetime) -> tuple[Report, bool]:
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


def queue_again(failed: ReportQuerySet, report: Report, now: datetime) -> bool:
    """Queue the report again if it is among the failed ones."""
    queued = failed.filter(pk=report.pk).update(
        state=ReportState.QUEUED, queued_at=now, started_at=None, percent=0
    )
    if queued:
        report.refresh_from_db()
    return bool(queued)


def fail(run: ReportQuerySet, report: Report, why: str, now: datetime) -> None:
    run.update(
        state=ReportState.FAILED,
        error=why,
        finished_at=now,
        next_try_at=now + pause_after(report.tries),
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


def files_of_reports(study: Study) -> list[str]:
    """The names in the store of everything that was made for a study's reports."""
    rows = study.reports.values_list("page", "extras")
    return [name for files in rows for name in files if name]
