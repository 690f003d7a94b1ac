"""How often A is preferred: by majority verdicts, and by single votes."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.core.clusters import share_by_cluster
from analysis.core.estimates import Estimate, Undefined
from analysis.core.intervals import tango, wilson

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


@dataclass(frozen=True, slots=True)
class VoteShare:
    """Share of votes for A, ties half, with prompts as clusters.

    `pooled` weighs every vote alike, `item_weighted` every comparison alike.
    """

    votes: int
    pooled: Estimate
    item_weighted: Estimate


def win_rate(wins: int, ties: int, losses: int, confidence: float = 0.95) -> WinRate:
    """Score intervals for independent comparisons, one per prompt.

    Wilson without ties; with ties Tango's interval of the difference, mapped to the win rate.
    """
    n = wins + ties + losses
    if n == 0:
        nothing = Estimate(None, undefined=Undefined.NO_VOTES)
        return WinRate(0, 0, 0, nothing, nothing, None)
    difference = tango(wins, ties, losses, confidence)
    interval = difference.mapped(0.5, 0.5) if ties else wilson(wins, n, confidence)
    rate = Estimate((wins + ties / 2) / n, interval=interval)
    net = Estimate(100 * (wins - losses) / n, interval=difference.mapped(100, 0))
    without_ties = wins / (wins + losses) if wins + losses else None
    return WinRate(wins, ties, losses, rate, net, without_ties)


def win_rate_of_verdicts(
    verdicts: pd.Series, prompts: pd.Series, confidence: float = 0.95
) -> WinRate:
    """Win rate of A; where a prompt has several comparisons, prompts are the clusters."""
    counts = verdicts.value_counts()
    wins, ties, losses = (int(counts.get(name, 0)) for name in ("model_a", "tie", "model_b"))
    independent = win_rate(wins, ties, losses, confidence)
    if prompts.is_unique:
        return independent
    rate = share_by_cluster(verdicts.map(SCORE_FOR_A).astype(float), prompts, confidence)
    return WinRate(wins, ties, losses, rate, _net_of(rate), independent.rate_without_ties)


def vote_share(votes: pd.DataFrame, confidence: float = 0.95) -> VoteShare:
    """Vote-level share of A from the columns winner, comparison_id and prompt_id."""
    scores = votes["winner"].map(SCORE_FOR_A).astype(float)
    items = votes.assign(score=scores).groupby("comparison_id", sort=True)
    per_item = items.agg(score=("score", "mean"), prompt_id=("prompt_id", "first"))
    return VoteShare(
        votes=len(votes),
        pooled=share_by_cluster(scores, votes["prompt_id"], confidence),
        item_weighted=share_by_cluster(per_item["score"], per_item["prompt_id"], confidence),
    )


def _net_of(rate: Estimate) -> Estimate:
    """100 (2 rate - 1), with everything that hangs on it."""
    if rate.value is None:
        return rate
    return Estimate(
        value=200 * rate.value - 100,
        se=None if rate.se is None else 200 * rate.se,
        interval=rate.interval.mapped(200, -100) if rate.interval else None,
        undefined=rate.undefined,
    )
