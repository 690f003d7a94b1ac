"""Give comparisons to raters, each under a lease, never more than a comparison has seats."""

from __future__ import annotations

from collections.abc import Sequence
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
from annotations.models.prepared import (
    Prepared,
    PreparedInsert,
    PreparedUpdate,
    given_id,
    given_moment,
)
from annotations.models.rating import COUNTED, AssignmentQuerySet
from annotations.services.pairs.seats import end_leases, take_again, take_first
from annotations.services.raters.entry import ensure_may_take_more
from annotations.services.raters.locking import ensure_may_rate, lock_rater_at_work
from annotations.services.rating.ordering import free_for, in_order_of, new_place
from annotations.services.rating.qualifying import next_lesson
from annotations.services.rating.sides import draw_side, leads_of
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
    assignment = _claim(rater, now=now, rng=rng)
    if assignment is None:
        # Others may hold what is left, and have forgotten it; whoever takes it back, it is free.
        release_overdue_leases(now=now, study_id=rater.study_id)
        assignment = _claim(rater, now=now, rng=rng)
    return assignment


def _claim(rater: Rater, *, now: datetime, rng: Random) -> Assignment | None:
    with transaction.atomic():
        rater = lock_rater_at_work(rater)
        ensure_may_rate(rater)
        given = _given_before(rater, now)
        held = next(iter(_hold_on(given, rater, now)), None)
        if held is None:
            ensure_may_take_more(rater, now=now)
            held = _revive_expired(given, rater, now)
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
        held = _hold_on(GIVEN_BEFORE.all(rater=rater.pk), rater, now)
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

    def side_of(comparison: Comparison) -> Side:
        leads = leads_of(rater=rater, comparison=comparison, now=now)
        return draw_side(*leads, rng=rng)

    lesson = next_lesson(rater)
    if lesson is not None:
        return lease(lesson.comparison, side_of(lesson.comparison), occasion=lesson.occasion)
    if _has_reached_maximum(rater, now):
        return None
    woven = next_check(rater)
    if woven is not None:
        occasion = 2 if woven.repeats else 1
        return lease(woven.comparison, woven.side_a or side_of(woven.comparison), occasion=occasion)
    comparison = take_first(
        in_order_of(rater, now=now, rng=rng),
        partial(free_for, rater.study_id, rater.pk),
        draw_place=partial(new_place, rng=rng),
    )
    return None if comparison is None else lease(comparison, side_of(comparison))


NEW_ASSIGNMENT = PreparedInsert(Assignment)


def _lease(
    rater: Rater,
    comparison: Comparison,
    side_a: Side,
    *,
    now: datetime,
    shown_at: datetime | None,
    occasion: int = 1,
) -> Assignment:
    assignment = Assignment(
        comparison=comparison,
        rater=rater,
        occasion=occasion,
        side_a=side_a,
        leased_at=now,
        lease_expires_at=now + lease_of(rater.study),
        shown_at=shown_at,
    )
    NEW_ASSIGNMENT.run([assignment])
    return assignment


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


def release_overdue_leases(*, now: datetime, study_id: int | None = None) -> int:
    """Give back the seats of leases that ran out; count them."""
    # Each in a transaction of its own: nobody waits for a long sweep.
    if study_id is None:
        ids = list(_first_of(Assignment.objects.overdue(now=now)))
    else:
        ids = OVERDUE_IN.all(study=study_id, now=now)
    return sum(end_leases(Assignment.objects.filter(pk=pk), overdue_at=now) for pk in ids)


GIVEN_BEFORE = Prepared(
    lambda: (
        Assignment.objects.for_rater(given_id("rater"))
        .filter(Q(state=AssignmentState.LEASED) | _may_be_revived())
        # The same once more, as an index has it.
        .filter(state__in=[AssignmentState.LEASED, AssignmentState.EXPIRED])
        .select_for_update(of=("self",), no_key=True)
        .with_comparison_as_shown()
        .order_by("pk")
    )
)


def _may_be_revived() -> Q:
    """A comparison that the rater was late on, if it still wants a vote."""
    late = Q(state=AssignmentState.EXPIRED, late_answers__isnull=True)
    wanted = Q(comparison__open_seats__gt=0) | ~COUNTED
    return late & wanted & Q(comparison__state=ComparisonState.READY)


def _given_before(rater: Rater, now: datetime) -> list[Assignment]:
    """What the rater holds, or may be given back; a lease of theirs that ran out is ended first.

    The rows are locked, so that a sweep which finds a lease run out at the same moment leaves
    alone what is given here.
    """
    given = GIVEN_BEFORE.all(rater=rater.pk)
    if not any(_is_leased(one) and one.lease_expires_at <= now for one in given):
        return given
    end_leases(rater.assignments.all(), overdue_at=now)
    return GIVEN_BEFORE.all(rater=rater.pk)


def _is_leased(assignment: Assignment) -> bool:
    return assignment.state == AssignmentState.LEASED


PROLONG = PreparedUpdate(
    lambda: Assignment.objects.for_rater(given_id("rater")).filter(state=AssignmentState.LEASED),
    lambda: {"lease_expires_at": given_moment("until")},
)


def _hold_on(given: Sequence[Assignment], rater: Rater, now: datetime) -> list[Assignment]:
    """What the rater has before them, and the one after it, prolonged."""
    held = list(filter(_is_leased, given))
    until = now + lease_of(rater.study)
    if held:
        PROLONG.run(rater=rater.pk, until=until)
    for one in held:
        one.rater, one.lease_expires_at = rater, until
    return held[:2]


def _revive_expired(given: Sequence[Assignment], rater: Rater, now: datetime) -> Assignment | None:
    """Give back to the rater a comparison they were late on.

    Only the rater's own requests change an expired assignment, and they hold the rater's lock.
    """
    for assignment in given:
        assignment.rater = rater
        if take_again(assignment, now=now, until=now + lease_of(rater.study), shown_at=now):
            return assignment
    return None


def _has_reached_maximum(rater: Rater, now: datetime) -> bool:
    """Whether the rater has judged, or holds, as many comparisons as one may."""
    maximum = rater.study.max_per_rater
    return maximum is not None and rater.assignments.counted().taken(now=now).count() >= maximum
