"""Weave checks into a rater's work: evenly spread, at places that nobody can foresee."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from django.db.models import Count

from annotations.enums import AssignmentState, CheckRole, Side
from annotations.models import Assignment, Comparison, Rater
from annotations.models.checks import WOVEN_IN
from annotations.services.checks.defining import check_plan_of
from annotations.services.pairs.ready import ready_count
from annotations.services.raters.entry import most_by_one_rater

REPEAT = "repeat"
# A repeat comes at least so many comparisons after the first time.
REPEAT_DISTANCE = 3


@dataclass(frozen=True)
class WovenIn:
    """A check that is due: a comparison, and for a repeat the assignment that it repeats."""

    comparison: Comparison
    repeats: Assignment | None = None

    @property
    def side_a(self) -> Side | None:
        """The side that a repeat must have: the other one."""
        return Side(self.repeats.side_a).other if self.repeats else None


def next_check(rater: Rater) -> WovenIn | None:
    """The check that is due now; None when the rater should go on with the study's pairs."""
    kinds = _kinds_in_order(rater)
    if not kinds:
        return None
    given = _given(rater)
    places = check_places(_expected_total(rater), len(kinds), rng=rng_of(rater, "places"))
    due = sum(place <= _own_work(rater) for place in places)
    if given.total() >= due:
        return None
    # What cannot be given yet, such as a repeat near the start, lets another kind go first.
    open_kinds = (Counter(kinds) - given).keys()
    in_order = dict.fromkeys(kind for kind in kinds[given.total() :] + kinds if kind in open_kinds)
    return next(filter(None, (_check_of_kind(rater, kind) for kind in in_order)), None)


def planned_checks(rater: Rater) -> int:
    """How many checks the rater will meet among the comparisons, as far as one can tell."""
    return len(_kinds_in_order(rater))


def check_places(total: int, checks: int, *, rng: Random) -> list[int]:
    """After how many comparisons each check comes: one place drawn in each of `checks` blocks.

    Never before the first comparison.
    """
    if not checks:
        return []
    edges = [round(index * total / checks) for index in range(checks + 1)]
    return [max(1, rng.randrange(start, max(start + 1, end))) for start, end in pairwise(edges)]


def _kinds_in_order(rater: Rater) -> list[str]:
    """Which kind comes at which place: shuffled per rater, limited by what there is."""
    plan = check_plan_of(rater.study)
    wanted = {
        CheckRole.GOLD: plan.gold_per_rater,
        CheckRole.IDENTICAL: plan.identical_per_rater,
        CheckRole.DEGRADED: plan.degraded_per_rater,
    }
    if not any([*wanted.values(), plan.repeats_per_rater]):
        return []
    ready = rater.study.checks.ready().filter(role__in=WOVEN_IN).order_by()
    have = dict(ready.values_list("role").annotate(n=Count("pk")))
    kinds = [str(role) for role, n in wanted.items() for _ in range(min(n, have.get(role, 0)))]
    kinds += [REPEAT] * plan.repeats_per_rater
    rng_of(rater, "kinds").shuffle(kinds)
    return kinds


def rng_of(rater: Rater, purpose: str) -> Random:
    """The same draws at each request, others for each rater and purpose."""
    # Nothing that a rater could use hangs on it.
    return Random(f"{rater.study.order_seed}/{rater.pk}/{purpose}")  # noqa: S311


def _given(rater: Rater) -> Counter[str]:
    """How many of each kind the rater was given."""
    roles = rater.assignments.filter(comparison__of_check__role__in=WOVEN_IN)
    given = Counter(roles.values_list("comparison__of_check__role", flat=True))
    repeats = rater.assignments.filter(comparison__of_check=None, occasion__gt=1).count()
    return given + Counter({REPEAT: repeats})


def _own_work(rater: Rater) -> int:
    """The study's comparisons that the rater has behind, or before them now."""
    return rater.assignments.counted().exclude(state=AssignmentState.EXPIRED).count()


def _expected_total(rater: Rater) -> int:
    total = ready_count(rater.study_id)
    maximum = most_by_one_rater(rater.study)
    return total if maximum is None else min(total, maximum)


def _check_of_kind(rater: Rater, kind: str) -> WovenIn | None:
    if kind == REPEAT:
        return _repeat(rater)
    unseen = rater.study.comparisons.ready().unseen_by(rater.pk).filter(of_check__role=kind)
    places = list(unseen.order_by("position").values_list("pk", flat=True))
    if not places:
        return None
    chosen = rng_of(rater, kind).choice(places)
    return WovenIn(Comparison.objects.get(pk=chosen))


def _repeat(rater: Rater) -> WovenIn | None:
    """An earlier comparison of the rater's, not one of the last few, and not a second time."""
    seen_again = rater.assignments.filter(occasion__gt=1).values("comparison")
    own = rater.assignments.counted().not_withdrawn().submitted()
    earlier = own.exclude(comparison__in=seen_again)
    candidates = list(earlier.select_related("comparison").order_by("-submitted_at", "-pk"))
    candidates = candidates[REPEAT_DISTANCE:]
    if not candidates:
        return None
    first = rng_of(rater, REPEAT).choice(candidates)
    return WovenIn(first.comparison, repeats=first)
