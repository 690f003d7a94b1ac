"""How the installation stands: read part by part, since any of them may be away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db import DatabaseError
from redis.exceptions import RedisError

from operation.counts import Counts, read_counts
from operation.databases import database_bytes
from operation.disks import DiskSpace, ensure_disk_takes_files, read_disks
from operation.signs import Signs, read_signs

Read = TypeVar("Read")
AWAY = (DatabaseError, RedisError, OSError)


@dataclass(frozen=True)
class Installation:
    """What could be read; None is not known, and `away` has the kind of error of each part."""

    at: datetime
    away: Mapping[str, str]
    signs: Signs | None
    counts: Counts | None
    database_bytes: int | None
    disks: tuple[DiskSpace, ...]

    def answers(self, part: str) -> bool:
        return part not in self.away


PARTS = ("database", "redis", "disk")


def read_installation(now: datetime) -> Installation:
    """Never raises for what is away: that is what is asked."""
    away: dict[str, str] = {}

    def asked(part: str, read: Callable[[], Read]) -> Read | None:
        """A part that did not answer once is not waited for again."""
        if part in away:
            return None
        try:
            return read()
        except AWAY as error:
            # The kind alone: words may hold an address, and with it a password.
            away[part] = type(error).__name__
            return None

    asked("disk", ensure_disk_takes_files)
    return Installation(
        at=now,
        signs=asked("redis", read_signs),
        database_bytes=asked("database", database_bytes),
        counts=asked("database", lambda: read_counts(now)),
        disks=_disks(),
        away=away,
    )


def _disks() -> tuple[DiskSpace, ...]:
    """A disk that takes no files still says how much it has; one that is gone says nothing."""
    try:
        return read_disks()
    except OSError:
        return ()
