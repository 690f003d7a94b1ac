"""A share whose observations come in clusters: several votes or items of one prompt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from analysis.core.estimates import Estimate, Interval, Population, Undefined
from analysis.core.intervals import (
    NO_SPREAD,
    clustered_estimate,
    two_sided_t,
    two_sided_z,
    wilson,
)
from analysis.core.model_pair_votes import numbered
from analysis.core.resampling import (
    bca_interval,
    draw_repeats,
    jackknife_acceleration,
    kinds_of,
    percentile_interval,
    resample_sums,
    spread,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEW_PROMPTS = 20
FEW_RATERS = 10


class Bootstrap(StrEnum):
    PERCENTILE = "percentile"
    BCA = "bca"


@dataclass(frozen=True, slots=True)
class TwoWayShare:
    """A share for new prompts and new raters, and the parts of its variance.

    `variance` is prompts + raters - cells, and at least the larger of the first two.
    """

    share: Estimate
    prompts: int
    raters: int
    prompt_variance: float | None = None
    rater_variance: float | None = None
    cell_variance: float | None = None
    variance: float | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        few = self.prompts < FEW_PROMPTS or self.raters < FEW_RATERS
        return (Undefined.TOO_FEW_CLUSTERS.value,) if few else ()


def clustered_share(totals: ArrayLike, sizes: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Ratio estimate sum(totals) / sum(sizes) over clusters, as a share in [0, 1].

    Parameters
    ----------
    totals, sizes
        Per cluster: the sum of its scores (each in [0, 1]) and how many scores it has (> 0).

    Returns
    -------
    The share, its linearised standard error with factor G / (G - 1), and the Wilson interval on
    the effective sample size (after Korn & Graubard 1998, Survey Methodology 24:193). Standard
    error and interval are `None` for a single cluster.
    """
    share = _ratio(totals, sizes)
    if share.value is None or share.se is None:
        return share
    interval = _effective_wilson(share.value, share.se, np.size(totals), confidence)
    return Estimate(share.value, share.se, interval)


def clustered_share_t(totals: ArrayLike, sizes: ArrayLike, confidence: float = 0.95) -> Estimate:
    """`clustered_share` with the plain t interval, which may leave [0, 1]; none at 0 and 1."""
    share = _ratio(totals, sizes)
    if share.value is None or share.se is None:
        return share
    df = np.size(totals) - 1
    return clustered_estimate(share.value, share.se**2, df, Population.PROMPTS, confidence)


def share_by_cluster(scores: ArrayLike, clusters: ArrayLike, confidence: float = 0.95) -> Estimate:
    """`clustered_share` of one score per row, rows with an equal cluster label together."""
    numbers, kinds = numbered(clusters)
    totals = np.bincount(numbers, np.asarray(scores, dtype=float), kinds)
    return clustered_share(totals, np.bincount(numbers, minlength=kinds), confidence)


def bootstrap_share(
    totals: ArrayLike,
    sizes: ArrayLike,
    *,
    rng: np.random.Generator,
    method: Bootstrap = Bootstrap.BCA,
    draws: int = 10_000,
    confidence: float = 0.95,
) -> Estimate:
    """The ratio of `clustered_share` with a bootstrap interval: clusters drawn with all they hold.

    The interval is `None` with `no_variation` where all clusters are alike, so that there is
    nothing to resample: use `clustered_share` there.
    """
    share = _ratio(totals, sizes)
    if share.value is None or share.se is None:
        return share
    units = np.column_stack([totals, sizes]).astype(float)
    kinds, repeats = kinds_of(units)
    if len(kinds) == 1:
        return Estimate(share.value, share.se, undefined=Undefined.NO_VARIATION)
    drawn = np.divide(*resample_sums(units, draws, rng).T)
    se = spread(drawn)
    if se is None:
        return Estimate(share.value, share.se, undefined=Undefined.NO_VARIATION)
    if method is Bootstrap.PERCENTILE:
        interval = percentile_interval(drawn, confidence)
    else:
        left_out = np.divide(*(repeats @ kinds - kinds).T)
        acceleration = jackknife_acceleration((left_out, repeats))
        interval = bca_interval(drawn, share.value, acceleration, confidence)
    return Estimate(share.value, se, interval.about(Population.PROMPTS))


def two_way_share(
    scores: ArrayLike,
    prompts: ArrayLike,
    raters: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    confidence: float = 0.95,
) -> TwoWayShare:
    """Weighted mean score with variance over prompts and raters, both seen as samples.

    V = V_prompts + V_raters - V_cells, each with its own G / (G - 1), at least the larger of the
    first two; t with min(prompts, raters) - 1 degrees of freedom (Cameron, Gelbach & Miller 2011,
    J Bus Econ Stat 29:238).

    Parameters
    ----------
    scores, prompts, raters
        One entry per vote: a score in [0, 1], the prompt's and the rater's label.
    weights
        One per vote, by default 1. With 1 / votes of the item the mean is item-weighted.
    """
    x = np.asarray(scores, dtype=float)
    if x.size == 0:
        return TwoWayShare(Estimate(None, undefined=Undefined.NO_VOTES), 0, 0)
    w = np.ones_like(x) if weights is None else np.asarray(weights, dtype=float)
    (g, prompt_count), (r, rater_count) = _codes(prompts), _codes(raters)
    mean = float(w @ x / w.sum())
    if min(prompt_count, rater_count) < 2:
        nothing = Estimate(mean, undefined=Undefined.TOO_FEW_CLUSTERS)
        return TwoWayShare(nothing, prompt_count, rater_count)
    cells, _ = _codes(g * rater_count + r)
    by_prompt, by_rater, by_cell = (
        _ratio_variance(_sums(codes, w * x), _sums(codes, w)) for codes in (g, r, cells)
    )
    variance = max(by_prompt + by_rater - by_cell, by_prompt, by_rater)
    df = min(prompt_count, rater_count) - 1
    share = clustered_estimate(mean, variance, df, Population.PROMPTS_AND_RATERS, confidence)
    return TwoWayShare(share, prompt_count, rater_count, by_prompt, by_rater, by_cell, variance)


