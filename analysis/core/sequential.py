"""Intervals that stay right however often one looks while votes come in, and when to stop.

Scores are 1, 1/2 or 0 per item (a prompt's mean where it has several items), in the order in which
items were opened, up to the first unfinished one. Not in the order in which they were completed:
unanimous items are decided sooner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log
from sys import float_info
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize.elementwise import find_root
from scipy.special import betaln, xlog1py, xlogy

from analysis.core.estimates import Interval, Population

Floats = NDArray[np.float64]

METHOD = "beta-binomial-confidence-sequence"
HEDGED = "hedged-confidence-sequence"
HUGE = 1e300


class Stop(StrEnum):
    WINNER = "winner"
    """The confidence sequence excludes 1/2."""
    PRECISE = "precise"
    """It is no wider than was asked for."""
    FUTILE = "futile"
    """The planned number of items is used up."""


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The bounds after each score: the running intersection of all looks so far.

    Where looks contradict each other, from there on the bounds cross: `contradicted` is true.
    """

    lower: Floats
    upper: Floats
    method: str

    @property
    def contradicted(self) -> bool:
        return bool((self.lower > self.upper).any())

    def at(self, n: int) -> Interval | None:
        """After n scores; (0, 1) before the first, `None` where looks contradict each other."""
        if n == 0:
            return Interval(0.0, 1.0, self.method, Population.PROMPTS)
        lower, upper = float(self.lower[n - 1]), float(self.upper[n - 1])
        return Interval(lower, upper, self.method, Population.PROMPTS) if lower <= upper else None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Against a win rate of 1/2: the e-value now, and a p value that holds at every look.

    The logarithm is there because strong evidence overflows; `e_value` then is the largest float.
    """

    log_e_value: float
    anytime_p: float

    @property
    def e_value(self) -> float:
        return exp(min(self.log_e_value, log(float_info.max)))


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to stop, after how many items, and the interval to report then; not Wilson's."""

    stop: Stop | None
    items: int
    interval: Interval | None


def beta_binomial_interval(
    total: float,
    n: int,
    confidence: float = 0.95,
    *,
    prior_a: float = 1.0,
    prior_b: float = 1.0,
) -> Interval:
    """Mixture interval at one look, for a running total of n scores in [0, 1].

    All p with B(S + a, n - S + b) / B(a, b) < p^S (1 - p)^(n - S) / alpha: Robbins (1970, Ann
    Math Stat 41:1397); Howard, Ramdas, McAuliffe and Sekhon (2021, Ann Stat 49:1055). Halves keep
    it valid: the bound is convex in the score.
    """
    if not 0 <= total <= n:
        raise ValueError(f"a total of {total} from {n} scores in [0, 1]")
    lower, upper = _mixture_bounds(np.array([total]), np.array([n]), confidence, prior_a, prior_b)
    return Interval(float(lower[0]), float(upper[0]), METHOD, Population.PROMPTS)


def beta_binomial_path(
    scores: ArrayLike,
    confidence: float = 0.95,
    *,
    prior_a: float = 1.0,
    prior_b: float = 1.0,
) -> Path:
    """Running intersection of `beta_binomial_interval` after each score: the default."""
    x = _checked(scores)
    n = np.arange(1, x.size + 1)
    lower, upper = _mixture_bounds(np.cumsum(x), n, confidence, prior_a, prior_b)
    return Path(np.maximum.accumulate(lower), np.minimum.accumulate(upper), METHOD)


def hedged_path(
    scores: ArrayLike,
    confidence: float = 0.95,
    *,
    truncation: float = 0.5,
    grid: int = 1_000,
) -> Path:
    """Hedged betting sequence (Waudby-Smith & Ramdas 2024, JRSS-B 86:1); better with many halves.

    Two gamblers bet against each mean m of the grid with predictable stakes; m stays while
    neither has made twice 1 / alpha. Bounds are rounded outward by one step of the grid.

    Parameters
    ----------
    truncation
        Largest share of the wealth at stake, c of the paper.
    grid
        Steps from 0 to 1.
    """
    x = _checked(scores)
    stakes = _stakes(x, 1 - confidence)
    means = np.arange(grid + 1) / grid
    with np.errstate(divide="ignore"):
        most_up, most_down = truncation / means, truncation / (1 - means)
    up = down = np.zeros_like(means)
    lower, upper = np.empty(x.size), np.empty(x.size)
    kept = np.ones_like(means, dtype=bool)
    for t, score in enumerate(x):
        up = up + np.log1p(np.minimum(stakes[t], most_up) * (score - means))
        down = down + np.log1p(-np.minimum(stakes[t], most_down) * (score - means))
        kept &= np.maximum(up, down) - log(2) <= -log(1 - confidence)
        inside = means[kept] if kept.any() else np.array([1.0, 0.0])
        lower[t], upper[t] = max(0, inside[0] - 1 / grid), min(1, inside[-1] + 1 / grid)
    return Path(lower, upper, HEDGED)


