"""Celery tasks: ids in, one call. The sweep finds what is due in the database."""

from celery import shared_task
from django.utils import timezone

from annotations.services import claiming, preparing


@shared_task
def sweep() -> None:
    """Make comparisons that became possible, queue renditions, and take back overdue seats."""
    now = timezone.now()
    preparing.sync_all_comparisons()
    for rendition_id in preparing.lease_due_renditions(now=now):
        render.delay(rendition_id)
    preparing.settle_comparisons()
    claiming.release_overdue_leases(now=now)


@shared_task
def render(rendition_id: int) -> None:
    """Make one rendition."""
    preparing.make_rendition(rendition_id=rendition_id, now=timezone.now())
