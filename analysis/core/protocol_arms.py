"""Agreement under two protocols, such as JUICE against plain: the Emu Video experiment.

Girdhar et al. (2023, arXiv 2311.10709) compare raters who justify their choice with raters who do
not. What differs is tested by relabeling the two arms; its interval resamples prompts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    resample_sums,
    sums_by,
)
from analysis.core.significance import flips_are_listed, holm, list_flips, randomisation_p

Floats = NDArray[np.float64]
Sums = tuple[Floats, Floats]

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
    relabeled = (_swapped if same_items else _reassigned)(one, two, draws, rng)
    exact = flips_are_listed(len(one)) if same_items else _are_listed(len(one), len(two))
    return _differences(one, two, same_items, relabeled, exact, rng, primary, draws, confidence)


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
    cube, prompts, in_first = _votes_by_rater(votes, categories)
    one, two = (
        sums_by(prompts, item_terms(cube[arm].sum(axis=0))) for arm in (in_first, ~in_first)
    )
    exact = _are_listed(int(in_first.sum()), int((~in_first).sum()))
    relabeled = _raters_reassigned(cube, int(in_first.sum()), draws, rng)
    return _differences(one, two, True, relabeled, exact, rng, primary, draws, confidence)


def _differences(
    one: Floats,
    two: Floats,
    paired: bool,
    relabeled: Iterator[Sums],
    exact: bool,
    rng: np.random.Generator,
    primary: Sequence[str],
    draws: int,
    confidence: float,
) -> tuple[ArmDifference, ...]:
    """All coefficients from units x terms of both arms and the sums of the relabeled arms."""
    totals = one.sum(axis=0), two.sum(axis=0)
    if not len(one) or not len(two):
        return tuple(map(_without_votes, coefficients(totals[0])))
    (ours, theirs), observed = map(coefficients, totals), _gaps(*totals)
    shuffled = _joined(_gaps(*sums) for sums in relabeled)
    drawn = _gaps(*_resampled(one, two, paired, draws, rng))
    left_out = [_gaps(*sums) for sums in _left_out(one, two, paired)]
    differences = [
        ArmDifference(
            name,
            _number(ours[name]),
            _number(theirs[name]),
            _estimate(float(gap), drawn[name], [out[name] for out in left_out], confidence),
            _test(float(gap), shuffled[name], exact=exact),
        )
        for name, gap in observed.items()
    ]
    adjusted = iter(holm([d.test.p_value for d in differences if d.statistic in primary]))
    return tuple(
        replace(d, holm_p_value=next(adjusted)) if d.statistic in primary else d
        for d in differences
    )


def _unit_sums(counts: ArrayLike, prompts: ArrayLike | None) -> Floats:
    """Prompts x terms; by default each item is a prompt of its own."""
    terms = item_terms(counts)
    return terms if prompts is None else sums_by(prompts, terms)


def _gaps(first: Floats, second: Floats) -> dict[str, Floats]:
    ours, theirs = coefficients(first), coefficients(second)
    return {name: np.asarray(ours[name] - theirs[name]) for name in ours}


def _joined(blocks: Iterator[Mapping[str, Floats]]) -> dict[str, Floats]:
    listed = list(blocks)
    return {name: np.concatenate([block[name] for block in listed]) for name in listed[0]}


def _swapped(one: Floats, two: Floats, draws: int, rng: np.random.Generator) -> Iterator[Sums]:
    """Units x terms of both arms to relabelings x terms: the arms of some units are swapped."""
    total = one.sum(axis=0) + two.sum(axis=0)
    for flips in list_flips(len(one), draws=draws, rng=rng):
        first = one.sum(axis=0) + flips @ (two - one)
        yield first, total - first


def _reassigned(one: Floats, two: Floats, draws: int, rng: np.random.Generator) -> Iterator[Sums]:
    """The same for units of which each is in one arm: as many as before come into the first."""
    units = np.concatenate([one, two])
    for chosen in _choices(len(units), len(one), draws, rng):
        first = chosen @ units
        yield first, units.sum(axis=0) - first


def _raters_reassigned(
    cube: Floats, in_first: int, draws: int, rng: np.random.Generator
) -> Iterator[Sums]:
    """The same for raters, from raters x items x categories."""
    everything, flat = cube.sum(axis=0), cube.reshape(len(cube), -1)
    rows = max(1, CELLS_AT_ONCE // (10 * everything.size))
    for chosen in _choices(len(cube), in_first, draws, rng):
        for start in range(0, len(chosen), rows):
            counts = (chosen[start : start + rows] @ flat).reshape(-1, *everything.shape)
            yield tuple(item_terms(part).sum(axis=-2) for part in (counts, everything - counts))


def _are_listed(first: int, second: int) -> bool:
    return comb(first + second, first) <= MOST_LISTED


def _choices(n: int, size: int, draws: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Blocks of relabelings x n: 1 for the `size` units of the first arm, else 0.

    Every choice where there are few, else `draws` random ones.
    """
    if _are_listed(size, n - size):
        chosen = np.array(list(combinations(range(n), size)))
        yield _indicators(chosen, n)
        return
    block = max(1, CELLS_AT_ONCE // n)
    for start in range(0, draws, block):
        ranks = rng.random((min(block, draws - start), n)).argsort(axis=1)
        yield _indicators(ranks[:, :size], n)


def _indicators(chosen: NDArray[np.int64], n: int) -> Floats:
    indicators = np.zeros((len(chosen), n))
    np.put_along_axis(indicators, chosen, 1, axis=1)
    return indicators


def _resampled(
    one: Floats, two: Floats, paired: bool, draws: int, rng: np.random.Generator
) -> Sums:
    if not paired:
        return resample_sums(one, draws, rng), resample_sums(two, draws, rng)
    both = resample_sums(np.hstack([one, two]), draws, rng)
    return both[:, : one.shape[1]], both[:, one.shape[1] :]


def _left_out(one: Floats, two: Floats, paired: bool) -> list[Sums]:
    """The arms without each unit in turn, for the jackknife of one or two samples."""
    first, second = one.sum(axis=0), two.sum(axis=0)
    if paired:
        return [(first - one, second - two)]
    return [(first - one, second), (first, second - two)]


def _estimate(
    value: float, drawn: Floats, left_out: Sequence[Floats], confidence: float
) -> Estimate:
    if np.isnan(value):
        return Estimate(None, undefined=Undefined.NO_VARIATION)
    if min(len(sample) for sample in left_out) < 2:
        return Estimate(value, undefined=Undefined.TOO_FEW_CLUSTERS)
    defined = drawn[~np.isnan(drawn)]
    skipped = len(drawn) - len(defined)
    if len(defined) < 2:
        return Estimate(value, undefined=Undefined.NO_VARIATION, skipped_draws=skipped)
    samples = [sample[~np.isnan(sample)] for sample in left_out]
    acceleration = jackknife_acceleration(
        *((sample, np.ones(len(sample), dtype=np.int64)) for sample in samples)
    )
    interval = bca_interval(defined, value, acceleration, confidence).about(Population.PROMPTS)
    return Estimate(value, float(defined.std(ddof=1)), interval, skipped_draws=skipped)


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
