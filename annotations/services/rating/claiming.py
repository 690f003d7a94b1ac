"""Give comparisons to raters, each under a lease, never more than a comparison has seats.

Locks are always taken in the order rater, assignment, comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from annotations.enums import STOPPED, AssignmentState, Side, StudyState
from annotations.errors import AssignmentNotFound, SeatGivenAway, StudyNotOpen
from annotations.models import Assignment, Comparison, Rater, Study
from annotations.services.raters.entry import ensure_may_take_more
from annotations.services.rating.ordering import in_order_of, new_place
from annotations.services.rating.qualifying import next_lesson
from annotations.services.rating.sides import draw_side
from annotations.services.rating.weaving import next_check


def claim_assignment(*, rater: Rater, now: datetime, rng: Random) -> Assignment | None:
    """The comparison that the rater should judge now; None when there is nothing left.

    A rater who still holds a comparison gets the same one again. Before the start come practice
    and qualification; then comparisons that need votes most, equally needy ones at random, with
    checks woven in.

    Raises
    ------
    StudyNotOpen
        The study is not open, the rater was excluded, or may be given no more.
    """
    release_overdue_leases(now=now, study=rater.study)
    with transaction.atomic():
        rater = _lock_rater(rater.pk)
        if rater.outcome in STOPPED:
            return None
        ensure_may_rate(rater)
        held = _live_assignment(rater, now)
        if held is None:
            ensure_may_take_more(rater, now=now)
            held = _revive_expired(rater, now)
        assignment = held or _assign_next(rater, now=now, rng=rng)
        return _mark_shown(assignment, now) if assignment else None


def claim_ahead(*, rater: Rater, now: datetime, rng: Random) -> Assignment | None:
    """The comparison after the one that the rater has before them, for loading its clips.

    It is leased like any other, and given by the next claim. None before the start, where what
    comes next hangs on the answer, and when nothing is left.

    Raises
    ------
    StudyNotOpen
    """
    with transaction.atomic():
        rater = _lock_rater(rater.pk)
        ensure_may_rate(rater)
        live = list(Assignment.objects.for_rater(rater.pk).live(now=now).order_by("pk")[:2])
        if len(live) != 1:
            return live[1] if live else None
        if next_lesson(rater) is not None or live[0].comparison.of_check_id is not None:
            return None
        ensure_may_take_more(rater, now=now)
        return _assign_next(rater, now=now, rng=rng)


def _assign_next(rater: Rater, *, now: datetime, rng: Random) -> Assignment | None:
    """Lease what comes next to the rater: a lesson, a check that is due, or a comparison."""
    lesson = next_lesson(rater)
    if lesson is not None:
        side = draw_side(rater=rater, comparison=lesson.comparison, now=now, rng=rng)
        return _lease(rater, lesson.comparison, side, now, lesson.occasion)
    if _has_reached_maximum(rater, now):
        return None
    woven = next_check(rater)
    if woven is not None:
        occasion = 2 if woven.repeats else 1
        side = woven.side_a or draw_side(rater=rater, comparison=woven.comparison, now=now, rng=rng)
        return _lease(rater, woven.comparison, side, now, occasion)
    comparison = _take_seat(rater, rng=rng)
    if comparison is None:
        return None
    side = draw_side(rater=rater, comparison=comparison, now=now, rng=rng)
    return _lease(rater, comparison, side, now)


def _lease(
    rater: Rater, comparison: Comparison, side_a: Side, now: datetime, occasion: int = 1
) -> Assignment:
    """A new assignment; one that expired unanswered is given anew."""
    values = {
        "side_a": side_a,
        "state": AssignmentState.LEASED,
        "leased_at": now,
        "lease_expires_at": now + lease_of(rater.study),
    }
    return Assignment.objects.update_or_create(
        comparison=comparison, rater=rater, occasion=occasion, defaults=values
    )[0]


def _mark_shown(assignment: Assignment, now: datetime) -> Assignment:
    """Start the server's clock when the rater first gets the page."""
    if assignment.shown_at is None:
        assignment.shown_at = now
        assignment.save(update_fields=["shown_at"])
    return assignment


def _lock_rater(rater_id: int) -> Rater:
    """Two requests of one rater are answered one after the other."""
    locked = Rater.objects.select_for_update(of=("self",), no_key=True)
    return locked.select_related("study__recruitment", "invite").get(pk=rater_id)


def ensure_may_rate(rater: Rater) -> None:
    """Raise StudyNotOpen unless the study takes answers from this rater."""
    if rater.study.state != StudyState.OPEN:
        raise StudyNotOpen
    if rater.excluded_at is not None or rater.outcome in STOPPED:
        raise StudyNotOpen(_("Your part in this study has ended. Thank you for your time."))


def lease_of(study: Study) -> timedelta:
    return timedelta(minutes=study.lease_minutes)