def pigeonhole_share(
    scores: ArrayLike,
    prompts: ArrayLike,
    raters: ArrayLike,
    *,
    rng: np.random.Generator,
    draws: int = 10_000,
    confidence: float = 0.95,
) -> Estimate:
    """Mean score with the percentile interval of the pigeonhole bootstrap, which is conservative.

    Prompts and raters are drawn independently and a vote counts as often as its prompt times its
    rater was drawn (Owen 2007, Ann Appl Stat 1:386). Draws that hold no vote are left out. No
    interval, with `no_variation`, where all draws are alike.
    """
    x = np.asarray(scores, dtype=float)
    if x.size == 0:
        return Estimate(None, undefined=Undefined.NO_VOTES)
    (g, prompt_count), (r, rater_count) = _codes(prompts), _codes(raters)
    if min(prompt_count, rater_count) < 2:
        return Estimate(float(x.mean()), undefined=Undefined.TOO_FEW_CLUSTERS)
    totals, sizes = np.zeros((2, prompt_count, rater_count))
    np.add.at(totals, (g, r), x)
    np.add.at(sizes, (g, r), 1)
    drawn = []
    for block in draw_repeats(np.ones(prompt_count, dtype=np.int64), draws, rng):
        panels = rng.multinomial(rater_count, [1 / rater_count] * rater_count, size=len(block))
        votes = ((block @ sizes) * panels).sum(axis=1)
        drawn.append(((block @ totals) * panels).sum(axis=1)[votes > 0] / votes[votes > 0])
    values = np.concatenate(drawn)
    se = spread(values)
    if se is None:
        return Estimate(float(x.mean()), undefined=Undefined.NO_VARIATION)
    interval = percentile_interval(values, confidence).about(Population.PROMPTS_AND_RATERS)
    return Estimate(float(x.mean()), se, interval)


def _ratio(totals: ArrayLike, sizes: ArrayLike) -> Estimate:
    """sum(totals) / sum(sizes) with its linearised standard error, `None` for one cluster."""
    y, m = np.asarray(totals, dtype=float), np.asarray(sizes, dtype=float)
    if m.size == 0:
        return Estimate(None, undefined=Undefined.NO_VOTES)
    if not (m > 0).all() or not np.isfinite(y).all():
        raise ValueError("every cluster needs a finite total and a size above 0")
    share = float(y.sum() / m.sum())
    if m.size == 1:
        return Estimate(share, undefined=Undefined.TOO_FEW_CLUSTERS)
    return Estimate(share, sqrt(_ratio_variance(y, m)))


def _ratio_variance(totals: Floats, sizes: Floats) -> float:
    """Linearised variance of sum(totals) / sum(sizes) over clusters, with factor G / (G - 1).

    Summed in ascending order, so that the labels of the clusters do not show in the last digit.
    """
    share = totals.sum() / sizes.sum()
    residuals = np.sort(totals - share * sizes)
    clusters = residuals.size
    return float(residuals @ residuals) * clusters / (clusters - 1) / float(sizes.sum()) ** 2


def _sums(codes: Ints, values: Floats) -> Floats:
    return np.bincount(codes, weights=values).astype(float)


def _codes(labels: ArrayLike) -> tuple[Ints, int]:
    """Labels as 0 .. k - 1 in ascending order of the labels, and k."""
    codes, kinds = numbered(labels)
    if (codes < 0).any():
        raise ValueError("every vote needs a prompt and a rater")
    return codes, kinds


def effective_size(
    share: ArrayLike, se: ArrayLike, clusters: ArrayLike, confidence: float = 0.95
) -> Floats:
    """How many independent observations a clustered share is worth; of any shape.

    p (1 - p) / SE^2, or the number of clusters where nothing varies, times (z / t_{G-1})^2.
    """
    p, spread = np.asarray(share, dtype=float), np.asarray(se, dtype=float)
    groups = np.asarray(clusters, dtype=float)
    constant = (spread < NO_SPREAD) | (p == 0) | (p == 1)
    effective = np.where(constant, groups, p * (1 - p) / np.where(constant, 1, spread) ** 2)
    quantiles = student.ppf((1 + confidence) / 2, groups - 1)
    return np.asarray(effective * (two_sided_z(confidence) / quantiles) ** 2)


def _effective_wilson(share: float, se: float, clusters: int, confidence: float) -> Interval:
    constant = se < NO_SPREAD or share in (0, 1)
    plain = float(clusters) if constant else share * (1 - share) / (se * se)
    shrunk = two_sided_z(confidence) / two_sided_t(clusters - 1, confidence)
    effective = plain * (shrunk * shrunk)
    interval = wilson(share * effective, effective, confidence)
    return Interval(interval.lower, interval.upper, "wilson-effective-n", Population.PROMPTS)
