"""Workers note that they live, and when their periodic tasks ended. Redis may be away meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from celery.signals import heartbeat_sent, task_postrun, task_prerun
from redis.exceptions import RedisError

from operation import signs

NOTED_EVERY_SECONDS = 10.0
began: ContextVar[float] = ContextVar("began", default=0.0)
_last_noted = {"worker": 0.0}


@heartbeat_sent.connect
def note_life(sender: Any, **_: Any) -> None:
    """Heartbeats come every 2 seconds; some of them are noted."""
    now = time.monotonic()
    if now - _last_noted["worker"] < NOTED_EVERY_SECONDS:
        return
    _last_noted["worker"] = now
    eventer = sender.eventer
    _note(lambda: signs.note_worker(eventer.hostname, eventer.app.amqp.queues.consume_from))


@task_prerun.connect
def begin(task: Any, **_: Any) -> None:
    began.set(time.monotonic())


@task_postrun.connect
def end(task: Any, state: str | None = None, retval: Any = None, **_: Any) -> None:
    """A call that was passed over, since another is under way, is no end of a sweep."""
    if task.name not in signs.periodic_tasks() or retval is False:
        return
    if state == "SUCCESS":
        seconds = time.monotonic() - began.get()
        _note(lambda: signs.note_sweep(task.name, seconds=seconds))
    else:
        kind = type(retval).__name__
        _note(lambda: signs.note_failed_sweep(task.name, error=kind))


def _note(write: Callable[[], None]) -> None:
    """Whoever looks sees that nothing was noted."""
    try:
        write()
    except RedisError:
        return
