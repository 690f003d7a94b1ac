"""The plan of a study: how many comparisons, when it may stop, and what may be read before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.estimates import Interval
from analysis.core.model_pair_votes import Ints
from analysis.core.sequential import Stop, beta_binomial_path, decide, evidence_against_half
from analysis.core.settings import MajorityRule, StoppingPlan, StoppingRule
from analysis.core.verdicts import verdict_places
from analysis.core.win_rates import SCORES


@dataclass(frozen=True, slots=True)
class AnytimeInterval:
    """Rate, interval and p value against 1/2 that hold at every look.

    Over the first so many comparisons, in the order in which they were opened.
    """

    comparisons: int
    rate: float
    interval: Interval
    p_value: float


@dataclass(frozen=True, slots=True)
class StoppingState:
    """How one result stands to its plan.

    `stop` says why the study may stop for it, after the first `looked_at` prompts; the interval
    is the one at that look, or at the last one. Its confidence is 1 - alpha / results watched.
    """

    planned: int | None
    complete: int
    looked_at: int
    confidence: float
    interval: Interval | None
    stop: Stop | None


def scores_in_opening_order(
    votes: pd.DataFrame, counts: pd.DataFrame, *, min_votes: int, rule: MajorityRule
) -> tuple[np.ndarray, int] | None:
    """Scores of A by prompt, as opened, up to the first unfinished; and how many comparisons.

    A prompt with several comparisons has the mean of theirs, once all are complete. `None` where
    the votes do not say when they were begun.

    Parameters
    ----------
    counts
        Votes of each (prompt_id, comparison_id), as `count_choices` gives them.
    """
    opened = votes.groupby(["prompt_id", "comparison_id"])["started_at"].min()
    if opened.isna().any():
        return None
    moments = opened.loc[counts.index].to_numpy(dtype="datetime64[ns]").astype(np.int64)
    prompts, _ = pd.factorize(counts.index.get_level_values("prompt_id"), sort=True)
    return scores_as_opened(prompts, moments, counts.to_numpy(), min_votes=min_votes, rule=rule)


def scores_as_opened(
    prompts: Ints, opened: Ints, counts: Ints, *, min_votes: int, rule: MajorityRule
) -> tuple[np.ndarray, int]:
    """The same from numbers: prompt, moment of the first vote and counts of each comparison.

    Prompts that were opened at the same moment come in the order of their numbers.
    """
    kinds, numbers = np.unique(prompts, return_inverse=True)
    first = np.full(len(kinds), np.iinfo(np.int64).max)
    np.minimum.at(first, numbers, opened)
    enough = np.ones(len(kinds), dtype=bool)
    np.logical_and.at(enough, numbers, counts.sum(axis=1) >= min_votes)
    ordered = np.argsort(first, kind="stable")
    finished = ordered[np.logical_and.accumulate(enough[ordered])]
    kept = np.isin(numbers, finished)
    scores = SCORES[verdict_places(counts[kept], rule)]
    totals = np.bincount(numbers[kept], scores, len(kinds))
    sizes = np.bincount(numbers[kept], minlength=len(kinds))
    return totals[finished] / sizes[finished], int(kept.sum())


def anytime_interval(
    scores: np.ndarray, comparisons: int, confidence: float
) -> AnytimeInterval | None:
    """`None` before the first score, and in the rare case that looks contradict each other."""
    interval = beta_binomial_path(scores, confidence).at(len(scores))
    if not len(scores) or interval is None:
        return None
    p_value = evidence_against_half(scores).anytime_p
    return AnytimeInterval(comparisons, float(scores.mean()), interval, p_value)


def stopping_state(
    scores: np.ndarray, plan: StoppingPlan, *, planned: int | None, complete: int, watched: int
) -> StoppingState:
    """Whether the always-valid rule lets the study stop, for one of `watched` results."""
    confidence = 1 - plan.alpha / watched
    path = beta_binomial_path(scores, confidence)
    decision = decide(
        path, half_width=plan.half_width, most_items=planned, fewest_items=plan.minimum
    )
    return StoppingState(
        planned=planned,
        complete=complete,
        looked_at=decision.items,
        confidence=confidence,
        interval=decision.interval,
        stop=decision.stop,
    )


def may_be_read(
    plan: StoppingPlan | None, *, interim: bool, complete: int, planned: int | None
) -> bool:
    """Whether intervals and p values of a single look hold now.

    With a fixed number: when it, and whatever else raters were given, is complete, or the study
    is closed; that is one look. Never where the study may stop at any time, since it may have
    stopped because of what was seen.
    """
    if plan is not None and plan.rule == StoppingRule.ANYTIME:
        return False
    return not interim or (plan is not None and planned is not None and complete >= planned)
