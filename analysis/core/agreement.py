"""How far raters agree, from comparisons x categories counts.

Categories are those that a rater could choose, not those that happened to be chosen. A row may
hold any number of votes; rows with a single vote count in the category shares only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.core.coefficients import alpha, item_terms
from analysis.core.estimates import Estimate, Population, Undefined
from analysis.core.intervals import clustered_estimate
from analysis.core.resampling import kinds_of, percentile_interval, resample_sums, spread, sums_by

Floats = NDArray[np.float64]
Split = tuple[int, ...]


class Level(StrEnum):
    """What distances between categories mean."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


@dataclass(frozen=True, slots=True)
class SplitCount:
    """How many comparisons were split in one way, such as (4, 1)."""

    split: Split
    comparisons: int

    @property
    def label(self) -> str:
        return "|".join(map(str, self.split if len(self.split) > 1 else (*self.split, 0)))


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of the raters of one axis and model pair.

    `splits` covers comparisons with at least two votes, from unanimous to even.
    """

    comparisons: int
    comparisons_with_two_votes: int
    splits: tuple[SplitCount, ...]
    complete: float | None
    pairwise: Estimate
    fleiss_kappa: Estimate
    gwet_ac1: Estimate
    brennan_prediger: Estimate
    krippendorff_alpha: Estimate
    smallest_category_share: float | None


def measure_agreement(
    counts: ArrayLike,
    *,
    confidence: float = 0.95,
    draws: int = 10_000,
    rng: np.random.Generator | None = None,
    prompts: ArrayLike | None = None,
) -> Agreement:
    """All measures of agreement at once; undefined ones are `None` with a reason.

    Parameters
    ----------
    counts
        Comparisons x categories: how many raters chose what.
    draws, rng
        Bootstrap of Krippendorff's alpha. Without `rng` alpha has no interval.
    prompts
        The prompt of each comparison, for that bootstrap; by default one prompt each.

    Raises
    ------
    ValueError
        A count is negative, not finite or not whole, or there is a single category.
    """
    everything = np.asarray(counts, dtype=float)
    if not everything.size:
        return _no_agreement(everything)
    if everything.shape[1] < 2:
        raise ValueError("agreement is over two categories or more")
    item_terms(everything)
    table, several = _rows_with(1, everything), _rows_with(2, everything)
    if not len(several):
        return _no_agreement(counts)
    return Agreement(
        comparisons=len(table),
        comparisons_with_two_votes=len(several),
        splits=count_splits(several),
        complete=float(np.mean(several.max(axis=1) == several.sum(axis=1))),
        pairwise=pairwise_agreement(several, confidence),
        fleiss_kappa=fleiss_kappa(table, confidence),
        gwet_ac1=gwet_ac1(table, confidence),
        brennan_prediger=brennan_prediger(table, confidence),
        krippendorff_alpha=krippendorff_alpha(
            counts, confidence, draws=draws, rng=rng, prompts=prompts
        ),
        smallest_category_share=float(_category_shares(table).min()),
    )


def count_splits(table: Floats) -> tuple[SplitCount, ...]:
    """Comparisons per split, such as 5|0, 4|1, 3|2; the most one-sided first."""
    kinds, repeats = kinds_of(-np.sort(-table, axis=1))
    splits = Counter[Split]()
    for kind, rows in zip(kinds, repeats, strict=True):
        splits[tuple(int(votes) for votes in kind if votes)] += int(rows)
    return tuple(SplitCount(split, splits[split]) for split in sorted(splits, reverse=True))


def pairwise_agreement(counts: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Mean share of agreeing pairs of votes, over rows with two votes or more; t over rows."""
    per_row = _agreeing_votes(_rows_with(2, counts))
    if not len(per_row):
        return _undefined(counts)
    return _with_t_interval(float(per_row.mean()), per_row, confidence)


