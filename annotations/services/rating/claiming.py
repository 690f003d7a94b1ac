"""Give comparisons to raters, each under a lease, never more than a comparison has seats."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from random import Random
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from annotations.enums import AssignmentState, ComparisonState, Side
from annotations.errors import AssignmentNotFound, SeatGivenAway
from annotations.models import Assignment, Comparison, Rater, Study
from annotations.models.prepared import Prepared, given_id, given_moment
from annotations.models.rating import COUNTED, AssignmentQuerySet
from annotations.services.pairs.seats import end_leases, take_again, take_first
from annotations.services.raters.entry import ensure_may_take_more
from annotations.services.raters.locking import ensure_may_rate, lock_rater_at_work
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
        rater = lock_rater_at_work(rater)
        ensure_may_rate(rater)
        held = next(iter(_hold_on(rater, now)), None)
        if held is None:
            ensure_may_take_more(rater, now=now)
            held = _revive_expired(rater, now)
        assignment = held or _assign_next(rater, now=now, rng=rng, shown_at=now)
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
        rater = lock_rater_at_work(rater)
        ensure_may_rate(rater)
        held = _hold_on(rater, now)
        if len(held) != 1:
            return held[1] if held else None
        if next_lesson(rater) is not None or held[0].comparison.of_check_id is not None:
            return None
        ensure_may_take_more(rater, now=now)
        return _assign_next(rater, now=now, rng=rng)


def _assign_next(
    rater: Rater, *, now: datetime, rng: Random, shown_at: datetime | None = None
) -> Assignment | None:
    """Lease what comes next to the rater: a lesson, a check that is due, or a comparison."""
    lease = partial(_lease, rater, now=now, shown_at=shown_at)
    lesson = next_lesson(rater)
    if lesson is not None:
        side = draw_side(rater=rater, comparison=lesson.comparison, now=now, rng=rng)
        return lease(lesson.comparison, side, occasion=lesson.occasion)
    if _has_reached_maximum(rater, now):
        return None
    woven = next_check(rater)
    if woven is not None:
        occasion = 2 if woven.repeats else 1
        side = woven.side_a or draw_side(rater=rater, comparison=woven.comparison, now=now, rng=rng)
        return lease(woven.comparison, side, occasion=occasion)
    comparison = take_first(in_order_of(rater, rng=rng), draw_place=partial(new_place, rng=rng))
    if comparison is None:
        return None
    side = draw_side(rater=rater, comparison=comparison, now=now, rng=rng)
    return lease(comparison, side)


def _lease(
    rater: Rater,
    comparison: Comparison,
    side_a: Side,
    *,
    now: datetime,
    shown_at: datetime | None,
    occasion: int = 1,
) -> Assignment:
    return Assignment.objects.create(
        comparison=comparison,
        rater=rater,
        occasion=occasion,
        side_a=side_a,
        leased_at=now,
        lease_expires_at=now + lease_of(rater.study),
        shown_at=shown_at,
    )


def _mark_shown(assignment: Assignment, now: datetime) -> Assignment:
    """Start the server's clock when the rater first gets the page."""
    unseen = Assignment.objects.filter(pk=assignment.pk, shown_at=None)
    if assignment.shown_at is None and unseen.update(shown_at=now):
        assignment.shown_at = now
    return assignment


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


def _first_of(leases: AssignmentQuerySet) -> QuerySet[Assignment, int]:
    return leases.order_by("pk").values_list("pk", flat=True)[:500]


OVERDUE_IN = Prepared(
    lambda: _first_of(
        Assignment.objects.overdue(now=given_moment("now")).filter(
            comparison__study=given_id("study")
        )
    )
)


def release_overdue_leases(*, now: datetime, study: Study | None = None) -> int:
    """Give back the seats of leases that ran out; count them."""
    # Each in a transaction of its own: nobody waits for a long sweep.
    if study is None:
        ids = list(_first_of(Assignment.objects.overdue(now=now)))
    else:
        ids = OVERDUE_IN.all(study=study.pk, now=now)
    return sum(end_leases(Assignment.objects.filter(pk=pk), overdue_at=now) for pk in ids)


def _hold_on(rater: Rater, now: datetime) -> list[Assignment]:
    """What the rater has before them, and the one after it: theirs until somebody ends the lease.

    The leases are prolonged before they are read, so that a sweep that finds them run out at the
    same moment leaves alone what is given here.
    """
    leased = rater.assignments.filter(state=AssignmentState.LEASED)
    if not leased.update(lease_expires_at=now + lease_of(rater.study)):
        return []
    return list(leased.order_by("pk")[:2])


REVIVABLE = Prepared(
    lambda: (
        Assignment.objects.for_rater(given_id("rater"))
        .filter(state=AssignmentState.EXPIRED, late_answers__isnull=True)
        .filter(Q(comparison__open_seats__gt=0) | ~COUNTED, comparison__state=ComparisonState.READY)
        .select_related("comparison")
        .order_by("pk")
    )
)


def _revive_expired(rater: Rater, now: datetime) -> Assignment | None:
    """Give back to the rater a comparison they were late on, if it still wants a vote.

    Only the rater's own requests change an expired assignment, and they hold the rater's lock.
    """
    for assignment in REVIVABLE.all(rater=rater.pk):
        assignment.rater = rater
        if take_again(assignment, now=now, until=now + lease_of(rater.study), shown_at=now):
            return assignment
    return None


def _has_reached_maximum(rater: Rater, now: datetime) -> bool:
    """Whether the rater has judged, or holds, as many comparisons as one may."""
    maximum = rater.study.max_per_rater
    own = rater.assignments.counted()
    taken = own.submitted() | own.live(now=now)
    return maximum is not None and taken.count() >= maximum
