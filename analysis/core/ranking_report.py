"""What a report says about the ranks of more than two models, in plain numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations

import pandas as pd

from analysis.core.bradley_terry import (
    GoodnessOfFit,
    Strengths,
    elo_ratings,
    goodness_of_fit,
    win_probability,
)
from analysis.core.contests import Contests, contests_by_side, contests_of_votes
from analysis.core.estimates import Estimate, Undefined
from analysis.core.rankings import (
    Island,
    OneSided,
    Ranking,
    cyclic_triples,
    one_sided_contests,
    rank_models,
)
from analysis.core.strength_models import fit_side_effect

FEWEST_MODELS = 3
MOST_PROBABLE = 200
"""Of so many models a report says how likely each is preferred to each: the number of pairs grows
with the square. The ratings of all give every other: P = 1 / (1 + 10^((R_other - R) / 400)).
"""


@dataclass(frozen=True, slots=True)
class RankedModel:
    """One model: its rating on the Elo scale, and the ranks between which it lies in its island.

    The rating has no interval where the fit of the island is regularised. Ranks are `None` in
    islands of fewer than three models.
    """

    model: str
    island: int
    rating: Estimate
    best_rank: int | None
    worst_rank: int | None


@dataclass(frozen=True, slots=True)
class ModelPairProbability:
    """How likely one model is preferred to the other, by the strengths."""

    model: str
    other: str
    probability: Estimate


@dataclass(frozen=True, slots=True)
class AxisRanking:
    """Bradley-Terry over all valid votes of one axis (and protocol), ties half.

    `probabilities` are those among the 200 highest rated models. `side_effect` is what standing
    left adds on the logit scale. `fit` is `None` where models are not all connected both ways;
    `one_sided` then says what is sure.
    """

    protocol: str
    axis: str
    models: tuple[RankedModel, ...]
    probabilities: tuple[ModelPairProbability, ...]
    side_effect: Estimate
    fit: GoodnessOfFit | None
    one_sided: tuple[OneSided, ...]
    cyclic_triples: tuple[tuple[str, str, str], ...]
    warnings: tuple[str, ...]


def axis_ranking(votes: pd.DataFrame, confidence: float = 0.95) -> AxisRanking | None:
    """The ranking of one axis and protocol; `None` for fewer than three models."""
    if len({*votes["model_a"], *votes["model_b"]}) < FEWEST_MODELS:
        return None
    contests = contests_of_votes(votes)
    ranking = rank_models(contests, confidence=confidence)
    models = tuple(
        model
        for number, island in enumerate(ranking.islands)
        for model in _ranked(number, island, confidence)
    )
    return AxisRanking(
        protocol=votes["protocol"].iloc[0],
        axis=votes["axis"].iloc[0],
        models=models,
        probabilities=_probabilities(ranking, models),
        side_effect=_side_effect(votes, confidence),
        fit=_fit(contests, ranking),
        one_sided=one_sided_contests(contests),
        cyclic_triples=cyclic_triples(contests, confidence=confidence),
        warnings=ranking.warnings,
    )


def best_first(models: Iterable[RankedModel]) -> list[RankedModel]:
    """By rating, each island's for itself."""
    return sorted(models, key=lambda one: (one.island, -(one.rating.value or 0), one.model))


def _probabilities(
    ranking: Ranking, models: Iterable[RankedModel]
) -> tuple[ModelPairProbability, ...]:
    shown = sorted(one.model for one in best_first(models)[:MOST_PROBABLE])
    pairs = list(combinations(shown, 2))
    return tuple(
        ModelPairProbability(*pair, win_probability(difference))
        for pair, difference in zip(pairs, ranking.differences(pairs), strict=True)
    )


def _ranked(number: int, island: Island, confidence: float) -> list[RankedModel]:
    ranks = {rank.model: (rank.best, rank.worst) for rank in island.ranks}
    return [
        RankedModel(name, number, rating, *ranks.get(name, (None, None)))
        for name, rating in _ratings(island.strengths, confidence).items()
    ]


def _ratings(strengths: Strengths, confidence: float) -> dict[str, Estimate]:
    ratings = elo_ratings(strengths, confidence=confidence)
    if not strengths.regularised:
        return ratings
    return {
        name: replace(rating, se=None, interval=None, undefined=Undefined.SEPARATED)
        for name, rating in ratings.items()
    }


def _fit(contests: Contests, ranking: Ranking) -> GoodnessOfFit | None:
    if not ranking.connectivity.mle_exists:
        return None
    return goodness_of_fit(contests, ranking.components[0])


def _side_effect(votes: pd.DataFrame, confidence: float) -> Estimate:
    if votes["side_a"].eq("").all():
        return Estimate(None, undefined=Undefined.NO_VOTES)
    return fit_side_effect(contests_by_side(votes), confidence).effect
