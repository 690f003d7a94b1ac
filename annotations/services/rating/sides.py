"""Draw sides: balanced within the rater and within the comparison, and never to be foreseen."""

from __future__ import annotations

from datetime import datetime
from random import Random

from django.db.models import Case, OuterRef, Sum, Value, When
from django.db.models.functions import Coalesce

from annotations.enums import Side
from annotations.models import Assignment, Comparison, Rater
from annotations.models.comparison import ComparisonQuerySet
from annotations.models.prepared import Given, Prepared, given_id, given_moment
from annotations.models.rating import AssignmentQuerySet
from annotations.models.study import total_of

# The chance of the side that makes the imbalance smaller. Below 1, so that no side is certain.
BIAS = 0.85
# A vote is one of a few of its comparison, and one of dozens of its rater.
COMPARISON_WEIGHT = 2


def draw_side(rater_lead: int, comparison_lead: int, *, rng: Random) -> Side:
    """Draw the side of stimulus a: minimisation with a biased coin.

    After Pocock and Simon (1975), with the weighted imbalance of Hu and Hu (2012).
    """
    chance = chance_of_left(rater_lead, comparison_lead)
    return Side.LEFT if rng.random() < chance else Side.RIGHT


def chance_of_left(rater_lead: int, comparison_lead: int) -> float:
    """Fair where both sides are as good; a lead is how often a stood left less how often right."""
    imbalance = rater_lead + COMPARISON_WEIGHT * comparison_lead
    if imbalance == 0:
        return 0.5
    return BIAS if imbalance < 0 else 1 - BIAS


def with_leads(
    comparisons: ComparisonQuerySet, *, rater: int | Given, now: datetime | Given
) -> ComparisonQuerySet:
    """Each with the leads of left within the rater and within it: `rater_lead`, `own_lead`.

    What counts, or soon may: nothing expired or skipped, no checks or repeats, nobody who was left
    out.
    """
    taken = Assignment.objects.taken(now=now)
    own = taken.filter(comparison=OuterRef("pk"), occasion=1, rater__excluded_at=None)
    by_rater = taken.counted_of(rater)
    return comparisons.annotate(rater_lead=_lead(by_rater), own_lead=_lead(own))


LEAD_OF_CHECKS = Prepared(
    lambda: (
        Rater.objects.filter(pk=given_id("rater"))
        .order_by()
        .values_list(
            _lead(
                Assignment.objects.for_rater(given_id("rater"))
                .taken(now=given_moment("now"))
                .filter(comparison__of_check__isnull=False)
            )
        )
    )
)
LEADS_OF = Prepared(
    lambda: with_leads(
        Comparison.objects.filter(pk=given_id("comparison")).order_by(),
        rater=given_id("rater"),
        now=given_moment("now"),
    )
)


def leads_of(*, rater: Rater, comparison: Comparison, now: datetime) -> tuple[int, int]:
    """The leads of left within the rater and within the comparison: see `with_leads`.

    Checks are balanced among the rater's checks only, since nobody adds up their votes.
    """
    if comparison.of_check_id is not None:
        [lead] = LEAD_OF_CHECKS.all(rater=rater.pk, now=now)
        return int(lead), 0
    if not hasattr(comparison, "own_lead"):
        [comparison] = LEADS_OF.all(rater=rater.pk, comparison=comparison.pk, now=now)
    return comparison.rater_lead, comparison.own_lead  # type: ignore[attr-defined]


def _lead(assignments: AssignmentQuerySet) -> Coalesce:
    """How often stimulus a stood left, less how often right, as a column."""
    one_each = Case(When(side_a=Side.LEFT, then=Value(1)), default=Value(-1))
    return total_of(assignments, Sum(one_each))
