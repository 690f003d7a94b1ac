"""Draw sides: balanced within the rater and within the comparison, and never to be foreseen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from random import Random

from django.db.models import Count, QuerySet

from annotations.enums import Side
from annotations.models import Assignment, Comparison, Rater
from annotations.models.prepared import Prepared, given_id, given_moment
from annotations.models.rating import AssignmentQuerySet

# The chance of the side that makes the imbalance smaller. Below 1, so that no side is certain.
BIAS = 0.85
# A vote is one of a few of its comparison, and one of dozens of its rater.
COMPARISON_WEIGHT = 2


def draw_side(*, rater: Rater, comparison: Comparison, now: datetime, rng: Random) -> Side:
    """Draw the side of stimulus a: minimisation with a biased coin.

    After Pocock and Simon (1975), with the weighted imbalance of Hu and Hu (2012).
    """
    chance = chance_of_left(*leads_of(rater=rater, comparison=comparison, now=now))
    return Side.LEFT if rng.random() < chance else Side.RIGHT


def chance_of_left(rater_lead: int, comparison_lead: int) -> float:
    """Fair where both sides are as good; a lead is how often a stood left less how often right."""
    imbalance = rater_lead + COMPARISON_WEIGHT * comparison_lead
    if imbalance == 0:
        return 0.5
    return BIAS if imbalance < 0 else 1 - BIAS


def leads_of(*, rater: Rater, comparison: Comparison, now: datetime) -> tuple[int, int]:
    """The leads of left within the rater and within the comparison.

    What counts, or soon may: nothing expired or skipped, no repeats, nobody who was left out.
    Checks are balanced among the rater's checks only, since nobody adds up their votes.
    """
    if comparison.of_check_id is not None:
        return _lead(SIDES_OF_CHECKS.all(rater=rater.pk, now=now)), 0
    own = SIDES_OF_RATER.all(rater=rater.pk, now=now)
    return _lead(own), _lead(SIDES_OF_COMPARISON.all(comparison=comparison.pk, now=now))


def _sides(assignments: AssignmentQuerySet) -> QuerySet[Assignment, tuple[str, int]]:
    return assignments.order_by().values_list("side_a").annotate(n=Count("pk"))


def _taken_by_rater() -> AssignmentQuerySet:
    return Assignment.objects.for_rater(given_id("rater")).taken(now=given_moment("now"))


SIDES_OF_RATER = Prepared(lambda: _sides(_taken_by_rater().counted()))
SIDES_OF_CHECKS = Prepared(
    lambda: _sides(_taken_by_rater().filter(comparison__of_check__isnull=False))
)
SIDES_OF_COMPARISON = Prepared(
    lambda: _sides(
        Assignment.objects.filter(comparison=given_id("comparison"), occasion=1)
        .taken(now=given_moment("now"))
        .filter(rater__excluded_at=None)
    )
)


def _lead(sides: Iterable[tuple[str, int]]) -> int:
    counts = dict(sides)
    return counts.get(Side.LEFT, 0) - counts.get(Side.RIGHT, 0)
