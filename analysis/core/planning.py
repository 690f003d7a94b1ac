"""How many prompts and raters a study needs, before it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import betabinom, binom, norm

from analysis.core.intervals import two_sided_z, wilson

Floats = NDArray[np.float64]

FEW_RATERS = 10


@dataclass(frozen=True, slots=True)
class PromptsForWidth:
    """Prompts for an interval of a given half width, by the two formulas."""

    wald: int
    wilson: int


@dataclass(frozen=True, slots=True)
class PromptsToDetect:
    """Prompts with which a win rate is told from 1/2 with a given power.

    `normal` approximates. The exact power of the sign test is saw-toothed: `exact_first` prompts
    are the fewest that reach it, from `exact_safe` on every larger number does.
    """

    normal: int
    exact_first: int
    exact_safe: int


@dataclass(frozen=True, slots=True)
class VoteDesign:
    """What votes of `raters` raters on each of `prompts` prompts are worth.

    `majority_win_rate` is that of a beta-binomial population of prompts.
    """

    design_effect: float
    se: float
    effective_votes: float
    majority_win_rate: float


@dataclass(frozen=True, slots=True)
class Attenuation:
    """What raters who are not always right make of a true win rate."""

    majority_accuracy: float
    majority_win_rate: float
    vote_win_rate: float
    prompts: int | None


def prompts_for_half_width(
    half_width: float, win_rate: float = 0.5, confidence: float = 0.95
) -> PromptsForWidth:
    """Wald: ceil(z^2 p (1 - p) / h^2). Wilson: the fewest n with a half width of at most h."""
    _check_shares(half_width=half_width)
    _check_shares(closed=True, win_rate=win_rate)
    z = two_sided_z(confidence)
    wald = max(1, ceil(_above(z * z * win_rate * (1 - win_rate) / half_width**2)))

    def wide(n: int) -> bool:
        interval = wilson(win_rate * n, n, confidence)
        return (interval.upper - interval.lower) / 2 > half_width

    return PromptsForWidth(wald, _first(lambda n: not wide(n)))


def prompts_to_detect(win_rate: float, power: float = 0.8, alpha: float = 0.05) -> PromptsToDetect:
    """Prompts so that the two-sided sign test tells a majority win rate from 1/2.

    Normal: ceil(((z_{1-alpha/2} + 2 z_power sqrt(W (1 - W))) / (2 |W - 1/2|))^2). Without ties;
    for more, divide by `1 - tie rate` and by `1 - share of incomplete comparisons`.
    """
    _check_shares(power=power, alpha=alpha)
    normal = _normal_prompts(win_rate, power, alpha)
    # A tooth is about 1 / |W - 1/2| prompts wide; the exact numbers are two teeth away at most.
    reach = 200 + ceil(20 / abs(win_rate - 0.5))
    near = np.arange(max(1, normal - reach), normal + reach + 1)
    enough = sign_test_power(near, win_rate, alpha) >= power
    short = np.flatnonzero(~enough)
    safe = int(near[short[-1]]) + 1 if short.size else 1
    return PromptsToDetect(normal, int(near[np.argmax(enough)]), safe)


def sign_test_power(
    prompts: int | NDArray[np.int64], win_rate: float, alpha: float = 0.05
) -> Floats:
    """Exact power of the two-sided sign test at `prompts` items without ties; of any shape.

    The test rejects outside of [c, n - c] with c the smallest count that has
    2 P(Bin(n, 1/2) <= c) > alpha.
    """
    _check_shares(alpha=alpha)
    _check_shares(closed=True, win_rate=win_rate)
    n = np.asarray(prompts)
    largest = binom.ppf(alpha / 2, n, 0.5)
    # ppf is the smallest count that reaches alpha / 2; it rejects only where it does exactly.
    reached = 2 * binom.cdf(largest, n, 0.5) <= alpha
    rejected = np.where(reached, largest, largest - 1)
    power = binom.cdf(rejected, n, win_rate) + binom.sf(n - rejected - 1, n, win_rate)
    return np.asarray(np.where(rejected < 0, 0.0, power))


def inflated(prompts: int, *, tie_rate: float = 0, incomplete_rate: float = 0) -> int:
    """Prompts to plan so that `prompts` decided and complete ones are left."""
    if not (0 <= tie_rate < 1 and 0 <= incomplete_rate < 1):
        raise ValueError("rates are 0 or more, and below 1")
    return ceil(_above(prompts / (1 - tie_rate) / (1 - incomplete_rate)))


def majority_accuracy(raters: int, accuracy: float) -> float:
    """P(the majority of K raters is right) (Condorcet 1785).

    For even K half of the even splits, so that P_4 = P_3.
    """
    _check_raters(raters)
    _check_shares(closed=True, accuracy=accuracy)
    even_split = binom.pmf(raters / 2, raters, accuracy) if raters % 2 == 0 else 0
    return float(binom.sf(raters // 2, raters, accuracy) + even_split / 2)


def expected_win_rates(
    raters: int,
    accuracy: float,
    true_win_rate: float,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
) -> Attenuation:
    """Majority and vote win rate when a share `true_win_rate` of items is better for A.

    W = pi P_K + (1 - pi) (1 - P_K), and the vote share the same with P_1. `prompts` is the normal
    approximation for telling W from 1/2, `None` where W is 1/2.
    """
    _check_shares(closed=True, true_win_rate=true_win_rate)
    by_majority, by_vote = majority_accuracy(raters, accuracy), majority_accuracy(1, accuracy)
    majority, votes = (
        true_win_rate * p + (1 - true_win_rate) * (1 - p) for p in (by_majority, by_vote)
    )
    told = abs(majority - 0.5) > 1e-12
    prompts = _normal_prompts(majority, power, alpha) if told else None
    return Attenuation(by_majority, majority, votes, prompts)


def vote_design(prompts: int, raters: int, win_rate: float, icc: float) -> VoteDesign:
    """Design effect 1 + (K - 1) rho of K votes per prompt with intraclass correlation rho.

    Variance mu (1 - mu) deff / (n K), effective votes n K / deff. The majority win rate is that
    under Beta(mu (1 - rho) / rho, (1 - mu) (1 - rho) / rho), even splits half.
    """
    _check_raters(raters)
    _check_above_zero(prompts=prompts)
    _check_shares(win_rate=win_rate)
    _check_shares(closed=True, icc=icc)
    effect = 1 + (raters - 1) * icc
    votes = prompts * raters
    return VoteDesign(
        design_effect=effect,
        se=sqrt(win_rate * (1 - win_rate) * effect / votes),
        effective_votes=votes / effect,
        majority_win_rate=_majority_of_population(raters, win_rate, icc),
    )


def best_raters(item_cost: float, vote_cost: float, icc: float) -> float:
    """Raters per item with the smallest variance of the vote share for a given cost.

    sqrt(c_item / c_vote (1 - rho) / rho); round it to what the majority rule needs.
    """
    _check_shares(icc=icc)
    _check_above_zero(item_cost=item_cost, vote_cost=vote_cost)
    return sqrt(item_cost / vote_cost * (1 - icc) / icc)


def smallest_panel(prompts: int, raters_per_item: int, most_per_rater: float) -> int:
    """Raters needed so that nobody judges more than a share `most_per_rater` of the prompts."""
    _check_shares(closed=True, most_per_rater=most_per_rater)
    allowed = int(_below(most_per_rater * prompts))
    if not allowed:
        raise ValueError("nobody may judge anything")
    return max(raters_per_item, ceil(prompts * raters_per_item / allowed))


def panel_warnings(raters: int) -> tuple[str, ...]:
    """`too_few_clusters` for a panel that is too small for intervals about new raters."""
    return ("too_few_clusters",) if raters < FEW_RATERS else ()


def _normal_prompts(win_rate: float, power: float, alpha: float) -> int:
    _check_shares(closed=True, win_rate=win_rate)
    if win_rate == 0.5:
        raise ValueError("no number of prompts tells 1/2 from 1/2")
    spread = 2 * norm.ppf(power) * sqrt(win_rate * (1 - win_rate))
    root = (norm.isf(alpha / 2) + spread) / (2 * abs(win_rate - 0.5))
    return ceil(_above(float(root) ** 2))


def _majority_of_population(raters: int, win_rate: float, icc: float) -> float:
    if icc == 0:
        return majority_accuracy(raters, win_rate)
    if icc == 1:
        return win_rate
    scale = (1 - icc) / icc
    votes = betabinom(raters, win_rate * scale, (1 - win_rate) * scale)
    even_split = votes.pmf(raters // 2) if raters % 2 == 0 else 0
    return float(votes.sf(raters // 2) + even_split / 2)


def _first(holds: Callable[[int], bool]) -> int:
    """The smallest n that holds, for a property that larger n keep."""
    upper = 1
    while not holds(upper):
        upper *= 2
    lower = upper // 2
    while upper - lower > 1:
        middle = (lower + upper) // 2
        lower, upper = (lower, middle) if holds(middle) else (middle, upper)
    return upper


def _above(value: float) -> float:
    """Rounding must not add a prompt to a whole number."""
    return value - 1e-9


def _below(value: float) -> float:
    return value + 1e-9


def _check_shares(*, closed: bool = False, **shares: float) -> None:
    for name, share in shares.items():
        if not (0 <= share <= 1 if closed else 0 < share < 1):
            raise ValueError(f"{name.replace('_', ' ')} is a share, not {share}")


def _check_above_zero(**numbers: float) -> None:
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(f"{name.replace('_', ' ')} is above 0, not {number}")


def _check_raters(raters: int) -> None:
    if raters < 1:
        raise ValueError(f"a verdict needs a rater, not {raters}")
