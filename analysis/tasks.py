"""Celery tasks: ids in, one call.

The web process loads this module to queue tasks, and never what makes reports: a task imports
that when it runs.
"""

from celery import shared_task
from django.utils import timezone

from analysis.models import Report
from analysis.services import requesting
from annotations.about import say_about
from annotations.one_at_a_time import one_at_a_time


@shared_task
def compute(report_id: int) -> None:
    """Make one report."""
    from analysis.services.making import compute_report

    _say_whose(report_id)
    compute_report(report_id=report_id, now=timezone.now())


@shared_task
def compute_files(report_id: int) -> None:
    """Make the figures and Parquet files of one report."""
    from analysis.services.making import compute_extras

    _say_whose(report_id)
    compute_extras(report_id=report_id)


def _say_whose(report_id: int) -> None:
    """For the lines that are logged meanwhile."""
    found = Report.objects.filter(pk=report_id).values_list("study_id", flat=True).first()
    say_about(report=report_id, study_id=found)


@shared_task
@one_at_a_time
def sweep() -> None:
    """Wake workers for reports whose task was lost, and for those that are tried again."""
    now = timezone.now()
    requesting.requeue_stale_reports(now=now)
    requesting.retry_failed_reports(now=now)
