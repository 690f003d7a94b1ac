from celery import shared_task
from django.utils import timezone

from juice.health import record_worker_seen


@shared_task
def heartbeat() -> None:
    """Prove that a worker takes tasks from the queue; `/readyz` reads the time."""
    record_worker_seen(now=timezone.now())
