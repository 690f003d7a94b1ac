from celery import shared_task


@shared_task
def heartbeat() -> None:
    """Prove that a worker takes tasks from the queue: `/readyz` reads when it last ended."""
