"""Ranks of models: what may be compared, how sure the ranks are, and what contradicts them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core.bradley_terry import (
    Strengths,
    fit_strengths,
    fit_with_ghost,
)
from analysis.core.clusters import effective_size
from analysis.core.contests import Connectivity, Contests, connectivity, win_matrix
from analysis.core.estimates import Estimate, Undefined
from analysis.core.intervals import NO_SPREAD, two_sided_z
from analysis.core.significance import bonferroni_z
from analysis.core.strength_draws import StrengthDraws

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RankInterval:
    """Between which ranks a model lies, 1 the best; simultaneous over all models of its island."""

    model: str
    best: int
    worst: int


@dataclass(frozen=True, slots=True)
class OneSided:
    """All that can be said across strong components: these beat those in all their contests."""

    winners: tuple[str, ...]
    losers: tuple[str, ...]
    votes: int


@dataclass(frozen=True, slots=True, eq=False)
class Island:
    """Models that are connected by contests, and may be ranked together.

    `strengths` are regularised by a ghost, and `separated` is true, where some models never lost
    to, or never beat, the others. `ranks` are in the order of the models, and empty for fewer
    than three models: the win rate says it all.
    """

    strengths: Strengths
    separated: bool
    ranks: tuple[RankInterval, ...]

    @property
    def models(self) -> tuple[str, ...]:
        return self.strengths.models


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """All islands, and the maximum likelihood fit of each strong component within them."""

    connectivity: Connectivity
    islands: tuple[Island, ...]
    components: tuple[Strengths, ...]
    confidence: float

    @property
    def warnings(self) -> tuple[str, ...]:
        found = {
            Undefined.NOT_CONNECTED: len(self.islands) > 1,
            Undefined.SEPARATED: any(island.separated for island in self.islands),
        }
        return tuple(reason.value for reason, holds in found.items() if holds)

    def difference(self, model: str, other: str) -> Estimate:
        """l_model - l_other, undefined across islands and across strong components.

        Within a strong component it is that component's own fit, which does not depend on how
        far away the other components are.
        """
        [difference] = self.differences([(model, other)])
        return difference

    def differences(self, model_pairs: Iterable[tuple[str, str]]) -> Iterator[Estimate]:
        """`difference` of each pair."""
        island_of = {name: island for island in self.islands for name in island.models}
        fit_of = {name: fit for fit in self.components for name in fit.models}
        for model, other in model_pairs:
            if island_of[model] is not island_of[other]:
                yield Estimate(None, undefined=Undefined.NOT_CONNECTED)
            elif fit_of[model] is not fit_of[other]:
                yield Estimate(None, undefined=Undefined.SEPARATED)
            else:
                yield fit_of[model].difference(model, other, self.confidence)


def rank_models(contests: Contests, *, confidence: float = 0.95) -> Ranking:
    """Strengths and ranks of all models, each island apart."""
    graph = connectivity(contests)
    fits = tuple(fit_strengths(_among(contests, group)) for group in graph.strong_components)
    islands = tuple(_island(_among(contests, group), fits, confidence) for group in graph.islands)
    return Ranking(graph, islands, fits, confidence)


def rank_intervals(
    strengths: Strengths, *, critical: float | None = None, confidence: float = 0.95
) -> tuple[RankInterval, ...]:
    """Simultaneous rank intervals from all differences (Mogstad et al. 2024, REStud 91:476).

    Best rank = 1 + number of models that are surely better, worst = m - number surely worse.
    Surely: the difference is more than `critical` standard errors from 0; by default Bonferroni's
    z over all pairs. Without clusters nothing is sure.
    """
    return _ranks(strengths.models, _surely_better(strengths, critical, confidence))


def max_t_critical(
    strengths: Strengths, drawn: StrengthDraws, *, confidence: float = 0.95
) -> float:
    """Critical value of all differences at once: the quantile of the largest |t| over draws.

    Differences that do not vary do not count.
    """
    i, j = np.triu_indices(len(strengths.models), 1)
    gaps = drawn.values - strengths.values
    ses = np.sqrt(_difference_variances(strengths)[i, j])
    ses[ses < NO_SPREAD] = np.inf
    largest = np.zeros(len(gaps))
    for start in range(0, len(i), 1_000):
        pairs = slice(start, start + 1_000)
        t = np.abs(gaps[:, i[pairs]] - gaps[:, j[pairs]]) / ses[pairs]
        largest = np.maximum(largest, t.max(axis=1))
    return float(np.quantile(largest, confidence))


def one_sided_contests(contests: Contests) -> tuple[OneSided, ...]:
    """Strong components that met: all votes between two of them went the same way."""
    groups = connectivity(contests).strong_components
    places = [[contests.models.index(name) for name in group] for group in groups]
    wins = win_matrix(contests)
    return tuple(
        OneSided(groups[i], groups[j], int(votes))
        for i in range(len(groups))
        for j in range(len(groups))
        if i != j and (votes := wins[np.ix_(places[i], places[j])].sum())
    )


def cyclic_triples(
    contests: Contests, *, confidence: float = 0.95
) -> tuple[tuple[str, str, str], ...]:
    """Triples in which each surely beats the next and the last the first.

    Surely: the pair's win rate has its interval above 1/2, with prompts as clusters (every row
    where prompts are unknown). Strengths on one line cannot show such triples.
    """
    beats = _model_pair_wins(contests, confidence)
    names = contests.models
    return tuple(
        (names[i], names[j], names[k])
        for i in range(len(names))
        for j in np.flatnonzero(beats[i])
        for k in np.flatnonzero(beats[j] & beats[:, i])
        if i < min(j, k)
    )


def _among(contests: Contests, models: Sequence[str]) -> Contests:
    return contests if tuple(models) == contests.models else contests.of(models)


def _island(contests: Contests, fits: Sequence[Strengths], confidence: float) -> Island:
    inside = [fit for fit in fits if set(fit.models) <= set(contests.models)]
    separated = len(inside) > 1
    strengths = fit_with_ghost(contests) if separated else inside[0]
    m = len(contests.models)
    better: Flags = np.zeros((m, m), dtype=bool)
    for fit in inside:
        places = [contests.models.index(name) for name in fit.models]
        critical = bonferroni_z(max(1, m * (m - 1) // 2), confidence)
        better[np.ix_(places, places)] = _surely_better(fit, critical, confidence)
    ranks = _ranks(contests.models, better) if m > 2 else ()
    return Island(strengths, separated, ranks)


def _ranks(models: Sequence[str], better: Flags) -> tuple[RankInterval, ...]:
    """From models x models: whether the row is surely better than the column."""
    m = len(models)
    best, worst = 1 + better.sum(axis=0), m - better.sum(axis=1)
    return tuple(map(RankInterval, models, best.tolist(), worst.tolist()))


def _surely_better(strengths: Strengths, critical: float | None, confidence: float) -> Flags:
    m = len(strengths.models)
    if strengths.clusters < 2:
        return np.zeros((m, m), dtype=bool)
    z = bonferroni_z(max(1, m * (m - 1) // 2), confidence) if critical is None else critical
    gaps = np.subtract.outer(strengths.values, strengths.values)
    variances = _difference_variances(strengths)
    return np.asarray((gaps > z * np.sqrt(variances)) & (variances > NO_SPREAD**2))


def _difference_variances(strengths: Strengths) -> Floats:
    """Models x models: variance of each difference; two-way at least the larger of its parts."""
    terms = []
    for covariance in strengths.covariances:
        own = np.diag(covariance)
        terms.append(np.maximum(0, np.add.outer(own, own) - 2 * covariance))
    if len(terms) == 1:
        return terms[0]
    spread: Floats = np.maximum(terms[0] + terms[1] - terms[2], np.maximum(terms[0], terms[1]))
    return spread


def _model_pair_wins(contests: Contests, confidence: float) -> Flags:
    """Models x models: whether the win rate of the row over the column is surely above 1/2.

    That Wilson's interval on the effective size excludes 1/2 is the score test of 1/2.
    """
    m = len(contests.models)
    prompts = np.arange(len(contests.first)) if contests.prompts is None else contests.prompts
    rows = pd.DataFrame(
        {"i": contests.first, "j": contests.second, "prompt": prompts}
        | {"score": contests.score, "votes": contests.votes}
    )
    clusters = rows.groupby(["i", "j", "prompt"], as_index=False)[["score", "votes"]].sum()
    pairs = clusters.groupby(["i", "j"])
    totals, count = pairs[["score", "votes"]].transform("sum"), pairs["votes"].transform("size")
    share = totals["score"] / totals["votes"]
    squares = ((clusters["score"] - share * clusters["votes"]) / totals["votes"]) ** 2
    table = clusters.assign(share=share, count=count, squares=squares).groupby(["i", "j"])
    pair = table.agg(share=("share", "first"), count=("count", "first"), sum=("squares", "sum"))
    pair = pair[pair["count"] > 1]
    se = np.sqrt(pair["sum"] * pair["count"] / (pair["count"] - 1))
    effective = effective_size(pair["share"], se, pair["count"], confidence)
    z = 2 * (pair["share"].to_numpy() - 0.5) * np.sqrt(effective)
    i, j = (pair.index.get_level_values(name).to_numpy() for name in ("i", "j"))
    beats = np.zeros((m, m), dtype=bool)
    beats[i, j], beats[j, i] = z > two_sided_z(confidence), z < -two_sided_z(confidence)
    return beats