def running_interval(scores: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """What all looks so far agree on, `None` in the rare case that they contradict each other."""
    return beta_binomial_path(scores, confidence).at(len(scores))


def evidence_against_half(
    scores: ArrayLike, *, prior_a: float = 1.0, prior_b: float = 1.0
) -> Evidence:
    """e = B(S + a, n - S + b) / B(a, b) 2^n after the last score; p = min(1, 1 / largest e)."""
    x = _checked(scores)
    total, n = np.cumsum(x), np.arange(1, x.size + 1)
    log_e = _log_mixture(total, n, prior_a, prior_b) + n * log(2)
    if not x.size:
        return Evidence(0.0, 1.0)
    return Evidence(float(log_e[-1]), exp(-max(0.0, float(log_e.max()))))


def decide(
    path: Path,
    *,
    half_width: float | None = None,
    most_items: int | None = None,
    fewest_items: int = 1,
) -> Decision:
    """The first look at which the study may stop: a winner, precise enough, or futile.

    Before `fewest_items` neither a winner nor precision stops it. Watching several axes or pairs,
    make each path with confidence 1 - alpha / number of them.
    """
    excludes = (path.lower > 0.5) | (path.upper < 0.5)
    width = path.upper - path.lower
    precise = np.zeros_like(excludes) if half_width is None else width <= 2 * half_width
    items = np.arange(1, excludes.size + 1)
    futile = items >= (np.inf if most_items is None else most_items)
    may_stop = futile | ((excludes | precise) & (items >= fewest_items))
    for n in np.flatnonzero(may_stop)[:1]:
        stops = ((Stop.WINNER, excludes), (Stop.PRECISE, precise), (Stop.FUTILE, futile))
        reason = next(stop for stop, reached in stops if reached[n])
        return Decision(reason, int(n) + 1, path.at(int(n) + 1))
    return Decision(None, excludes.size, path.at(excludes.size))


def _checked(scores: ArrayLike) -> Floats:
    x = np.asarray(scores, dtype=float)
    if not ((x >= 0) & (x <= 1)).all():
        raise ValueError("scores lie between 0 and 1")
    return x


def _log_mixture(total: Floats, n: NDArray[np.int64], a: float, b: float) -> Floats:
    return np.asarray(betaln(total + a, n - total + b) - betaln(a, b))


def _mixture_bounds(
    total: Floats, n: NDArray[np.int64], confidence: float, a: float, b: float
) -> tuple[Floats, Floats]:
    """Bounds of each look on its own; (0, 1) for a look at nothing."""
    limit = _log_mixture(total, n, a, b) + log(1 - confidence)
    lower, upper = np.zeros(total.size), np.ones(total.size)
    for bounds, inner, end in ((lower, total > 0, 0.0), (upper, total < n, 1.0)):
        bounds[inner] = _solve(total[inner], n[inner] - total[inner], limit[inner], end)
    return lower, upper


def _solve(wins: Floats, losses: Floats, limit: Floats, end: float) -> Floats:
    """Where p^wins (1 - p)^losses falls to the limit, between the mean and the end.

    Next to the end its logarithm is below any limit, so that there is a root.
    """

    def excess(p: Floats, /, *given: Any) -> Floats:
        s, r, bound = given
        clipped: Floats = np.clip(bound - xlogy(s, p) - xlog1py(r, -p), -HUGE, HUGE)
        return clipped

    mean = wins / (wins + losses)
    with np.errstate(divide="ignore"):
        found = find_root(
            excess,
            (mean, np.full_like(mean, end)),
            args=(wins, losses, limit),
            tolerances={"xatol": 1e-13, "xrtol": 1e-13},
        )
    return np.asarray(found.x)


def _stakes(x: Floats, alpha: float) -> Floats:
    """The predictable stakes: each knows the scores before it only."""
    t = np.arange(1, x.size + 1)
    means = (0.5 + np.cumsum(x)) / (t + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (t + 1)
    before = np.concatenate([[0.25], variances])[:-1]
    return np.asarray(np.sqrt(2 * np.log(2 / alpha) / (before * t * np.log(t + 1))))
