"""Agreement under two protocols, such as JUICE against plain: the Emu Video experiment.

Girdhar et al. (2023, arXiv 2311.10709) compare raters who justify their choice with raters who do
not. What differs is tested by relabeling the two arms; its interval resamples prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.core.coefficients import coefficients, item_terms
from analysis.core.estimates import Estimate, Population, Undefined
from analysis.core.resampling import (
    CELLS_AT_ONCE,
    bca_interval,
    jackknife_acceleration,
    kinds_of,
    resample_sums,
    spread,
    sums_by,
)
from analysis.core.significance import draw_flips, flips_are_listed, holm, randomisation_p

Floats = NDArray[np.float64]

MOST_LISTED = 20_000
PRIMARY = ("complete", "fleiss_kappa")


@dataclass(frozen=True, slots=True)
class Relabelings:
    """p value of the difference when the arms are relabeled.

    `exact` where all relabelings were listed; `skipped` had no value in one of the arms.
    """

    p_value: float | None
    relabelings: int
    skipped: int
    exact: bool


@dataclass(frozen=True, slots=True)
class ArmDifference:
    """One statistic in both arms, and first less second with its BCa interval over prompts.

    `holm_p_value` is adjusted over the primary statistics and `None` for the others.
    """

    statistic: str
    first: float | None
    second: float | None
    difference: Estimate
    test: Relabelings
    holm_p_value: float | None = None


def compare_arms(
    first: ArrayLike,
    second: ArrayLike,
    *,
    same_items: bool,
    rng: np.random.Generator,
    first_prompts: ArrayLike | None = None,
    second_prompts: ArrayLike | None = None,
    primary: Sequence[str] = PRIMARY,
    draws: int = 10_000,
    confidence: float = 0.95,
) -> tuple[ArmDifference, ...]:
    """Agreement of the first arm less that of the second, for every coefficient.

    Parameters
    ----------
    first, second
        Items x categories: how many raters of the arm chose what.
    same_items
        The rows of both arms are the same items in the same order: relabeling swaps the arms
        within a prompt, resampling draws prompts with both arms. Otherwise prompts change arms,
        and are resampled within each arm.
    first_prompts, second_prompts
        The prompt of each item, by default one prompt per item. Prompts are relabeled and
        resampled whole.
    primary
        The statistics that claims are made about; Holm's p values are over these.

    Raises
    ------
    ValueError
        `same_items` with arms of different length or other prompts.
    """
    if same_items and (np.shape(first) != np.shape(second) or second_prompts is not None):
        raise ValueError("the same items need one row and one prompt in both arms")
    one = _unit_sums(first, first_prompts)
    two = _unit_sums(second, first_prompts if same_items else second_prompts)
    if not len(one) or not len(two):
        return tuple(map(_without_votes, coefficients(one.sum(axis=0))))
    arms = _Arms(one, two, same_items)
    return _differences(
        arms, arms.relabeled(draws, rng), _Resampling(rng, primary, draws, confidence)
    )


def compare_arms_of_raters(
    votes: pd.DataFrame,
    *,
    categories: Sequence[str],
    rng: np.random.Generator,
    primary: Sequence[str] = PRIMARY,
    draws: int = 10_000,
    confidence: float = 0.95,
) -> tuple[ArmDifference, ...]:
    """`compare_arms` for raters who were randomised to arms: raters change arms with all votes.

    The interval resamples prompts with both arms, so it speaks of these raters.

    Parameters
    ----------
    votes
        Columns comparison_id, prompt_id, rater, winner and `first_arm` (true or false), the same
        for all votes of a rater.
    categories
        The winners that a rater could choose.

    Raises
    ------
    ValueError
        A rater has votes in both arms, or a winner is not one of the categories.
    """
    if votes.empty:
        return tuple(map(_without_votes, coefficients(np.zeros(6 + 2 * len(categories)))))
    cube, prompts, in_first = _votes_by_rater(votes, categories)
    one, two = (
        sums_by(prompts, item_terms(cube[arm].sum(axis=0))) for arm in (in_first, ~in_first)
    )
    relabeled = _raters_reassigned(cube, int(in_first.sum()), draws, rng)
    how = _Resampling(rng, primary, draws, confidence)
    return _differences(_Arms(one, two, same_items=True), relabeled, how)


@dataclass(frozen=True, slots=True)
class _Resampling:
    rng: np.random.Generator
    primary: Sequence[str]
    draws: int
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class _Relabeled:
    """Relabelings x terms of both arms; `exact` where every relabeling is there."""

    first: Floats
    second: Floats
    exact: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Arms:
    """Units x terms of both arms; with the same items, units are paired row by row."""

    first: Floats
    second: Floats
    same_items: bool

    def totals(self) -> tuple[Floats, Floats]:
        return self.first.sum(axis=0), self.second.sum(axis=0)

    def relabeled(self, draws: int, rng: np.random.Generator) -> _Relabeled:
        """The arms of some units swapped, or as many units as before reassigned to the first."""
        first, second = self.totals()
        if self.same_items:
            moved = first + draw_flips(self.second - self.first, draws=draws, rng=rng)
            exact = flips_are_listed(len(self.first))
        else:
            moved, exact = _reassigned(
                np.concatenate([self.first, self.second]), len(self.first), draws, rng
            )
        return _Relabeled(moved, first + second - moved, exact)

    def resampled(self, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Units drawn with both arms, or within each arm."""
        if not self.same_items:
            return resample_sums(self.first, draws, rng), resample_sums(self.second, draws, rng)
        terms = self.first.shape[1]
        both = resample_sums(np.hstack([self.first, self.second]), draws, rng)
        return both[:, :terms], both[:, terms:]

    def without_each_unit(self) -> list[tuple[Floats, Floats]]:
        """Both arms without each unit in turn: one sample of pairs, or two samples."""
        first, second = self.totals()
        if self.same_items:
            return [(first - self.first, second - self.second)]
        return [(first - self.first, second), (first, second - self.second)]


