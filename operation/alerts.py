"""When a fault is told, and to whom it falls: rows settle it, so that several beats tell it once.

A fault is told when it has lasted for `TOLD_AFTER`, and its end when it has been gone for
`ENDED_AFTER`: what comes and goes within a restart is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from operation.faults import Fault
from operation.models import Alert

TOLD_AFTER = timedelta(seconds=50)
ENDED_AFTER = timedelta(minutes=3)


@dataclass(frozen=True)
class Notice:
    """What is sent out: a fault that began, or ended."""

    fault: Fault
    has_ended: bool
    at: datetime


Tell = Callable[[Notice], bool]
"""Sends it; whether it was sent to anybody."""


def settle_alerts(faults: Iterable[Fault], *, now: datetime, tell: Tell) -> None:
    """Note what is seen now; tell what has lasted, and what is over. Not sent: told next time."""
    Alert.objects.left_over(ended_before=now - ENDED_AFTER).delete()
    for fault in faults:
        _note_seen(fault, now)
    for alert in Alert.objects.untold(begun_before=now - TOLD_AFTER).filter(seen_at__gte=now):
        _tell_beginning(alert, now, tell)
    for alert in Alert.objects.gone(seen_before=now - ENDED_AFTER):
        _tell_end(alert, now, tell)


def _note_seen(fault: Fault, now: datetime) -> None:
    said = {"words": fault.words, "what_to_do": fault.what_to_do, "seen_at": now}
    Alert.objects.update_or_create(
        fault=fault.key, defaults=said, create_defaults={**said, "began_at": now}
    )


def _tell_beginning(alert: Alert, now: datetime, tell: Tell) -> None:
    """Whose UPDATE finds it untold tells it."""
    mine = Alert.objects.filter(pk=alert.pk)
    if not mine.filter(told_at=None).update(told_at=now):
        return
    if not tell(Notice(_fault(alert), has_ended=False, at=alert.began_at)):
        mine.update(told_at=None)


def _tell_end(alert: Alert, now: datetime, tell: Tell) -> None:
    """Of what was told; another that begins meanwhile is a new one."""
    mine = Alert.objects.filter(pk=alert.pk)
    if not mine.filter(ended_at=None, seen_at=alert.seen_at).update(ended_at=now):
        return
    nobody_knows = alert.told_at is None
    if nobody_knows or tell(Notice(_fault(alert), has_ended=True, at=alert.seen_at)):
        mine.delete()
    else:
        mine.update(ended_at=None)


def _fault(alert: Alert) -> Fault:
    return Fault(alert.fault, alert.words, alert.what_to_do)
