"""Bootstrap over clusters of which many are alike, and the intervals it gives.

Clusters with equal contents are exchangeable. Drawing how often each kind of cluster comes up is
one multinomial draw and the same bootstrap as resampling the clusters one by one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from analysis.core.estimates import Interval
from analysis.core.model_pair_votes import numbered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CELLS_AT_ONCE = 4_000_000
SAME = 1e-12


def kinds_of(rows: Floats) -> tuple[Floats, Ints]:
    """The different rows in ascending order, and how often each occurs."""
    if not len(rows):
        return np.asarray(rows, dtype=float), np.empty(0, dtype=np.int64)
    ascending = rows[np.lexsort(rows.T[::-1])]
    begins = np.ones(len(rows), dtype=bool)
    begins[1:] = (ascending[1:] != ascending[:-1]).any(axis=1)
    repeats = np.diff(np.append(np.flatnonzero(begins), len(rows)))
    return np.asarray(ascending[begins], dtype=float), repeats


def sums_by(labels: ArrayLike, rows: Floats) -> Floats:
    """Rows with an equal label added up, in ascending order of the labels."""
    numbers, kinds = numbered(labels)
    sums = np.zeros((kinds, rows.shape[1]))
    np.add.at(sums, numbers, rows)
    return sums


def draw_repeats(repeats: Ints, draws: int, rng: np.random.Generator) -> Iterator[Ints]:
    """Blocks of draws x kinds: how often each kind is drawn, with as many clusters as there are.

    Blocks keep the memory constant; all blocks together have `draws` rows.
    """
    clusters = int(repeats.sum())
    block = max(1, CELLS_AT_ONCE // len(repeats))
    for start in range(0, draws, block):
        yield rng.multinomial(clusters, repeats / clusters, size=min(block, draws - start))


def percentile_interval(drawn: Floats, confidence: float = 0.95) -> Interval:
    """Equal-tailed quantiles of the drawn values (Efron 1979)."""
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(drawn, [tail, 1 - tail])
    return Interval(float(lower), float(upper), "percentile-bootstrap")


def spread(drawn: Floats) -> float | None:
    """Standard deviation of the drawn values; `None` where fewer than two of them are unequal."""
    if len(drawn) < 2 or np.ptp(drawn) <= SAME:
        return None
    return float(drawn.std(ddof=1))


def bca_interval(
    drawn: Floats, value: float, acceleration: float, confidence: float = 0.95
) -> Interval:
    """Bias-corrected and accelerated interval (Efron 1987, JASA 82:171).

    Drawn values equal to `value` count half in the bias correction, which is kept finite where
    all drawn values lie on one side of `value`.
    """
    below = float(np.mean(drawn < value - SAME) + np.mean(np.abs(drawn - value) <= SAME) / 2)
    half_a_draw = 1 / (2 * len(drawn))
    bias = norm.ppf(min(max(below, half_a_draw), 1 - half_a_draw))
    tail = (1 - confidence) / 2
    shifted = np.asarray(bias + norm.ppf([tail, 1 - tail]))
    levels = np.asarray(norm.cdf(bias + shifted / (1 - acceleration * shifted)))
    lower, upper = np.quantile(drawn, levels)
    return Interval(float(lower), float(upper), "bca-bootstrap")


def jackknife_acceleration(*samples: tuple[Floats, Ints]) -> float:
    """Acceleration of BCa for one or several independent samples; 0 if nothing varies.

    Parameters
    ----------
    samples
        For each sample the values without one cluster of each kind, and how many clusters there
        are of each kind (Efron & Tibshirani 1993, An Introduction to the Bootstrap, 14.3).
    """
    cubes = squares = 0.0
    for left_out, repeats in samples:
        n = int(repeats.sum())
        if not n:
            continue
        influence = (n - 1) / n * (float(left_out @ repeats) / n - left_out)
        cubes += float(influence**3 @ repeats)
        squares += float(influence**2 @ repeats)
    return 0.0 if squares <= SAME**2 else cubes / (6 * squares**1.5)


def resample_sums(units: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Sums over resampled units: units x terms to draws x terms."""
    kinds, repeats = kinds_of(units)
    return np.concatenate([block @ kinds for block in draw_repeats(repeats, draws, rng)])