def renew_lease(*, rater: Rater, public_id: UUID, now: datetime) -> datetime:
    """Prolong the lease of an assignment that the rater has open.

    Returns
    -------
    datetime
        When the lease now ends.

    Raises
    ------
    AssignmentNotFound, SeatGivenAway
    """
    expires_at = now + lease_of(rater.study)
    own = Assignment.objects.for_rater(rater.pk)
    if own.filter(public_id=public_id).live(now=now).exists():
        # With it the one after it, whose clips are loaded ahead.
        own.live(now=now).update(lease_expires_at=expires_at)
        return expires_at
    if not own.filter(public_id=public_id).exists():
        raise AssignmentNotFound
    raise SeatGivenAway(_("This comparison was kept for you for a while and is now with others."))


def release_overdue_leases(*, now: datetime, study: Study | None = None) -> int:
    """Give back the seats of leases that ran out; count them."""
    overdue = Assignment.objects.overdue(now=now)
    if study is not None:
        overdue = overdue.filter(comparison__study=study)
    ids = list(overdue.order_by("pk").values_list("pk", flat=True)[:500])
    return sum(_release(pk, now) for pk in ids)


def _release(assignment_id: int, now: datetime) -> bool:
    """Expire one lease unless somebody else did or it was renewed meanwhile."""
    with transaction.atomic():
        row = Assignment.objects.overdue(now=now).filter(pk=assignment_id)
        if not row.update(state=AssignmentState.EXPIRED):
            return False
        give_seat_back(Assignment.objects.select_related("comparison").get(pk=assignment_id))
        return True


def give_seat_back(assignment: Assignment) -> None:
    """Let another rater have the seat. Checks and repeats have none."""
    if assignment.takes_seat:
        comparison = Comparison.objects.filter(pk=assignment.comparison_id)
        comparison.update(open_seats=F("open_seats") + 1)


def retake_seat(assignment: Assignment) -> bool:
    """Take the seat of an expired assignment back if it is still free."""
    if not assignment.takes_seat:
        return True
    comparison = Comparison.objects.filter(pk=assignment.comparison_id, open_seats__gt=0)
    return bool(comparison.update(open_seats=F("open_seats") - 1))


def _live_assignment(rater: Rater, now: datetime) -> Assignment | None:
    live = Assignment.objects.for_rater(rater.pk).live(now=now).order_by("pk").first()
    if live is not None:
        renew_lease(rater=rater, public_id=live.public_id, now=now)
    return live


def _revive_expired(rater: Rater, now: datetime) -> Assignment | None:
    """Give back to the rater a comparison they were late on, if it still wants a vote."""
    expired = (
        Assignment.objects.for_rater(rater.pk)
        .filter(
            state=AssignmentState.EXPIRED,
            late_answers__isnull=True,
        )
        .filter(
            Q(comparison__open_seats__gt=0) | Q(comparison__of_check__isnull=False) | Q(occasion=2)
        )
        .select_related("comparison")
        .order_by("pk")
    )
    for assignment in expired:
        if retake_seat(assignment):
            assignment.state = AssignmentState.LEASED
            assignment.leased_at = assignment.shown_at = now
            assignment.lease_expires_at = now + lease_of(rater.study)
            assignment.save(update_fields=["state", "leased_at", "lease_expires_at", "shown_at"])
            return assignment
    return None


def _has_reached_maximum(rater: Rater, now: datetime) -> bool:
    """Whether the rater has judged, or holds, as many comparisons as one may."""
    maximum = rater.study.max_per_rater
    own = rater.assignments.counted()
    taken = own.submitted() | own.live(now=now)
    return maximum is not None and taken.count() >= maximum


def _take_seat(rater: Rater, *, rng: Random) -> Comparison | None:
    """Lock a comparison with a free seat that the rater never had, and take the seat."""
    comparison = _lock_first(in_order_of(rater, rng=rng))
    if comparison is None:
        return None
    Comparison.objects.filter(pk=comparison.pk).update(
        open_seats=F("open_seats") - 1, position=new_place(rng=rng)
    )
    return comparison


def _lock_first(in_turn: Sequence[QuerySet[Comparison]]) -> Comparison | None:
    """Lock the first free row; wait for locked ones only when no other is left."""
    if not connection.features.has_select_for_update_skip_locked:
        return next(filter(None, (comparisons.first() for comparisons in in_turn)), None)
    unlocked = (
        comparisons.select_for_update(skip_locked=True, of=("self",), no_key=True).first()
        for comparisons in in_turn
    )
    first = next(filter(None, unlocked), None)
    if first is not None:
        return first
    # Other transactions hold all that is left; they may yet leave a seat. One order for all
    # raters, so that nobody waits for somebody who waits for them.
    left = in_turn[-1]
    for pk in sorted(left.values_list("pk", flat=True)):
        locked = left.filter(pk=pk).select_for_update(of=("self",), no_key=True).first()
        if locked is not None:
            return locked
    return None
