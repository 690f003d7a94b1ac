"""Whether raters lean to one side of the screen, and whether the sides were really balanced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.core.estimates import Estimate, Undefined
from analysis.core.intervals import wilson
from analysis.core.significance import (
    ClusterTest,
    benjamini_hochberg,
    binomial_p,
    holm,
    prompt_t_test,
)

MIN_VOTES = 10
FLAG_P = 0.05
FLAG_GAP = 0.15


@dataclass(frozen=True, slots=True)
class BalancedShare:
    """A share that is 1/2 if all is well, with its exact binomial p value against 1/2."""

    count: int
    n: int
    share: Estimate
    p_value: float | None


@dataclass(frozen=True, slots=True)
class SideBalance:
    """One axis: choices that fell on the left clip, and votes that showed A on the left.

    Ties and votes without a known side are left out of `left_choices`; `a_on_left` holds all
    votes with a known side. Valid where sides are drawn for each rater and comparison.
    """

    axis: str
    left_choices: BalancedShare
    a_on_left: BalancedShare


@dataclass(frozen=True, slots=True)
class LayoutBalance:
    """One axis: how evenly A stood left and right within each rater and each comparison.

    Over votes with a known side. `largest_rater_lead` is the most by which one side is ahead within
    a rater, `None` where votes do not say who judged. `comparisons` are those with two votes or
    more; `one_layout` of them showed all their raters A on the same side, where fair coins would
    give `one_layout_by_chance`, the sum of 2^(1 - votes).
    """

    axis: str
    raters: int
    largest_rater_lead: int | None
    comparisons: int
    one_layout: int
    one_layout_by_chance: float


def layout_balance(axis: str, votes: pd.DataFrame) -> LayoutBalance:
    """Balance from the columns protocol, prompt_id, comparison_id, rater and side_a."""
    sided = votes[votes["side_a"].ne("")]
    of_raters = _counts_of_left(sided[sided["rater"].ne("")], ["rater"])
    of_comparisons = _counts_of_left(sided, ["protocol", "prompt_id", "comparison_id"])
    left, n = of_comparisons[:, of_comparisons[1] > 1]
    leads = np.abs(2 * of_raters[0] - of_raters[1])
    return LayoutBalance(
        axis,
        raters=len(leads),
        largest_rater_lead=int(leads.max()) if len(leads) else None,
        comparisons=len(n),
        one_layout=int(((left == 0) | (left == n)).sum()),
        one_layout_by_chance=float((2.0 ** (1 - n)).sum()),
    )


def _counts_of_left(votes: pd.DataFrame, by: list[str]) -> NDArray[np.int64]:
    """For each group: votes that showed A on the left, and all votes."""
    groups = votes.groupby(by, observed=True).ngroup().to_numpy()
    left = votes["side_a"].eq("left").to_numpy()
    return np.array(
        [np.bincount(groups[left], minlength=groups.max(initial=-1) + 1), np.bincount(groups)]
    )


def side_balance(axis: str, votes: pd.DataFrame, confidence: float = 0.95) -> SideBalance:
    """Side balance from the columns winner and side_a (`left`, `right` or empty)."""
    a_left = votes["side_a"].eq("left")[votes["side_a"].ne("")]
    known = votes.loc[a_left.index]
    decided = known[known["winner"].ne("tie")]
    left = decided["winner"].eq("model_a") == decided["side_a"].eq("left")
    return SideBalance(axis, balanced_share(left, confidence), balanced_share(a_left, confidence))


def balanced_share(flags: pd.Series | NDArray[np.bool_], confidence: float = 0.95) -> BalancedShare:
    """Share of `True` with Wilson interval and exact two-sided binomial test of 1/2."""
    return _binomial_share(int(np.count_nonzero(flags)), len(flags), confidence)


@dataclass(frozen=True, slots=True)
class RaterSide:
    """How often one rater chose the left clip, and whether that stands out among all raters.

    Adjusted p values are over the raters with enough votes, and `None` for the others.
    """

    rater: str
    left: BalancedShare
    bh_p_value: float | None
    holm_p_value: float | None
    flag: bool


def screen_raters(
    left: Mapping[str, tuple[int, int]], *, min_votes: int = MIN_VOTES, confidence: float = 0.95
) -> tuple[RaterSide, ...]:
    """Raters who lean to one side: exact binomial tests, Benjamini-Hochberg over raters.

    Flagged with an adjusted p below .05 and a share at least .15 away from 1/2.

    Parameters
    ----------
    left
        For each rater: votes for the left clip, and votes for either. Ties do not count.
    """
    shares = {rater: _binomial_share(count, n, confidence) for rater, (count, n) in left.items()}
    tested = [share.p_value if share.n >= min_votes else None for share in shares.values()]
    return tuple(
        RaterSide(rater, share, bh, by_holm, _stands_out(share, bh))
        for (rater, share), bh, by_holm in zip(
            shares.items(), benjamini_hochberg(tested), holm(tested), strict=True
        )
    )


def side_test_by_item(left: ArrayLike, votes: ArrayLike) -> ClusterTest:
    """t test of the left share of each item against 1/2, where sides are fixed for an item.

    There votes of one item share their layout, so that a test of single votes rejects too often.
    The test is of the item sums left - votes / 2.

    Parameters
    ----------
    left, votes
        Per item: votes for the left clip, and votes for either.
    """
    gaps = np.asarray(left, dtype=float) - np.asarray(votes, dtype=float) / 2
    return prompt_t_test(gaps + 0.5)


def longest_run(sides: Iterable[str]) -> int:
    """Length of the longest run of equal sides, in the order in which the rater chose them."""
    return max((len(list(run)) for _, run in groupby(sides)), default=0)


def _stands_out(share: BalancedShare, adjusted: float | None) -> bool:
    value = share.share.value
    return (
        adjusted is not None
        and value is not None
        and adjusted < FLAG_P
        and abs(value - 0.5) >= FLAG_GAP
    )


@lru_cache(maxsize=65_536)
def _binomial_share(count: int, n: int, confidence: float) -> BalancedShare:
    if n == 0:
        return BalancedShare(0, 0, Estimate(None, undefined=Undefined.NO_VOTES), None)
    share = Estimate(count / n, interval=wilson(count, n, confidence))
    return BalancedShare(count, n, share, binomial_p(count, n))
