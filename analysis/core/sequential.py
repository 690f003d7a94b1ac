"""Intervals that stay right however often one looks while votes come in."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from scipy.optimize import brentq
from scipy.special import betaln, xlogy

from analysis.core.estimates import Interval

METHOD = "beta-binomial-confidence-sequence"
EDGE = 1e-12


def beta_binomial_interval(total: float, n: int, confidence: float = 0.95) -> Interval:
    """Mixture interval at one look, for a running total of n scores in [0, 1].

    Robbins (1970, Ann Math Stat 41:1397) with the uniform mixture; Howard, Ramdas, McAuliffe and
    Sekhon (2021, Ann Stat 49:1055). Halves keep it valid: the bound is convex in the score.
    """
    if n == 0:
        return Interval(0.0, 1.0, METHOD)
    rest = n - total
    mixture = float(betaln(total + 1, rest + 1)) + log(1 - confidence)

    def excess(p: float) -> float:
        return mixture - float(xlogy(total, p) + xlogy(rest, 1 - p))

    mean = total / n
    lower = 0.0 if total == 0 else float(brentq(excess, EDGE, mean, xtol=1e-13))
    upper = 1.0 if total == n else float(brentq(excess, mean, 1 - EDGE, xtol=1e-13))
    return Interval(lower, upper, METHOD)


def running_interval(scores: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """What all looks so far agree on: the intersection of the intervals after each score.

    Parameters
    ----------
    scores
        1, 1/2 or 0 per item, in the order in which items were opened; not in that in which they
        were completed, because unanimous items are decided sooner.

    Returns
    -------
    `None` in the rare case that the looks contradict each other.
    """
    lower, upper, total = 0.0, 1.0, 0.0
    for n, score in enumerate(scores, start=1):
        total += score
        look = beta_binomial_interval(total, n, confidence)
        lower, upper = max(lower, look.lower), min(upper, look.upper)
    return Interval(lower, upper, METHOD) if lower <= upper else None
