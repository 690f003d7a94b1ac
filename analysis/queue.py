"""Wake a worker by the name of a task, so that whoever asks need not load what computes."""

from __future__ import annotations

import logging

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def wake(task: str, report_id: int) -> None:
    """Without a broker nothing happens: the sweep finds what waits."""
    try:
        current_app.tasks[f"analysis.tasks.{task}"].apply_async((report_id,), retry=False)
    except OperationalError:
        logger.warning("no broker: report %s waits", report_id)
