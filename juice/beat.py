"""The beat keeps nothing: every interval is seconds, and every sweep may run at any time."""

from __future__ import annotations

from typing import Any

from celery.beat import Scheduler
from celery.signals import beat_init

from juice.liveness import give_sign_of_life


class ForgetfulScheduler(Scheduler):
    """Without a file of when what ran last, which needs a disk that can be written."""

    def tick(self, *args: Any, **values: Any) -> float:
        give_sign_of_life()
        return float(super().tick(*args, **values))


@beat_init.connect
def watch(**_: Any) -> None:
    """Faults are told from here: the beat runs while nothing takes tasks."""
    from operation.watching import start_watching

    start_watching()
