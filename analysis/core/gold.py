"""Raters on gold comparisons, whose answer is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pandas as pd
from scipy.stats import binom

from analysis.core.estimates import Estimate, Undefined
from analysis.core.intervals import wilson

THRESHOLD = 0.8
MIN_GOLD = 5


class GoldDecision(StrEnum):
    PASS = "pass"  # noqa: S105
    WATCH = "watch"
    FAIL = "fail"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True, slots=True)
class GoldAccuracy:
    """One rater's gold answers.

    `p_value` is P(Bin(n, threshold) <= correct): how unlikely so few right answers are for
    somebody who is right `threshold` of the time.
    """

    correct: int
    n: int
    accuracy: Estimate
    p_value: float | None
    decision: GoldDecision


def gold_accuracy(
    correct: int, n: int, *, threshold: float = THRESHOLD, min_gold: int = MIN_GOLD
) -> GoldAccuracy:
    """Fail where p < .05, pass where the one-sided 95% Wilson bound reaches `threshold`.

    Everybody else is to be watched; below `min_gold` answers nothing is decided.
    """
    if n == 0:
        nothing = Estimate(None, undefined=Undefined.NO_VOTES)
        return GoldAccuracy(0, 0, nothing, None, GoldDecision.INSUFFICIENT)
    accuracy = Estimate(correct / n, interval=wilson(correct, n))
    p_value = float(binom.cdf(correct, n, threshold))
    if n < min_gold:
        decision = GoldDecision.INSUFFICIENT
    elif p_value < 0.05:
        decision = GoldDecision.FAIL
    elif wilson(correct, n, 0.90).lower >= threshold:
        decision = GoldDecision.PASS
    else:
        decision = GoldDecision.WATCH
    return GoldAccuracy(correct, n, accuracy, p_value, decision)


def gold_by_rater(
    raters: pd.Series,
    correct: pd.Series,
    *,
    threshold: float = THRESHOLD,
    min_gold: int = MIN_GOLD,
) -> dict[str, GoldAccuracy]:
    """`gold_accuracy` of each rater, by name, from one `correct` (true or false) per answer."""
    counts = correct.astype(bool).groupby(raters, sort=True).agg(["sum", "size"])
    return {
        str(rater): gold_accuracy(int(right), int(n), threshold=threshold, min_gold=min_gold)
        for rater, right, n in counts.itertuples()
    }
