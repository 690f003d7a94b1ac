"""Exact tests of a preference, and p values adjusted for many of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr
from scipy.stats import binom, binomtest, chi2, false_discovery_control, norm

from analysis.core.estimates import Undefined
from analysis.core.resampling import CELLS_AT_ONCE, kinds_of

Floats = NDArray[np.float64]

SAME = 1e-12
ALL_FLIPS = 14


@dataclass(frozen=True, slots=True)
class SignTest:
    """Two-sided sign test: the exact p value and Lancaster's mid-p."""

    wins: int
    losses: int
    p_value: float
    mid_p_value: float


@dataclass(frozen=True, slots=True)
class McNemarTest:
    """Exact test of two conditions; chi-squared for display, `None` without discordant items."""

    first_only: int
    second_only: int
    p_value: float
    mid_p_value: float
    chi_squared: float | None
    chi_squared_p_value: float | None


@dataclass(frozen=True, slots=True)
class ClusterTest:
    """Test of prompt means against 1/2; `None` with a reason where it is undefined."""

    prompts: int
    statistic: float | None
    p_value: float | None
    undefined: Undefined | None = None


@lru_cache(maxsize=65_536)
def sign_test(wins: int, losses: int) -> SignTest:
    """Wins against losses, ties left out: min(1, 2 P(Bin(n, 1/2) <= min(wins, losses))).

    Exact for independent items, one per prompt. p = 1 without wins and losses. The mid-p value
    takes half of the observed outcome's probability off (Lancaster 1961, JASA 56:223).
    """
    n = wins + losses
    if min(wins, losses) < 0:
        raise ValueError(f"{wins} wins and {losses} losses: counts are 0 or more")
    if n == 0:
        return SignTest(0, 0, 1.0, 1.0)
    exact = binomial_p(wins, n)
    if wins == losses:
        return SignTest(wins, losses, exact, 1.0)
    return SignTest(wins, losses, exact, exact - float(binom.pmf(wins, n, 0.5)))


@lru_cache(maxsize=65_536)
def binomial_p(count: int, n: int) -> float:
    """Exact two-sided p value of a share against 1/2."""
    return float(binomtest(count, n).pvalue)


def mcnemar_test(first_only: int, second_only: int) -> McNemarTest:
    """The same items under two conditions (McNemar 1947, Psychometrika 12:153).

    Parameters
    ----------
    first_only, second_only
        Discordant items: won under the first condition only, under the second only.

    Returns
    -------
    The exact sign test of the two counts, and (b - c)^2 / (b + c) without continuity correction.
    """
    sign = sign_test(first_only, second_only)
    n = first_only + second_only
    statistic = (first_only - second_only) ** 2 / n if n else None
    asymptotic = float(chi2.sf(statistic, 1)) if statistic is not None else None
    return McNemarTest(
        first_only, second_only, sign.p_value, sign.mid_p_value, statistic, asymptotic
    )


def prompt_t_test(prompt_means: ArrayLike) -> ClusterTest:
    """t test of the mean score per prompt (in [0, 1]) against 1/2, several items per prompt."""
    gaps = np.asarray(prompt_means, dtype=float) - 0.5
    n = gaps.size
    if n < 2:
        return ClusterTest(n, None, None, Undefined.TOO_FEW_CLUSTERS if n else Undefined.NO_VOTES)
    se = float(gaps.std(ddof=1)) / sqrt(n)
    if se < SAME:
        return ClusterTest(n, None, None, Undefined.NO_VARIATION)
    statistic = float(gaps.mean()) / se
    return ClusterTest(n, statistic, 2 * float(stdtr(n - 1, -abs(statistic))))


def prompt_sign_flip_test(
    prompt_means: ArrayLike, *, rng: np.random.Generator, draws: int = 10_000
) -> ClusterTest:
    """Randomisation test of the mean score per prompt against 1/2 by flipping prompts.

    All 2^G flips for up to 14 prompts, then p = count / total; else p = (1 + count) / (draws + 1)
    (Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39). The statistic is the mean gap to 1/2.
    """
    gaps = np.asarray(prompt_means, dtype=float) - 0.5
    if gaps.size == 0:
        return ClusterTest(0, None, None, Undefined.NO_VOTES)
    observed = float(gaps.mean())
    flipped = draw_flips(gaps[:, None], draws=draws, rng=rng)
    drawn = observed - 2 * flipped[:, 0] / gaps.size
    exact = flips_are_listed(gaps.size)
    return ClusterTest(gaps.size, observed, randomisation_p(drawn, observed, exact=exact))


def flips_are_listed(n: int) -> bool:
    """Whether all 2^n flips of n units are listed, instead of some drawn."""
    return n <= ALL_FLIPS


def draw_flips(units: Floats, *, draws: int, rng: np.random.Generator) -> Floats:
    """Sums over the units that are flipped: units x terms to relabelings x terms.

    All 2^n flips, the identity first, where there are few; else `draws` fair ones. Equal units
    are exchangeable: how many of each kind are flipped is binomial.
    """
    n = len(units)
    if flips_are_listed(n):
        flips = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(float)
        return flips @ units
    kinds, repeats = kinds_of(units)
    block = max(1, CELLS_AT_ONCE // len(kinds))
    sizes = [min(block, draws - start) for start in range(0, draws, block)]
    flipped = (rng.binomial(repeats, 0.5, size=(size, len(kinds))) for size in sizes)
    return np.concatenate([counts @ kinds for counts in flipped])


def randomisation_p(drawn: Floats, observed: float, *, exact: bool) -> float:
    """Two-sided p: the share of relabelings at least as far from 0 as the observed value.

    `exact` where `drawn` holds every relabeling, the identity too; otherwise the observed one is
    added (Phipson & Smyth 2010).
    """
    extreme = int(np.count_nonzero(np.abs(drawn) >= abs(observed) - SAME))
    return extreme / len(drawn) if exact else (1 + extreme) / (len(drawn) + 1)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's (1979, Scand J Stat 6:65) adjusted p values, for claims.

    Missing ones stay missing and do not count; order is kept.
    """
    return _adjusted(p_values, _holm)


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Benjamini & Hochberg's (1995, JRSS-B 57:289) adjusted p values, for screens.

    Missing ones stay missing and do not count; order is kept.
    """
    return _adjusted(p_values, false_discovery_control)


def bonferroni_z(comparisons: int, confidence: float = 0.95) -> float:
    """Two-sided critical value that holds for all of `comparisons` intervals at once."""
    return float(norm.isf((1 - confidence) / (2 * comparisons)))


def _holm(p: Floats) -> Floats:
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, steps)
    return adjusted


def _adjusted(
    p_values: Sequence[float | None], method: Callable[[Floats], Floats]
) -> list[float | None]:
    """`method` over the p values that are not missing."""
    known = [i for i, p in enumerate(p_values) if p is not None]
    adjusted: list[float | None] = [None] * len(p_values)
    if known:
        values = method(np.array([p_values[i] for i in known], dtype=float))
        for i, value in zip(known, values, strict=True):
            adjusted[i] = float(value)
    return adjusted
