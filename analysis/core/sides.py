"""Whether raters lean to one side of the screen, and whether the sides were really balanced."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from scipy.stats import binomtest

from analysis.core.estimates import Estimate, Undefined
from analysis.core.intervals import wilson


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


def side_balance(axis: str, votes: pd.DataFrame, confidence: float = 0.95) -> SideBalance:
    """Side balance from the columns winner and side_a (`left`, `right` or empty)."""
    a_left = votes["side_a"].eq("left")[votes["side_a"].ne("")]
    known = votes.loc[a_left.index]
    decided = known[known["winner"].ne("tie")]
    left = decided["winner"].eq("model_a") == decided["side_a"].eq("left")
    return SideBalance(axis, balanced_share(left, confidence), balanced_share(a_left, confidence))


def balanced_share(flags: pd.Series, confidence: float = 0.95) -> BalancedShare:
    """Share of `True` with Wilson interval and exact two-sided binomial test of 1/2."""
    count, n = int(flags.sum()), len(flags)
    if n == 0:
        return BalancedShare(0, 0, Estimate(None, undefined=Undefined.NO_VOTES), None)
    share = Estimate(count / n, interval=wilson(count, n, confidence))
    return BalancedShare(count, n, share, float(binomtest(count, n).pvalue))