def _differences(arms: _Arms, relabeled: _Relabeled, how: _Resampling) -> tuple[ArmDifference, ...]:
    ours, theirs = (coefficients(total) for total in arms.totals())
    shuffled = _gaps(relabeled.first, relabeled.second)
    drawn = _gaps(*arms.resampled(how.draws, how.rng))
    left_out = [_gaps(*sums) for sums in arms.without_each_unit()]
    reason = _why_undefined(*arms.totals())
    differences = [
        ArmDifference(
            name,
            _number(ours[name]),
            _number(theirs[name]),
            _estimate(float(gap), drawn[name], [out[name] for out in left_out], reason, how),
            _test(float(gap), shuffled[name], exact=relabeled.exact),
        )
        for name, gap in _gaps(*arms.totals()).items()
    ]
    adjusted = iter(holm([d.test.p_value for d in differences if d.statistic in how.primary]))
    return tuple(
        replace(d, holm_p_value=next(adjusted)) if d.statistic in how.primary else d
        for d in differences
    )


def _unit_sums(counts: ArrayLike, prompts: ArrayLike | None) -> Floats:
    """Prompts x terms; by default each item is a prompt of its own."""
    terms = item_terms(counts)
    return terms if prompts is None else sums_by(prompts, terms)


def _gaps(first: Floats, second: Floats) -> dict[str, Floats]:
    ours, theirs = coefficients(first), coefficients(second)
    return {name: np.asarray(ours[name] - theirs[name]) for name in ours}


def _reassigned(
    units: Floats, size: int, draws: int, rng: np.random.Generator
) -> tuple[Floats, bool]:
    """Sums over `size` units chosen for the first arm, and whether every choice is listed.

    Equal units are exchangeable: how many of each kind are chosen is hypergeometric.
    """
    if _are_listed(len(units), size):
        return _listed(len(units), size) @ units, True
    kinds, repeats = kinds_of(units)
    chosen = rng.multivariate_hypergeometric(repeats, size, size=draws, method="marginals")
    return chosen @ kinds, False


