"""How often A is preferred: by majority verdicts, and by single votes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core.clusters import share_by_cluster, two_way_share
from analysis.core.columns import WINNERS
from analysis.core.estimates import Estimate, Population, Undefined
from analysis.core.intervals import tango, wilson
from analysis.core.settings import MajorityRule
from analysis.core.verdicts import majority_verdicts

SCORE_FOR_A = {"model_a": 1.0, "tie": 0.5, "model_b": 0.0}


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
    counts = verdicts.value_counts()
    wins, ties, losses = (int(counts.get(name, 0)) for name in ("model_a", "tie", "model_b"))
    independent = win_rate(wins, ties, losses, confidence)
    if prompts.is_unique:
        return independent
    rate = share_by_cluster(scores_for_a(verdicts), prompts, confidence)
    return WinRate(wins, ties, losses, rate, rate.mapped(200, -100), independent.rate_without_ties)


def vote_share(votes: pd.DataFrame, confidence: float = 0.95) -> VoteShare:
    """Vote-level share of A from the columns winner, comparison_id, prompt_id and rater.

    Without the raters' names (or with an empty one) there is no interval for new raters.
    """
    scores = scores_for_a(votes["winner"])
    items = votes.assign(score=scores).groupby("comparison_id", sort=True)
    per_item = items.agg(score=("score", "mean"), prompt_id=("prompt_id", "first"))
    return VoteShare(
        votes=len(votes),
        pooled=share_by_cluster(scores, votes["prompt_id"], confidence),
        item_weighted=share_by_cluster(per_item["score"], per_item["prompt_id"], confidence),
        new_raters=_share_for_new_raters(scores, votes, confidence),
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
    if len(names) < 2 or votes["rater"].eq("").any():
        return RaterRange(len(names), None, None)
    items, _ = pd.factorize(votes["comparison_id"])
    choices = pd.Index(WINNERS).get_indexer(pd.Index(votes["winner"]))
    counts = np.zeros((items.max() + 1, len(WINNERS)), dtype=np.int64)
    np.add.at(counts, (items, choices), 1)
    own = np.eye(len(WINNERS), dtype=np.int64)[choices]
    (score, counted), (other, kept) = (
        _verdict_scores(table, rule) for table in (counts, counts[items] - own)
    )
    totals = score.sum() + np.bincount(raters, weights=other - score[items])
    sizes = counted.sum() - np.bincount(raters, weights=counted[items] & ~kept)
    rates = totals[sizes > 0] / sizes[sizes > 0]
    return RaterRange(len(names), float(rates.min()), float(rates.max()))


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


def _share_for_new_raters(scores: pd.Series, votes: pd.DataFrame, confidence: float) -> Estimate:
    if "rater" not in votes or votes["rater"].eq("").any():
        pooled = float(scores.mean()) if len(scores) else None
        return Estimate(pooled, undefined=Undefined.UNKNOWN_RATERS)
    return two_way_share(scores, votes["prompt_id"], votes["rater"], confidence=confidence).share


def _verdict_scores(
    counts: NDArray[np.int64], rule: MajorityRule
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Score for A of each comparison's verdict (0 without one), and whether it has one."""
    verdicts = majority_verdicts(counts, rule)
    scores = 1.0 * (verdicts == "model_a") + 0.5 * (verdicts == "tie")
    return scores, counts.sum(axis=1) > 0
