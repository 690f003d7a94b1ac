"""How a rater's part ends. Nothing else writes `outcome`, `finished_at` or an exclusion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from annotations.enums import ENDED_AT_PANEL, STOPPED, RaterOutcome
from annotations.errors import ExclusionRefused
from annotations.models import Rater
from annotations.services.pairs.seats import end_leases, vacate
from annotations.services.raters.locking import lock_rater

_GOES_ON = ("",)
_CAME_IN_VAIN = (*_GOES_ON, RaterOutcome.OVER_QUOTA)
_WITHOUT_PAY = (*_CAME_IN_VAIN, RaterOutcome.NOTHING_JUDGED)
# Which outcomes each may take the place of. A code that was shown for finished work stays good.
MAY_FOLLOW: Mapping[RaterOutcome, tuple[str, ...]] = {
    RaterOutcome.OVER_QUOTA: _GOES_ON,
    RaterOutcome.NOTHING_JUDGED: _CAME_IN_VAIN,
    RaterOutcome.DONE: _WITHOUT_PAY,
    RaterOutcome.SCREENED_OUT: _WITHOUT_PAY,
    RaterOutcome.FAILED_CHECK: _WITHOUT_PAY,
    RaterOutcome.SKIP_LIMIT: _WITHOUT_PAY,
    RaterOutcome.EXCLUDED: _WITHOUT_PAY,
    RaterOutcome.TIMED_OUT: _CAME_IN_VAIN,
    # Who returned has withdrawn, whatever was before.
    RaterOutcome.RETURNED: ("", *(one for one in RaterOutcome if one != RaterOutcome.RETURNED)),
}
# Who comes in vain, or left at the panel, has finished nothing here.
_FINISHES_NOTHING = (RaterOutcome.OVER_QUOTA, *ENDED_AT_PANEL)


def end_part(*, rater: Rater, outcome: RaterOutcome, now: datetime) -> bool:
    """End the rater's part, and free what they hold unless they may be given more; whether it
    ended by this. Their votes stay until somebody excludes them."""
    with transaction.atomic(savepoint=False):
        lock_rater(rater.pk)
        going = Rater.objects.filter(pk=rater.pk, outcome__in=MAY_FOLLOW[outcome])
        finished = {} if outcome in _FINISHES_NOTHING else _finished_at(now)
        has_ended = bool(going.update(outcome=outcome, **finished))
        if has_ended and outcome in (*STOPPED, *ENDED_AT_PANEL):
            end_leases(rater.assignments.all())
    rater.refresh_from_db(fields=["outcome", "finished_at"])
    return has_ended


def resume_part(*, rater: Rater) -> None:
    """Let a rater go on whom the panel had timed out, and who took a place there again."""
    Rater.objects.filter(pk=rater.pk, outcome=RaterOutcome.TIMED_OUT).update(outcome="")
    rater.refresh_from_db(fields=["outcome"])


def exclude_rater(*, rater: Rater, why: str, now: datetime) -> int:
    """Leave a rater's judgments out, and open their seats for others; how many seats.

    The judgments stay in the export, marked as excluded with the reason. It is not undone: the
    seats may be taken at once.

    Raises
    ------
    ExclusionRefused
        No reason was given, or the rater is excluded already.
    """
    if not why.strip():
        raise ExclusionRefused("Say why: the reason stands in the export beside the judgments.")
    with transaction.atomic():
        locked = lock_rater(rater.pk)
        included = Rater.objects.included().filter(pk=locked.pk)
        if not included.update(excluded_at=now, excluded_why=why.strip()[:300]):
            raise ExclusionRefused(f"{locked} is excluded already.")
        seats = vacate(locked)
        end_part(rater=locked, outcome=RaterOutcome.EXCLUDED, now=now)
        return seats


def _finished_at(now: datetime) -> dict[str, Coalesce]:
    """The first time counts."""
    return {"finished_at": Coalesce("finished_at", Value(now))}