def _raters_reassigned(cube: Floats, size: int, draws: int, rng: np.random.Generator) -> _Relabeled:
    """The arms' sums when `size` raters are chosen for the first, with all their votes."""
    raters, everything = len(cube), cube.sum(axis=0)
    exact = _are_listed(raters, size)
    if exact:
        chosen = _listed(raters, size)
    else:
        chosen = rng.permuted(np.tile(np.arange(raters) < size, (draws, 1)), axis=1).astype(float)
    rows = max(1, CELLS_AT_ONCE // (10 * everything.size))
    first, second = [], []
    for start in range(0, len(chosen), rows):
        counts = chosen[start : start + rows] @ cube.reshape(raters, -1)
        counts = counts.reshape(-1, *everything.shape)
        first.append(item_terms(counts).sum(axis=-2))
        second.append(item_terms(everything - counts).sum(axis=-2))
    return _Relabeled(np.concatenate(first), np.concatenate(second), exact)


def _are_listed(n: int, size: int) -> bool:
    return comb(n, size) <= MOST_LISTED


def _listed(n: int, size: int) -> Floats:
    """Every choice of `size` out of n: choices x n, 1 for the chosen."""
    choices = np.array(list(combinations(range(n), size)), dtype=np.int64)
    indicators = np.zeros((len(choices), n))
    np.put_along_axis(indicators, choices, 1, axis=1)
    return indicators


def _why_undefined(first: Floats, second: Floats) -> Undefined:
    """Why a coefficient has no value in one of the arms, from their summed terms."""
    (voted, several), (others_voted, others_several) = first[:2], second[:2]
    if not min(voted, others_voted):
        return Undefined.NO_VOTES
    if not min(several, others_several):
        return Undefined.FEWER_THAN_TWO_VOTES
    return Undefined.NO_VARIATION


def _estimate(
    value: float, drawn: Floats, left_out: Sequence[Floats], reason: Undefined, how: _Resampling
) -> Estimate:
    if np.isnan(value):
        return Estimate(None, undefined=reason)
    if min(len(sample) for sample in left_out) < 2:
        return Estimate(value, undefined=Undefined.TOO_FEW_CLUSTERS)
    defined = drawn[~np.isnan(drawn)]
    skipped = len(drawn) - len(defined)
    se = spread(defined)
    if se is None:
        return Estimate(value, undefined=Undefined.NO_VARIATION, skipped_draws=skipped)
    samples = [sample[~np.isnan(sample)] for sample in left_out]
    acceleration = jackknife_acceleration(
        *((sample, np.ones(len(sample), dtype=np.int64)) for sample in samples)
    )
    interval = bca_interval(defined, value, acceleration, how.confidence)
    return Estimate(value, se, interval.about(Population.PROMPTS), skipped_draws=skipped)


def _test(observed: float, relabeled: Floats, *, exact: bool) -> Relabelings:
    defined = relabeled[~np.isnan(relabeled)]
    p_value = None if np.isnan(observed) else randomisation_p(defined, observed, exact=exact)
    return Relabelings(p_value, len(defined), len(relabeled) - len(defined), exact)


def _votes_by_rater(
    votes: pd.DataFrame, categories: Sequence[str]
) -> tuple[Floats, ArrayLike, NDArray[np.bool_]]:
    """Raters x items x categories, the prompt of each item, and who is in the first arm."""
    arms = votes.groupby("rater", sort=True)["first_arm"].agg(["min", "max"])
    both = arms.index[arms["min"] != arms["max"]]
    if len(both):
        raise ValueError(f"raters with votes in both arms: {', '.join(map(str, both[:5]))}")
    raters, names = pd.factorize(votes["rater"], sort=True)
    items, _ = pd.factorize(votes["comparison_id"])
    choices = pd.Index(categories).get_indexer(pd.Index(votes["winner"]))
    if (choices < 0).any():
        raise ValueError(f"a winner is not one of {', '.join(categories)}")
    cube = np.zeros((len(names), items.max() + 1, len(categories)))
    np.add.at(cube, (raters, items, choices), 1)
    prompts = votes["prompt_id"].groupby(items).first().to_numpy()
    return cube, prompts, arms["max"].to_numpy(dtype=bool)


def _without_votes(statistic: str) -> ArmDifference:
    nothing = Estimate(None, undefined=Undefined.NO_VOTES)
    return ArmDifference(statistic, None, None, nothing, Relabelings(None, 0, 0, exact=False))


def _number(value: Floats) -> float | None:
    return None if np.isnan(value) else float(value)
