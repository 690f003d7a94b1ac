"""Looks for faults once a minute, in the beat: it runs while Redis, workers or both are away.

A task could not tell that no task is done. What cannot be seen from here is that the beat itself
is away: for that, let something outside ask `/readyz`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from redis.exceptions import RedisError

from operation.alerts import TOLD_AFTER, Notice, Tell, settle_alerts
from operation.faults import Fault, faults_of
from operation.state import Installation, read_installation
from operation.telling import is_anybody_told, tell

LOOKS_EVERY_SECONDS = 60.0
TOLD_KEY = "operation-database-fault-told"
KEPT_SECONDS = 24 * 3600

logger = logging.getLogger(__name__)


def start_watching() -> threading.Thread | None:
    """If there is anybody to tell."""
    if not is_anybody_told():
        return None
    thread = threading.Thread(target=_look_for_ever, name="watching", daemon=True)
    thread.start()
    return thread


def _look_for_ever() -> None:
    never = threading.Event()
    keep_looking(FaultWatch(), is_over=lambda: never.wait(LOOKS_EVERY_SECONDS))


def keep_looking(watch: FaultWatch, *, is_over: Callable[[], bool]) -> None:
    """Whatever becomes of a look, the next one comes."""
    while not is_over():
        try:
            watch.look(now=timezone.now())
        except Exception:
            logger.exception("a look at the installation failed")
        finally:
            connection.close()


@dataclass
class FaultWatch:
    """Of one process: what it saw of a database that no row can be written to."""

    tell: Tell = tell
    away: Fault | None = None
    since: datetime | None = None
    seen_at: datetime | None = None
    is_told: bool = False
    is_alone: bool = False

    def look(self, *, now: datetime) -> None:
        state = read_installation(now)
        if state.answers("database"):
            self._end_away()
            settle_alerts(faults_of(state), now=now, tell=self.tell)
        else:
            self._note_away(state, now)

    def _note_away(self, state: Installation, now: datetime) -> None:
        """Several beats agree by Redis; while that is away too, each tells it."""
        self.away = next(one for one in faults_of(state) if one.key == "database")
        self.since, self.seen_at = self.since or now, now
        if not self.is_told and now - self.since >= TOLD_AFTER:
            self._tell_away(Notice(self.away, has_ended=False, at=self.since))

    def _tell_away(self, notice: Notice) -> None:
        is_mine = _asked_redis(lambda: cache.add(TOLD_KEY, 1, timeout=KEPT_SECONDS))
        self.is_alone = is_mine is None
        self.is_told = is_mine is False or self.tell(notice)
        if not self.is_told:
            _asked_redis(lambda: cache.delete(TOLD_KEY))

    def _end_away(self) -> None:
        if self.away and self.seen_at and self.is_told:
            is_mine = _asked_redis(lambda: cache.delete(TOLD_KEY))
            if is_mine or self.is_alone:
                self.tell(Notice(self.away, has_ended=True, at=self.seen_at))
        self.away = self.since = self.seen_at = None
        self.is_told = self.is_alone = False


def _asked_redis(ask: Callable[[], bool]) -> bool | None:
    """Whether it is ours to tell; None while Redis is away."""
    try:
        return bool(ask())
    except RedisError:
        return None