def fleiss_kappa(counts: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Fleiss' kappa (1971) in the general form for unequal numbers of votes."""
    if not len(_rows_with(2, counts)):
        return _undefined(counts)
    table = _rows_with(1, counts)
    shares = _category_shares(table)
    expected = float(shares @ shares)
    if np.count_nonzero(shares) < 2:
        return Estimate(None, undefined=Undefined.NO_VARIATION)
    return _chance_corrected(table, expected, _row_shares(table) @ shares, confidence)


def gwet_ac1(counts: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Gwet's AC1 (2008, Br J Math Stat Psychol 61:29)."""
    if not len(_rows_with(2, counts)):
        return _undefined(counts)
    table = _rows_with(1, counts)
    rest = (1 - _category_shares(table)) / (table.shape[1] - 1)
    expected = float(_category_shares(table) @ rest)
    return _chance_corrected(table, expected, _row_shares(table) @ rest, confidence)


def brennan_prediger(counts: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Brennan & Prediger's coefficient (1981): chance is 1 / number of categories.

    For two categories 2 P - 1, whatever the labels: what the Emu Video paper calls kappa.
    """
    if not len(_rows_with(2, counts)):
        return _undefined(counts)
    table = _rows_with(1, counts)
    expected = 1 / table.shape[1]
    return _chance_corrected(table, expected, np.full(len(table), expected), confidence)


def fleiss_null_se(counts: ArrayLike) -> float | None:
    """Standard error of Fleiss' kappa if kappa is 0 (Fleiss, Nee & Landis 1979).

    `None` where kappa is undefined: no rows, single votes, or all votes in one category. Every
    row must hold the same number of votes; raises ValueError otherwise.
    """
    table = np.asarray(counts, dtype=float)
    if not table.size:
        return None
    raters = table.sum(axis=1)
    if (raters != raters[0]).any():
        raise ValueError("the null standard error needs the same number of votes in every row")
    if raters[0] < 2 or np.count_nonzero(table.sum(axis=0)) < 2:
        return None
    p = _category_shares(table)
    variation = float(p @ (1 - p))
    inner = variation**2 - float((p * (1 - p)) @ (1 - 2 * p))
    return sqrt(2 * inner / (len(table) * raters[0] * (raters[0] - 1))) / variation


def krippendorff_alpha(
    counts: ArrayLike,
    confidence: float = 0.95,
    *,
    draws: int = 10_000,
    rng: np.random.Generator | None = None,
    prompts: ArrayLike | None = None,
) -> Estimate:
    """Krippendorff's nominal alpha (2011), over rows with two votes or more.

    The interval is the percentile bootstrap of prompts (by default one per row); draws without
    variation are skipped and counted. Without `rng` there is none, nor, with `no_variation`,
    where all other draws are alike.
    """
    table = _rows_with(2, counts)
    if not len(table):
        return _undefined(counts)
    terms = item_terms(table)
    value = float(alpha(terms.sum(axis=0)))
    if np.isnan(value):
        return Estimate(None, undefined=Undefined.NO_VARIATION)
    units = terms if prompts is None else sums_by(_kept(prompts, counts), terms)
    if len(units) < 2:
        return Estimate(value, undefined=Undefined.TOO_FEW_CLUSTERS)
    if rng is None:
        return Estimate(value)
    drawn = alpha(resample_sums(units, draws, rng))
    defined = drawn[~np.isnan(drawn)]
    skipped, se = draws - len(defined), spread(defined)
    if se is None:
        return Estimate(value, undefined=Undefined.NO_VARIATION, skipped_draws=skipped)
    interval = percentile_interval(defined, confidence).about(Population.PROMPTS)
    return Estimate(value, se, interval, skipped_draws=skipped)


def alpha_at_level(
    counts: ArrayLike, level: Level = Level.NOMINAL, values: ArrayLike | None = None
) -> float | None:
    """Krippendorff's alpha for categories in order or with values; `None` without variation.

    alpha = 1 - (n - 1) sum o_ck d_ck / sum n_c n_k d_ck with coincidences o and squared distances
    d: 1 for other categories (nominal), (n_c / 2 + n between + n_k / 2)^2 (ordinal), or
    (v_c - v_k)^2 (interval). Krippendorff (2011), Computing Krippendorff's alpha-reliability.

    Parameters
    ----------
    counts
        Units x categories, the categories in their order.
    values
        Of the categories, by default 0, 1, 2 ...; for the interval level only.
    """
    table = np.asarray(counts, dtype=float)
    if not table.size:
        return None
    table = table[table.sum(axis=1) >= 2]
    pairs = 1 / np.maximum(table.sum(axis=1) - 1, 1)
    coincidences = (table * pairs[:, None]).T @ table
    coincidences -= np.diag((table * pairs[:, None]).sum(axis=0))
    n = table.sum(axis=0)
    distances = _squared_distances(n, level, values)
    expected = float(n @ distances @ n)
    if not expected:
        return None
    return 1 - (float(n.sum()) - 1) * float((coincidences * distances).sum()) / expected


def mean_over_model_pairs(values: Sequence[float | None], items: Sequence[float]) -> float | None:
    """A coefficient averaged over model pairs, weighted by their items; `None` without items.

    Pairs in which it is undefined (`None`) are left out. Votes of different pairs are never
    pooled for kappa: which model is A is arbitrary.
    """
    known = [(value, n) for value, n in zip(values, items, strict=True) if value is not None]
    total = sum(n for _, n in known)
    return float(sum(value * n for value, n in known) / total) if total else None


def _squared_distances(n: Floats, level: Level, values: ArrayLike | None) -> Floats:
    if level is Level.NOMINAL:
        return 1 - np.eye(n.size)
    places = np.cumsum(n) - n / 2 if level is Level.ORDINAL else np.arange(n.size)
    if values is not None and level is Level.INTERVAL:
        places = np.asarray(values, dtype=float)
    return np.asarray(np.subtract.outer(places, places) ** 2, dtype=float)


def _chance_corrected(
    table: Floats, expected: float, row_expected: Floats, confidence: float
) -> Estimate:
    """(P - Pe) / (1 - Pe) with Gwet's linearised standard error and a t interval.

    Gwet (2021), Handbook of Inter-Rater Reliability, 5th ed.; `row_expected` is each row's part
    in the chance agreement `expected`.
    """
    n, several = len(table), table.sum(axis=1) >= 2
    observed = np.where(several, _agreeing_votes(table), 0.0)
    coefficient = (float(observed.sum() / several.sum()) - expected) / (1 - expected)
    part = n / several.sum() * (observed - expected * several) / (1 - expected)
    influence = part - 2 * (1 - coefficient) * (row_expected - expected) / (1 - expected)
    return _with_t_interval(coefficient, influence, confidence, cap=1.0)


def _with_t_interval(
    value: float, influence: Floats, confidence: float, cap: float = np.inf
) -> Estimate:
    n = len(influence)
    if n < 2:
        return Estimate(value, undefined=Undefined.TOO_FEW_CLUSTERS)
    variance = float(((influence - value) ** 2).sum()) / (n * (n - 1))
    estimate = clustered_estimate(value, variance, n - 1, Population.PROMPTS, confidence)
    if estimate.interval is None:
        return estimate
    capped = replace(estimate.interval, upper=min(cap, estimate.interval.upper))
    return replace(estimate, interval=capped)


def _agreeing_votes(table: Floats) -> Floats:
    """Share of agreeing pairs of votes in each row; 0 for rows with a single vote."""
    votes = table.sum(axis=1)
    pairs = np.maximum(votes * (votes - 1), 1)
    return np.asarray((table * (table - 1)).sum(axis=1) / pairs)


def _row_shares(table: Floats) -> Floats:
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def _category_shares(table: Floats) -> Floats:
    return np.asarray(_row_shares(table).mean(axis=0))


def _rows_with(votes: int, counts: ArrayLike) -> Floats:
    """The rows that hold so many votes or more."""
    table = np.atleast_2d(np.asarray(counts, dtype=float))
    rows: Floats = table[table.sum(axis=1) >= votes]
    return rows


def _kept(prompts: ArrayLike, counts: ArrayLike) -> Floats:
    kept: Floats = np.asarray(prompts)[np.asarray(counts, dtype=float).sum(axis=1) >= 2]
    return kept


def _undefined(counts: ArrayLike) -> Estimate:
    has_votes = len(_rows_with(1, counts)) > 0
    reason = Undefined.FEWER_THAN_TWO_VOTES if has_votes else Undefined.NO_VOTES
    return Estimate(None, undefined=reason)


def _no_agreement(counts: ArrayLike) -> Agreement:
    nothing, comparisons = _undefined(counts), len(_rows_with(1, counts))
    return Agreement(comparisons, 0, (), None, nothing, nothing, nothing, nothing, nothing, None)
