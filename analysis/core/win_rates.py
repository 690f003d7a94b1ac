"""How often A is preferred: by majority verdicts, and by single votes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.core.clusters import share_by_cluster, two_way_share
from analysis.core.columns import WINNERS
from analysis.core.estimates import Estimate, Population, Undefined
from analysis.core.intervals import tango, wilson
from analysis.core.model_pair_votes import first_places, numbered
from analysis.core.settings import MajorityRule
from analysis.core.significance import prompt_t_test, sign_test
from analysis.core.verdicts import NOBODY_VOTED, verdict_places

Floats = NDArray[np.float64]

SCORE_FOR_A = {"model_a": 1.0, "tie": 0.5, "model_b": 0.0}
SCORES = np.array([SCORE_FOR_A[winner] for winner in WINNERS])
"""By the places of WINNERS."""


@dataclass(frozen=True, slots=True)
class WinRate:
    """Wins, ties and losses of A over complete comparisons.

    `rate` counts a tie as half a win and is a share in [0, 1]; `net` is
    100 (wins - losses) / n in [-100, 100], the convention of Movie Gen (2024).
    """

    wins: int
    ties: int
    losses: int
    rate: Estimate
    net: Estimate
    rate_without_ties: float | None

    @property
    def n(self) -> int:
        return self.wins + self.ties + self.losses

    @property
    def tie_rate(self) -> float | None:
        return self.ties / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class PreferenceTest:
    """Whether the win rate differs from 1/2, over complete comparisons.

    Method `sign`, exact with ties left out, for one comparison per prompt; else `prompt-t`.
    `holm_p_value` is adjusted over all pairs, axes and protocols of the report. `None` where
    a single look is not yet due: there `anytime` has one.
    """

    method: str
    p_value: float | None
    holm_p_value: float | None = None


@dataclass(frozen=True, slots=True)
class VoteShare:
    """Share of votes for A, ties half.

    `pooled` weighs every vote alike, `item_weighted` every comparison alike; both have prompts as
    clusters and speak of this panel. `new_raters` is the pooled share with an interval for new
    prompts and new raters.
    """

    votes: int
    pooled: Estimate
    item_weighted: Estimate
    new_raters: Estimate


@dataclass(frozen=True, slots=True)
class RaterRange:
    """Lowest and highest win rate of A when one rater's votes are left out."""

    raters: int
    lowest: float | None
    highest: float | None


@lru_cache(maxsize=65_536)
def win_rate(wins: int, ties: int, losses: int, confidence: float = 0.95) -> WinRate:
    """Score intervals for independent comparisons, one per prompt, given this panel.

    Wilson without ties; with ties Tango's interval of the difference, mapped to the win rate.

    Raises
    ------
    ValueError
        A count is negative.
    """
    if min(wins, ties, losses) < 0:
        raise ValueError(f"{wins} wins, {ties} ties and {losses} losses: counts are 0 or more")
    n = wins + ties + losses
    if n == 0:
        nothing = Estimate(None, undefined=Undefined.NO_VOTES)
        return WinRate(0, 0, 0, nothing, nothing, None)
    difference = tango(wins, ties, losses, confidence).about(Population.PROMPTS)
    without_ties = wilson(wins, n, confidence).about(Population.PROMPTS) if not ties else None
    rate = Estimate((wins + ties / 2) / n, interval=without_ties or difference.mapped(0.5, 0.5))
    net = Estimate(100 * (wins - losses) / n, interval=difference.mapped(100, 0))
    decided = wins + losses
    return WinRate(wins, ties, losses, rate, net, wins / decided if decided else None)


def win_rate_of_verdicts(
    verdicts: pd.Series, prompts: pd.Series, confidence: float = 0.95
) -> WinRate:
    """Win rate of A; where a prompt has several comparisons, prompts are the clusters."""
    places = pd.Index(WINNERS).get_indexer(pd.Index(verdicts))
    if (places < 0).any():
        scores_for_a(verdicts)
    return win_rate_of_places(places, prompts, confidence)


def win_rate_of_places(
    verdicts: NDArray[np.int64], prompts: ArrayLike, confidence: float = 0.95
) -> WinRate:
    """The same from verdicts as places in WINNERS."""
    wins, losses, ties = np.bincount(verdicts, minlength=len(WINNERS)).tolist()
    independent = win_rate(wins, ties, losses, confidence)
    clusters, count = numbered(prompts)
    if count == len(clusters):
        return independent
    rate = share_by_cluster(SCORES[verdicts], clusters, confidence)
    return WinRate(wins, ties, losses, rate, rate.mapped(200, -100), independent.rate_without_ties)


