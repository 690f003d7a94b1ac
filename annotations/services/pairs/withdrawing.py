"""Take comparisons out of an open study: kept with their votes, and counted nowhere any more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from annotations.batches import in_batches
from annotations.enums import AmendmentKindChoice, AssignmentState, ComparisonState
from annotations.errors import TransitionRefused
from annotations.models import Amendment, Assignment, Comparison, Judgment, Study
from annotations.services.pairs.seats import end_leases, lock_in_order
from annotations.services.studies.amendments import amending

NAMES = ("prompt__key", "stimulus_a__model__name", "stimulus_b__model__name")


def withdraw_comparison(
    *, study: Study, comparison: Comparison, reason: str, now: datetime
) -> Amendment:
    """Take one comparison out of an open or paused study.

    Raises
    ------
    TransitionRefused
        It was withdrawn before, the study is neither open nor paused, or no reason is given.
    """
    with amending(study=study, kind=AmendmentKindChoice.WITHDRAWN, reason=reason, now=now) as (
        _,
        change,
    ):
        own = study.comparisons.counted().not_withdrawn().filter(pk=comparison.pk)
        if not withdraw(own.values_list("pk", flat=True), by=change):
            raise TransitionRefused("This comparison is withdrawn already.")
    return change


def withdraw_clips(study: Study, clips: Iterable[int], *, by: Amendment) -> int:
    """Take out every comparison that shows one of these clips, checks of them too; how many."""
    found: set[int] = set()
    for some in in_batches(list(clips)):
        own = study.comparisons.not_withdrawn().showing(some)
        found.update(own.values_list("pk", flat=True))
    return withdraw(found, by=by)


def withdraw(comparison_ids: Iterable[int], *, by: Amendment) -> int:
    """In the transaction of an amendment: end the leases, and set the votes aside; how many.

    Who has one of them before them is given another; an answer that still comes is kept as late.
    """
    wanted = sorted(comparison_ids)
    names: list[list[str]] = []
    _end_leases_on(set(wanted), by.study_id)
    for batch in in_batches(wanted):
        rows = Comparison.objects.filter(pk__in=batch)
        some = lock_in_order(rows)
        names += [list(row) for row in rows.counted().order_by("pk").values_list(*NAMES)]
        votes = Judgment.objects.for_study(by.study_id)
        by.votes_set_aside += votes.filter(assignment__comparison__in=some).count()
        rows.update(state=ComparisonState.WITHDRAWN, withdrawn_by=by)
    by.facts = {**by.facts, "comparisons": [*by.facts.get("comparisons", []), *names]}
    return len(wanted)


def _end_leases_on(comparison_ids: set[int], study_id: int) -> None:
    """All at once, and before the comparisons are locked: assignments come first."""
    leased = Assignment.objects.filter(comparison__study=study_id, state=AssignmentState.LEASED)
    held = leased.values_list("pk", "comparison")
    ending = [pk for pk, comparison in held if comparison in comparison_ids]
    end_leases(Assignment.objects.filter(pk__in=ending))
