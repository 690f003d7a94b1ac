"""The seats of comparisons. Nothing else writes `open_seats`.

A counted assignment holds a seat of its comparison while it is leased, and once it is submitted,
unless its rater is excluded. A seat therefore changes hands with the state of the assignment that
holds it, in one transaction, and only if the state really changed: every change is a conditional
UPDATE whose count is looked at. Checks and repeats hold no seat.

Locks are taken in the order study, rater, assignment, comparison; several rows of one kind by
their keys. See docs/architecture.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, OuterRef, QuerySet
from django.db.models.functions import Greatest

from annotations.enums import AssignmentState
from annotations.models import Assignment, Comparison, Rater, Study
from annotations.models.prepared import Given, PreparedUpdate, given_id, given_number
from annotations.models.rating import AssignmentQuerySet
from annotations.models.study import count_of


def seats_of_new(study: Study, *, is_check: bool) -> dict[str, int]:
    """The column of a comparison that is made now. A check has none: every rater may get it."""
    return {"open_seats": 0 if is_check else study.raters_per_comparison}


def take_first(
    look_ups: Iterable[Callable[[], Comparison | None]],
    free: Callable[[], QuerySet[Comparison]],
    *,
    draw_place: Callable[[], int],
) -> Comparison | None:
    """Take a seat of the first comparison that is found in turn; None if there is none.

    What is looked up comes locked, and passes over what others have locked. They may yet leave a
    seat, so all that is `free` is waited for when nothing else is left. With the seat the
    comparison gets a new place.
    """
    comparison = next(filter(None, (look_up() for look_up in look_ups)), None)
    if comparison is None and connection.features.has_select_for_update_skip_locked:
        comparison = _wait_for(free())
    if comparison is None or not _take_at_new_place(comparison.pk, draw_place()):
        return None
    return comparison


def _wait_for(free: QuerySet[Comparison]) -> Comparison | None:
    """In one order for all raters, so that nobody waits for somebody who waits for them."""
    for pk in sorted(free.values_list("pk", flat=True)):
        locked = free.filter(pk=pk).select_for_update(of=("self",), no_key=True).first()
        if locked is not None:
            return locked
    return None


def take_again(assignment: Assignment, *, now: datetime, until: datetime, **values: Any) -> bool:
    """Lease an assignment that expired anew, if its seat is still free."""
    expired = Assignment.objects.filter(pk=assignment.pk, state=AssignmentState.EXPIRED)
    if not expired.select_for_update(of=("self",), no_key=True).exists():
        return False
    if not _take_if_seated(assignment):
        return False
    values |= {"state": AssignmentState.LEASED, "leased_at": now, "lease_expires_at": until}
    expired.update(**values)
    for name, value in values.items():
        setattr(assignment, name, value)
    return True


def end_leases(
    leases: AssignmentQuerySet,
    *,
    into: AssignmentState = AssignmentState.EXPIRED,
    overdue_at: datetime | None = None,
    **values: Any,
) -> int:
    """End these leases, and let others have their seats; how many were ended here.

    With `overdue_at`, only those that have run out by then, at the moment of the change: one that
    was renewed meanwhile is left alone.
    """
    with transaction.atomic(savepoint=False):
        leased = leases.filter(state=AssignmentState.LEASED).select_related("comparison")
        ended = [
            one
            for one in leased.order_by("pk")
            if _still_leased(one, overdue_at).update(state=into, **values)
        ]
        _open(one.comparison_id for one in ended if one.takes_seat)
    return len(ended)


def _still_leased(assignment: Assignment, overdue_at: datetime | None) -> AssignmentQuerySet:
    """Conditions on the row's own columns alone.

    An UPDATE over a join is `id IN (SELECT ...)`, and PostgreSQL does not look at the inner query
    again when it has waited for the row: it would end a lease that was answered meanwhile.
    """
    row = Assignment.objects.filter(pk=assignment.pk, state=AssignmentState.LEASED)
    return row if overdue_at is None else row.filter(lease_expires_at__lte=overdue_at)


def vacate(rater: Rater) -> int:
    """Let others have every seat that a rater holds by lease or by vote; how many.

    The caller has locked the rater, and leaves the rater out in the same transaction.
    """
    own = Assignment.objects.counted_of(rater.pk)
    voted = list(own.submitted().values_list("comparison", flat=True))
    leased = own.filter(state=AssignmentState.LEASED).count()
    end_leases(rater.assignments.all())
    _open(voted)
    return len(voted) + leased


def lock_in_order(comparisons: QuerySet[Comparison]) -> list[int]:
    """Lock comparisons that are to be changed together, by their keys; these.

    Whoever locks several does so in one order, or two would wait for each other.
    """
    ordered = comparisons.order_by("pk").select_for_update(no_key=True, of=("self",))
    return list(ordered.values_list("pk", flat=True))


def recount_seats(*, study: Study, comparison_ids: Sequence[int]) -> None:
    """Write anew what the assignments say, for comparisons that the caller has locked."""
    rows = study.comparisons.filter(pk__in=comparison_ids)
    held = Assignment.objects.holding_seat().filter(comparison=OuterRef("pk"))
    rows.exclude(of_check=None).update(open_seats=0)
    rows.counted().update(open_seats=Greatest(study.raters_per_comparison - count_of(held), 0))


def _take_if_seated(assignment: Assignment) -> bool:
    """Whether the assignment may go on: a check or a repeat as long as it is not withdrawn."""
    if assignment.takes_seat:
        return _take(assignment.comparison_id)
    return Comparison.objects.ready().filter(pk=assignment.comparison_id).exists()


def _with_seat(comparison_id: int | Given) -> QuerySet[Comparison]:
    return Comparison.objects.ready().filter(pk=comparison_id, open_seats__gt=0)


TAKE_AT_NEW_PLACE = PreparedUpdate(
    lambda: _with_seat(given_id("comparison")),
    lambda: {"open_seats": F("open_seats") - 1, "position": given_number("place")},
)


def _take(comparison_id: int) -> bool:
    return bool(_with_seat(comparison_id).update(open_seats=F("open_seats") - 1))


def _take_at_new_place(comparison_id: int, place: int) -> bool:
    return bool(TAKE_AT_NEW_PLACE.run(comparison=comparison_id, place=place))


def _open(comparison_ids: Iterable[int]) -> None:
    for pk in sorted(comparison_ids):
        Comparison.objects.filter(pk=pk).update(open_seats=F("open_seats") + 1)
