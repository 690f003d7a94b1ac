"""Celery tasks: ids in, one call. The sweep finds what is due in the database."""

from collections.abc import Iterable

from celery import Task, shared_task
from django.utils import timezone

from annotations.media.patience import LONGEST_CHECK, LONGEST_RENDERING
from annotations.one_at_a_time import one_at_a_time
from annotations.services.clips import importing
from annotations.services.pairs import preparing
from annotations.services.rating import claiming
from annotations.services.studies.troubles import run_every


@shared_task
@one_at_a_time
def sweep() -> None:
    """Check imports, make comparisons that became possible, queue renditions, free seats."""
    now = timezone.now()
    run_every(
        [
            lambda: queue(check, importing.lease_due_rows(now=now)),
            lambda: importing.finish_checked_imports(now=now),
            lambda: preparing.sync_all_comparisons(now=now),
            lambda: queue(render, preparing.lease_due_renditions(now=now)),
            preparing.settle_comparisons,
            lambda: claiming.release_overdue_leases(now=now),
        ]
    )


def queue(task: Task[[int], None], ids: Iterable[int]) -> None:
    for one in ids:
        task.delay(one)


@shared_task(soft_time_limit=LONGEST_RENDERING + 60, time_limit=LONGEST_RENDERING + 120)
def render(rendition_id: int) -> None:
    """Make one rendition."""
    preparing.make_rendition(rendition_id=rendition_id, now=timezone.now())


@shared_task(soft_time_limit=LONGEST_CHECK + 240, time_limit=LONGEST_CHECK + 300)
def check(row_id: int) -> None:
    """Get and decode one clip of an import."""
    importing.check_row(row_id=row_id, now=timezone.now())
