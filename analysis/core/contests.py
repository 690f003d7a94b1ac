"""Scored contests between models: the sufficient counts that rankings are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from analysis.core.win_rates import scores_for_a

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Groups = tuple[tuple[str, ...], ...]

WAYS: tuple[Literal["weak", "strong"], ...] = ("weak", "strong")


@dataclass(frozen=True, slots=True, eq=False)
class Contests:
    """One row per model pair and cluster, the model with the lower index (or on the left) first.

    Attributes
    ----------
    models
        The names, in alphabetical order; `first` and `second` are indices into them.
    wins, losses, ties
        Votes of the row for the first model, for the second, and for neither.
    prompts, raters
        Codes 0 .. of the row's prompt and rater; `None` where rows are not clustered by them.
    """

    models: tuple[str, ...]
    first: Ints
    second: Ints
    wins: Floats
    losses: Floats
    ties: Floats
    prompts: Ints | None = None
    raters: Ints | None = None

    @property
    def votes(self) -> Floats:
        return self.wins + self.losses + self.ties

    @property
    def score(self) -> Floats:
        """Wins of the first model, a tie as half a win."""
        return self.wins + self.ties / 2

    def of(self, models: Sequence[str]) -> Contests:
        """The contests among some models only."""
        kept = tuple(name for name in self.models if name in set(models))
        place = np.full(len(self.models), -1)
        place[[self.models.index(name) for name in kept]] = range(len(kept))
        first, second = place[self.first], place[self.second]
        rows = (first >= 0) & (second >= 0)
        return Contests(
            kept,
            first[rows],
            second[rows],
            self.wins[rows],
            self.losses[rows],
            self.ties[rows],
            None if self.prompts is None else self.prompts[rows],
            None if self.raters is None else self.raters[rows],
        )


@dataclass(frozen=True, slots=True)
class Connectivity:
    """Which models can be compared (Ford 1957, Am Math Mon 64:28).

    `islands` are never compared with each other; within an island every model can reach every
    other by contests. Within a strong component every model can reach every other by a chain of
    wins, a tie counting both ways: a finite maximum of the likelihood needs a single one.
    """

    islands: Groups
    strong_components: Groups

    @property
    def comparable(self) -> bool:
        return len(self.islands) == 1

    @property
    def mle_exists(self) -> bool:
        return len(self.strong_components) == 1


def contests_of_votes(votes: pd.DataFrame, *, by_rater: bool = False) -> Contests:
    """Contests from the columns model_a, model_b, winner, prompt_id and, if wanted, rater.

    Votes of one prompt and model pair (and rater) are added up, whichever way round they come.

    Raises
    ------
    ValueError
        A winner that is not understood, a model against itself, or a vote without its rater.
    """
    if by_rater and votes["rater"].eq("").any():
        raise ValueError("contests by rater need the rater of every vote")
    return contests_of_scores(
        *_coded(votes),
        prompts=votes["prompt_id"],
        raters=votes["rater"] if by_rater else None,
    )


def contests_by_side(votes: pd.DataFrame) -> Contests:
    """Contests whose first model stood left, from votes with a known `side_a`."""
    known = votes[votes["side_a"].ne("")]
    models, a, b, scores = _coded(known)
    a_left = known["side_a"].eq("left").to_numpy()
    left, right = np.where(a_left, a, b), np.where(a_left, b, a)
    score = np.where(a_left, scores, 1 - scores)
    return contests_of_scores(models, left, right, score, prompts=known["prompt_id"], ordered=True)


def _coded(votes: pd.DataFrame) -> tuple[list[str], Ints, Ints, Floats]:
    """The models in alphabetical order, and of each vote both models' places and A's score."""
    scores = scores_for_a(votes["winner"]).to_numpy()
    models = sorted({*votes["model_a"], *votes["model_b"]})
    index = pd.Index(models, dtype=object)
    a, b = (
        index.get_indexer(pd.Index(votes[name], dtype=object)) for name in ("model_a", "model_b")
    )
    return models, a, b, scores


def contests_of_scores(
    models: Sequence[str],
    first: ArrayLike,
    second: ArrayLike,
    scores: ArrayLike,
    *,
    prompts: ArrayLike | None = None,
    raters: ArrayLike | None = None,
    ordered: bool = False,
) -> Contests:
    """Contests from one row per vote: indices of two models and the first one's score.

    With `ordered` the first model of a vote stays the first, as the one that stood left.

    Raises
    ------
    ValueError
        A score other than 0, 1/2 and 1, or a model against itself.
    """
    i, j = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    x = np.asarray(scores, dtype=float)
    if not np.isin(x, [0, 0.5, 1]).all() or (i == j).any():
        raise ValueError("a vote is a score of 0, 1/2 or 1 between two different models")
    if not ordered:
        x = np.where(i < j, x, 1 - x)
        i, j = np.minimum(i, j), np.maximum(i, j)
    rows = pd.DataFrame({"first": i, "second": j})
    for name, codes in (("prompt", prompts), ("rater", raters)):
        if codes is not None:
            rows[name] = pd.factorize(np.asarray(codes), sort=True)[0]
    rows = rows.assign(wins=x == 1, losses=x == 0, ties=x == 0.5)
    keys = [name for name in ("prompt", "rater", "first", "second") if name in rows]
    table = rows.groupby(keys, sort=True)[["wins", "losses", "ties"]].sum().reset_index()
    columns = {name: table[name].to_numpy() for name in table}
    wins, losses, ties = (columns[name].astype(float) for name in ("wins", "losses", "ties"))
    ends = columns["first"], columns["second"]
    return Contests(
        tuple(models), *ends, wins, losses, ties, columns.get("prompt"), columns.get("rater")
    )


def contests_of_matrix(
    models: Sequence[str], wins: ArrayLike, ties: ArrayLike | None = None
) -> Contests:
    """Contests from how often the model of the row beat that of the column.

    `ties` is symmetric: the ties of a pair stand in both of its cells.
    """
    table = np.asarray(wins, dtype=float)
    equal = np.zeros_like(table) if ties is None else np.asarray(ties, dtype=float)
    if (equal != equal.T).any() or np.diag(table).any() or np.diag(equal).any():
        raise ValueError("ties are symmetric, and no model meets itself")
    i, j = np.nonzero(np.triu(table + table.T + equal, 1))
    return Contests(tuple(models), i, j, table[i, j], table[j, i], equal[i, j])


def win_matrix(contests: Contests) -> Floats:
    """Models x models: how often the row beat the column, a tie as half a win for both."""
    m = len(contests.models)
    shape = m * m
    ours = np.bincount(contests.first * m + contests.second, contests.score, shape)
    theirs = np.bincount(
        contests.second * m + contests.first, contests.votes - contests.score, shape
    )
    return np.asarray(ours + theirs, dtype=float).reshape(m, m)


def connectivity(contests: Contests) -> Connectivity:
    """Islands and strong components, each in the order of the models."""
    beats = win_matrix(contests) > 0
    return Connectivity(*(_groups(contests.models, components(beats, way)) for way in WAYS))


def components(
    beats: NDArray[np.bool_], connection: Literal["weak", "strong"]
) -> NDArray[np.int32]:
    """The component of each model, connected weakly or strongly, from models x models."""
    graph = csr_array(beats.astype(np.int8))
    return np.asarray(connected_components(graph, connection=connection)[1])


def _groups(models: Sequence[str], labels: NDArray[np.int32]) -> Groups:
    groups: dict[int, list[str]] = {}
    for name, label in zip(models, labels, strict=True):
        groups.setdefault(int(label), []).append(name)
    return tuple(map(tuple, groups.values()))
