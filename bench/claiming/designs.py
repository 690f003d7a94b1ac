"""Orders and sides as several designs give them, simulated with fixed seeds.

40 or 100 comparisons, five raters who judge all of them. What we use is called as the service has
it (`toss`), or written as it is (places).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import combinations, pairwise
from random import Random

import numpy as np

from annotations.services.rating.sides import chance_of_left

RATERS = 5
IN_ORDER = 100
WITH_SIDES = 40
REPEATS = 400
SEED = 20231117

# The chance of left, from the leads of left within the rater and within the comparison.
Chance = Callable[[int, int], float]


def tell_designs() -> None:
    print("orders: rank correlation of two raters' orders; successions that two raters share")
    for name, per_claim, redrawn in (
        ("one order for all", None, False),
        ("a ring, a start per rater", False, False),
        ("a ring, a start per claim", True, False),
        ("a place per seat", None, True),
        ("a start per claim, a place per seat (ours)", True, True),
    ):
        correlation, shared = compare_orders(per_claim, redrawn)
        print(f"  {name:<48}{correlation:7.3f}{shared:9.1%}", flush=True)
    print("sides: all votes on one layout; largest lead within a rater, mean and 99 %;")
    print("  foreseen for certain; best guess of one who knows the own sides")
    for name, chance in DESIGNS.items():
        print(f"  {name:<48}{tell_sides(chance)}", flush=True)


def compare_orders(start_per_claim: bool | None, redrawn: bool) -> tuple[float, float]:
    """Over pairs of raters who come one after another: rank correlation, and shared successions.

    Without a start (`None`) everybody begins at the beginning.
    """
    rng = Random(SEED)
    correlations, shared = [], []
    for _ in range(REPEATS):
        orders = _orders(start_per_claim, redrawn, rng)
        ranks = [np.argsort(order) for order in orders]
        followers = [set(pairwise(order)) for order in orders]
        for one, other in combinations(range(RATERS), 2):
            correlations.append(float(np.corrcoef(ranks[one], ranks[other])[0, 1]))
            shared.append(len(followers[one] & followers[other]) / (IN_ORDER - 1))
    return float(np.mean(correlations)), float(np.mean(shared))


def _orders(start_per_claim: bool | None, redrawn: bool, rng: Random) -> list[list[int]]:
    places = [rng.random() for _ in range(IN_ORDER)]
    orders = []
    for _ in range(RATERS):
        ring = sorted((place, comparison) for comparison, place in enumerate(places))
        start = 0.0 if start_per_claim is None else rng.random()
        order = []
        while ring:
            at = bisect_left(ring, (start,)) % len(ring)
            place, comparison = ring.pop(at)
            order.append(comparison)
            start = rng.random() if start_per_claim else place
            places[comparison] = rng.random() if redrawn else place
        orders.append(order)
    return orders


def fair(rater_lead: int, comparison_lead: int) -> float:
    return 0.5


def big_stick(rater_lead: int, comparison_lead: int) -> float:
    """Soares and Wu (1983), as before: fair until one side is two ahead within the rater."""
    return 0.5 if abs(rater_lead) < 2 else float(rater_lead < 0)


def biased(rater: int, comparison: int, bias: float) -> Chance:
    """Hu and Hu (2012) with these weights."""

    def chance(rater_lead: int, comparison_lead: int) -> float:
        imbalance = rater * rater_lead + comparison * comparison_lead
        return 0.5 if imbalance == 0 else bias if imbalance < 0 else 1 - bias

    return chance


DESIGNS: dict[str, Chance] = {
    "fair coin": fair,
    "big stick within the rater (before)": big_stick,
    "biased coin 0.85 within the rater": biased(1, 0, 0.85),
    "biased coin 0.85 within the comparison": biased(0, 1, 0.85),
    "both, weights 1 to 1, 0.80": biased(1, 1, 0.80),
    "both, weights 1 to 1, 0.85": biased(1, 1, 0.85),
    "both, weights 1 to 2, 0.80": biased(1, 2, 0.80),
    "both, weights 1 to 2, 0.85 (ours)": chance_of_left,
    "both, weights 1 to 2, 0.90": biased(1, 2, 0.90),
    "both, weights 1 to 4, 0.85": biased(1, 4, 0.85),
}


def tell_sides(chance: Chance) -> str:
    rng = Random(SEED)
    one_layout, leads, certain = 0, [], 0
    # By what the rater knows: the own lead, and the last side.
    seen: defaultdict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    for _ in range(REPEATS):
        comparisons = [0] * WITH_SIDES
        own, last, most = [0] * RATERS, [0] * RATERS, [0] * RATERS
        for rater, comparison in _claims(rng):
            left = chance(own[rater], comparisons[comparison])
            certain += left in (0, 1)
            side = 1 if rng.random() < left else -1
            seen[own[rater], last[rater]][side] += 1
            own[rater] += side
            comparisons[comparison] += side
            last[rater] = side
            most[rater] = max(most[rater], abs(own[rater]))
        one_layout += sum(abs(lead) == RATERS for lead in comparisons)
        leads += most
    draws = REPEATS * RATERS * WITH_SIDES
    guessed = sum(max(sides.values()) for sides in seen.values()) / draws
    return (
        f"{one_layout / (REPEATS * WITH_SIDES):6.2%}{np.mean(leads):6.1f}"
        f"{np.quantile(leads, 0.99):5.0f}{certain / draws:8.1%}{guessed:8.1%}"
    )


def _claims(rng: Random) -> list[tuple[int, int]]:
    """(rater, comparison): each rater in an order of the own, all at work together."""
    queues = [rng.sample(range(WITH_SIDES), WITH_SIDES) for _ in range(RATERS)]
    turns = [rater for rater in range(RATERS) for _ in range(WITH_SIDES)]
    rng.shuffle(turns)
    return [(rater, queues[rater].pop()) for rater in turns]
