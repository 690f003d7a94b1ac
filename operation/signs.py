"""What workers and sweeps leave in Redis for all to see; nothing else writes or reads it.

Redis may be wiped at any moment: what is missing was not seen since. Everything is asked in one
round, so that a Redis that is away is waited for once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils import timezone
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

HEARTBEAT = "juice.tasks.heartbeat"
WORKERS_KEY, SWEEPS_KEY = "juice:operation:workers", "juice:operation:sweeps"
WAITS_SECONDS = 3
SEEN_WITHIN = timedelta(minutes=1)
FORGOTTEN_AFTER = timedelta(hours=1)
"""A worker that is silent for so long was taken away."""
FAILED = "!"
"""Behind a task's name: its last failure, which leaves its last success alone."""


@dataclass(frozen=True)
class WorkerSeen:
    """A worker process group and its last sign of life."""

    name: str
    queues: tuple[str, ...]
    seen_at: datetime

    def is_alive(self, now: datetime) -> bool:
        return now - self.seen_at <= SEEN_WITHIN


@dataclass(frozen=True)
class SweepSeen:
    """When a periodic task last ended; `error` is the kind of what stopped it, if that is later."""

    task: str
    every_seconds: float
    ended_at: datetime | None = None
    seconds: float | None = None
    failed_at: datetime | None = None
    error: str = ""

    @property
    def has_failed(self) -> bool:
        if self.failed_at is None:
            return False
        return self.ended_at is None or self.failed_at > self.ended_at


@dataclass(frozen=True)
class Signs:
    """All that Redis knows of the installation."""

    lengths: Mapping[str, int]
    workers: tuple[WorkerSeen, ...]
    sweeps: tuple[SweepSeen, ...]

    @property
    def heartbeat_at(self) -> datetime | None:
        """When a worker last took a task and ended it."""
        [found] = [one.ended_at for one in self.sweeps if one.task == HEARTBEAT]
        return found


NOTHING_SEEN = Signs({}, (), ())
"""What is known while Redis is away."""


@lru_cache(maxsize=2)
def _client(url: str) -> Any:
    """A Redis client whose answers are texts: its types do not know that.

    One try, since who asks is a person, a monitor or the next tick.
    """
    return Redis.from_url(
        url,
        socket_timeout=WAITS_SECONDS,
        socket_connect_timeout=WAITS_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def queue_names() -> tuple[str, ...]:
    """Those that tasks are put into, by the settings."""
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    return tuple(sorted(routed | {settings.CELERY_TASK_DEFAULT_QUEUE}))


def periodic_tasks() -> dict[str, float]:
    """How many seconds lie between two calls of each."""
    entries: Iterable[Mapping[str, Any]] = settings.CELERY_BEAT_SCHEDULE.values()
    return {one["task"]: one["schedule"].run_every.total_seconds() for one in entries}


def read_signs() -> Signs:
    """Or raise RedisError."""
    names = queue_names()
    asked = _client(settings.REDIS_URL).pipeline(transaction=False)
    for name in names:
        asked.llen(name)
    asked.hgetall(WORKERS_KEY).hgetall(SWEEPS_KEY)
    *lengths, workers, sweeps = asked.execute()
    return Signs(dict(zip(names, lengths, strict=True)), _workers(workers), _sweeps(sweeps))


def _workers(kept: Mapping[str, str]) -> tuple[WorkerSeen, ...]:
    found = ((name, json.loads(said)) for name, said in sorted(kept.items()))
    return tuple(
        WorkerSeen(name, tuple(said["queues"]), _moment(said["seen_at"])) for name, said in found
    )


def _sweeps(kept: Mapping[str, str]) -> tuple[SweepSeen, ...]:
    return tuple(
        SweepSeen(task, every, **_said(kept, task), **_said(kept, task + FAILED))
        for task, every in periodic_tasks().items()
    )


def _said(kept: Mapping[str, str], field: str) -> dict[str, Any]:
    said = json.loads(kept.get(field, "{}"))
    return {name: _moment(value) if name.endswith("_at") else value for name, value in said.items()}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def note_worker(name: str, queues: Iterable[str]) -> None:
    """A worker lives; those that have been silent for long are forgotten."""
    now, client = timezone.now(), _client(settings.REDIS_URL)
    said = json.dumps({"queues": sorted(queues), "seen_at": now.isoformat()})
    client.hset(WORKERS_KEY, name, said)
    long_gone = [
        one.name
        for one in _workers(client.hgetall(WORKERS_KEY))
        if now - one.seen_at > FORGOTTEN_AFTER
    ]
    if long_gone:
        client.hdel(WORKERS_KEY, *long_gone)


def note_sweep(task: str, *, seconds: float) -> None:
    """A periodic task has ended well."""
    said = {"ended_at": timezone.now().isoformat(), "seconds": round(seconds, 3)}
    _client(settings.REDIS_URL).hset(SWEEPS_KEY, task, json.dumps(said))


def note_failed_sweep(task: str, *, error: str) -> None:
    """A periodic task has failed; `error` is its kind alone, since its words may name people."""
    said = {"failed_at": timezone.now().isoformat(), "error": error}
    _client(settings.REDIS_URL).hset(SWEEPS_KEY, task + FAILED, json.dumps(said))
