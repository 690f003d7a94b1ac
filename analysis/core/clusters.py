"""A share whose observations come in clusters: several votes or items of one prompt."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import t as student

from analysis.core.estimates import Estimate, Interval, Undefined
from analysis.core.intervals import two_sided_z, wilson


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
    y, m = np.asarray(totals, dtype=float), np.asarray(sizes, dtype=float)
    if m.size == 0:
        return Estimate(None, undefined=Undefined.NO_VOTES)
    share, clusters = float(y.sum() / m.sum()), m.size
    if clusters == 1:
        return Estimate(share, undefined=Undefined.TOO_FEW_CLUSTERS)
    residuals = y - share * m
    se = sqrt(clusters / (clusters - 1) * float(residuals @ residuals)) / float(m.sum())
    return Estimate(share, se, _effective_wilson(share, se, clusters, confidence))


def share_by_cluster(scores: pd.Series, clusters: pd.Series, confidence: float = 0.95) -> Estimate:
    """`clustered_share` of one score per row, rows with an equal cluster label together."""
    per_cluster = scores.groupby(clusters, sort=True).agg(["sum", "size"])
    return clustered_share(per_cluster["sum"], per_cluster["size"], confidence)


def _effective_wilson(share: float, se: float, clusters: int, confidence: float) -> Interval:
    constant = se == 0 or share in (0, 1)
    effective = clusters if constant else share * (1 - share) / se**2
    t_quantile = float(student.ppf((1 + confidence) / 2, clusters - 1))
    effective *= (two_sided_z(confidence) / t_quantile) ** 2
    interval = wilson(share * effective, effective, confidence)
    return Interval(interval.lower, interval.upper, "wilson-effective-n")
