"""Intervals for a proportion and for a paired difference of proportions.

No Wald interval and no plain bootstrap of verdicts: both collapse at 0 and n.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import hypot, sqrt

from scipy.optimize import brentq
from scipy.stats import beta, norm
from scipy.stats import t as student

from analysis.core.estimates import Estimate, Interval, Population, Undefined

NO_SPREAD = 1e-12


def wilson(successes: float, n: float, confidence: float = 0.95) -> Interval:
    """Score interval of a proportion (Wilson 1927, JASA 22:209).

    `n` may be an effective sample size, so neither number has to be whole.
    """
    _check(successes, n, confidence)
    z = two_sided_z(confidence)
    p, scale = successes / n, 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z / scale * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    lower = 0.0 if successes == 0 else max(0.0, centre - half)
    upper = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(lower, upper, "wilson")


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Exact interval (Clopper & Pearson 1934): covers at least `confidence`, and is wide."""
    _check(successes, n, confidence)
    tail, s = (1 - confidence) / 2, successes
    lower = 0.0 if s == 0 else float(beta.ppf(tail, s, n - s + 1))
    upper = 1.0 if s == n else float(beta.ppf(1 - tail, s + 1, n - s))
    return Interval(lower, upper, "clopper-pearson")


def jeffreys(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Equal-tailed Beta(s + 1/2, n - s + 1/2), 0 and 1 at the ends.

    The convention at the ends is that of Brown, Cai and DasGupta (2001).
    """
    _check(successes, n, confidence)
    tail, s = (1 - confidence) / 2, successes
    lower = 0.0 if s == 0 else float(beta.ppf(tail, s + 0.5, n - s + 0.5))
    upper = 1.0 if s == n else float(beta.ppf(1 - tail, s + 0.5, n - s + 0.5))
    return Interval(lower, upper, "jeffreys")


def tango(wins: int, ties: int, losses: int, confidence: float = 0.95) -> Interval:
    """Score interval of (wins - losses) / n in [-1, 1] (Tango 1998, Stat Med 17:891)."""
    n = wins + ties + losses
    _check(wins + losses, n, confidence)
    _check(wins, wins + losses or n, confidence)
    z_squared = two_sided_z(confidence) ** 2
    closed = _tango_at_an_end(wins, losses, n, z_squared)
    if closed:
        return closed

    def excess(difference: float) -> float:
        variance = _tango_variance(difference, wins, losses, n)
        return (wins - losses - n * difference) ** 2 - z_squared * n * variance

    observed = (wins - losses) / n
    return Interval(_root(excess, -1.0, observed), _root(excess, observed, 1.0), "tango")


def _tango_at_an_end(wins: int, losses: int, n: int, z_squared: float) -> Interval | None:
    """Only ties, only wins or only losses: the score equation is solved by hand."""
    if wins == losses == 0:
        bound = z_squared / (n + z_squared)
        return Interval(-bound, bound, "tango")
    if n in (wins, losses):
        bound = (n - z_squared) / (n + z_squared)
        return Interval(bound, 1.0, "tango") if wins else Interval(-1.0, -bound, "tango")
    return None


def _tango_variance(difference: float, wins: int, losses: int, n: int) -> float:
    """Variance of one scored item under the hypothesised difference (constrained likelihood)."""
    a = 2 * n
    b = -wins - losses + (2 * n - wins + losses) * difference
    c = -losses * difference * (1 - difference)
    q = (sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    return 2 * q + difference * (1 - difference)


def newcombe(
    successes: int, n: int, other_successes: int, other_n: int, confidence: float = 0.95
) -> Interval:
    """Hybrid score interval of p - q for independent samples (Newcombe 1998, Stat Med 17:873)."""
    ours, theirs = wilson(successes, n, confidence), wilson(other_successes, other_n, confidence)
    p, q = successes / n, other_successes / other_n
    return Interval(
        p - q - hypot(p - ours.lower, theirs.upper - q),
        p - q + hypot(ours.upper - p, q - theirs.lower),
        "newcombe",
    )


def t_interval(value: float, se: float, df: float, confidence: float = 0.95) -> Interval:
    """value -+ t_df * se; `df` is the number of clusters less one."""
    half = two_sided_t(df, confidence) * se
    return Interval(value - half, value + half, "t")


def clustered_estimate(
    value: float,
    variance: float,
    df: float,
    population: Population,
    confidence: float = 0.95,
) -> Estimate:
    """A value with its t interval; none with `no_variation` where the variance is 0.

    There the clusters are all alike, and an interval of no width would claim to be certain.
    """
    se = sqrt(max(0.0, variance))
    if se < NO_SPREAD:
        return Estimate(value, undefined=Undefined.NO_VARIATION)
    return Estimate(value, se, t_interval(value, se, df, confidence).about(population))


@lru_cache
def two_sided_z(confidence: float) -> float:
    return float(norm.ppf((1 + confidence) / 2))


@lru_cache(maxsize=4096)
def two_sided_t(df: float, confidence: float) -> float:
    return float(student.ppf((1 + confidence) / 2, df))


def _root(function: Callable[[float], float], lower: float, upper: float) -> float:
    return float(brentq(function, lower, upper, xtol=1e-14, rtol=1e-14))


def _check(successes: float, n: float, confidence: float) -> None:
    if not n > 0:
        raise ValueError(f"an interval needs n > 0, not {n}")
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes out of {n}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is a number between 0 and 1, not {confidence}")