def preference_test(
    verdicts: NDArray[np.int64], prompts: NDArray[np.int64], rates: WinRate
) -> PreferenceTest:
    """Of the win rate against 1/2, from verdicts as places in WINNERS."""
    if not rates.n:
        return PreferenceTest("sign", None)
    clusters, count = numbered(prompts)
    if count == len(clusters):
        return PreferenceTest("sign", sign_test(rates.wins, rates.losses).p_value)
    means = np.bincount(clusters, SCORES[verdicts], count) / np.bincount(clusters, minlength=count)
    return PreferenceTest("prompt-t", prompt_t_test(means).p_value)


def vote_share(votes: pd.DataFrame, confidence: float = 0.95) -> VoteShare:
    """Vote-level share of A from the columns winner, comparison_id, prompt_id and rater.

    Without the raters' names (or with an empty one) there is no interval for new raters.
    """
    known = "rater" in votes and votes["rater"].ne("").all()
    return share_of_votes(
        scores_for_a(votes["winner"]).to_numpy(),
        comparisons=votes["comparison_id"],
        prompts=votes["prompt_id"],
        raters=votes["rater"] if known else None,
        confidence=confidence,
    )


def share_of_votes(
    scores: Floats,
    *,
    comparisons: ArrayLike,
    prompts: ArrayLike,
    raters: ArrayLike | None,
    confidence: float = 0.95,
) -> VoteShare:
    """The same from one score for A per vote, with its labels; `raters` where all are known."""
    items, count = numbered(comparisons)
    clusters, _ = numbered(prompts)
    first_votes = first_places(items, count)
    means = np.bincount(items, scores, count) / np.bincount(items, minlength=count)
    return VoteShare(
        votes=len(scores),
        pooled=share_by_cluster(scores, clusters, confidence),
        item_weighted=share_by_cluster(means, clusters[first_votes], confidence),
        new_raters=_share_for_new_raters(scores, clusters, raters, confidence),
    )


def leave_one_rater_out(
    votes: pd.DataFrame, rule: MajorityRule = MajorityRule.PLURALITY
) -> RaterRange:
    """The majority win rate with each rater in turn left out: how much hangs on one person.

    All verdicts are made anew from the votes that remain; a comparison that is left without
    votes is not counted. Undefined for fewer than two raters or unknown ones.

    Parameters
    ----------
    votes
        Columns comparison_id, rater and winner, over complete comparisons; at most one vote per
        rater and comparison.

    Raises
    ------
    ValueError
        A winner that is not understood.
    """
    scores_for_a(votes["winner"])
    raters, names = pd.factorize(votes["rater"], sort=True)
    if votes["rater"].eq("").any():
        return RaterRange(len(names), None, None)
    items, kinds = pd.factorize(votes["comparison_id"])
    choices = pd.Index(WINNERS).get_indexer(pd.Index(votes["winner"]))
    cells = np.bincount(items * len(WINNERS) + choices, minlength=len(kinds) * len(WINNERS))
    counts = cells.reshape(-1, len(WINNERS))
    return range_without_each(raters, counts, items, choices, rule)


def range_without_each(
    raters: NDArray[np.int64],
    counts: NDArray[np.int64],
    items: NDArray[np.int64],
    choices: NDArray[np.int64],
    rule: MajorityRule,
) -> RaterRange:
    """The same from numbers: one known rater, comparison and choice per vote.

    Parameters
    ----------
    counts
        Comparisons x choices: the votes of all raters.
    """
    raters, names = numbered(raters)
    if names < 2:
        return RaterRange(names, None, None)
    own = np.eye(len(WINNERS), dtype=np.int64)[choices]
    (score, counted), (other, kept) = (
        _verdict_scores(table, rule) for table in (counts, counts[items] - own)
    )
    totals = score.sum() + np.bincount(raters, weights=other - score[items])
    sizes = counted.sum() - np.bincount(raters, weights=counted[items] & ~kept)
    rates = totals[sizes > 0] / sizes[sizes > 0]
    return RaterRange(names, float(rates.min()), float(rates.max()))


def scores_for_a(winners: pd.Series) -> pd.Series:
    """1 where A won, 1/2 for a tie, 0 where B won.

    Raises
    ------
    ValueError
        Any other winner; the message names the rows.
    """
    scores = winners.map(SCORE_FOR_A)
    if scores.isna().any():
        rows = ", ".join(map(str, winners.index[scores.isna()][:5]))
        raise ValueError(f"winner must be one of {', '.join(WINNERS)} (row {rows}).")
    return scores.astype(float)


def _share_for_new_raters(
    scores: Floats, prompts: ArrayLike, raters: ArrayLike | None, confidence: float
) -> Estimate:
    if raters is None:
        pooled = float(scores.mean()) if len(scores) else None
        return Estimate(pooled, undefined=Undefined.UNKNOWN_RATERS)
    return two_way_share(scores, prompts, raters, confidence=confidence).share


def _verdict_scores(
    counts: NDArray[np.int64], rule: MajorityRule
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Score for A of each comparison's verdict (0 without one), and whether it has one."""
    places = verdict_places(counts, rule)
    return np.where(places == NOBODY_VOTED, 0.0, SCORES[places]), places != NOBODY_VOTED
