"""Strengths refitted to resampled prompts: the check of the sandwich."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from analysis.core.bradley_terry import GHOST, Strengths, fit_strengths, maximise_likelihood
from analysis.core.contests import Contests, components, win_matrix
from analysis.core.resampling import CELLS_AT_ONCE

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

CHORD_STEPS = 40
CHORD_TOLERANCE = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class StrengthDraws:
    """Strengths refitted to resampled prompts: draws x models, each row summing to 0.

    `regularised` draws had no maximum likelihood fit and were fitted with the ghost.
    """

    models: tuple[str, ...]
    values: Floats
    regularised: int


def bootstrap_strengths(
    contests: Contests, *, rng: np.random.Generator, draws: int = 1_000
) -> StrengthDraws:
    """Refits to prompts drawn with replacement, with all the votes they hold.

    Only the table of pair counts matters. Draws are fitted together, by Newton steps with the
    information at the fit of all votes.

    Raises
    ------
    ValueError
        Contests that are not clustered by prompt.
    NoMaximumError
        The contests themselves have no maximum.
    """
    if contests.prompts is None:
        raise ValueError("a bootstrap of prompts needs the prompt of every contest")
    centre = fit_strengths(contests)
    first, second = np.nonzero(np.triu(_met(contests), 1))
    wins, votes = _resampled_model_pairs(contests, first, second, draws, rng)
    values = np.empty((draws, len(contests.models)))
    unfit = np.zeros(draws, dtype=bool)
    rows = max(1, CELLS_AT_ONCE // len(first))
    for start in range(0, draws, rows):
        block = slice(start, start + rows)
        values[block], unfit[block] = _chord_newton(
            centre, wins[block], votes[block], first, second
        )
    regularised = 0
    for draw in np.flatnonzero(unfit):
        table = np.zeros((len(contests.models),) * 2)
        table[first, second], table[second, first] = wins[draw], votes[draw] - wins[draw]
        separated = bool(components(table > 0, "strong").any())
        point = maximise_likelihood(table, ghost=GHOST if separated else 0)
        values[draw] = point - point.mean()
        regularised += separated
    return StrengthDraws(contests.models, values, regularised)


def _met(contests: Contests) -> Flags:
    wins = win_matrix(contests)
    return np.asarray(wins + wins.T > 0)


def _resampled_model_pairs(
    contests: Contests,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    draws: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Draws x pairs: wins of the first model (ties half) and votes."""
    m = len(contests.models)
    kinds, prompts = np.unique(np.asarray(contests.prompts), return_inverse=True)
    pair_of = np.full(m * m, -1)
    pair_of[first * m + second] = np.arange(len(first))
    pairs = pair_of[contests.first * m + contests.second]
    clusters = len(kinds)
    repeats = rng.multinomial(clusters, [1 / clusters] * clusters, size=draws).astype(float)
    wins, votes = np.zeros((2, draws, len(first)))
    # Prompts in blocks: the dense prompts x pairs table stays small and the product is fast.
    rows = max(1, CELLS_AT_ONCE // len(first))
    for start in range(0, clusters, rows):
        inside = (prompts >= start) & (prompts < start + rows)
        size = min(rows, clusters - start)
        cells = (prompts[inside] - start) * len(first) + pairs[inside]
        for counts, total in ((contests.score, wins), (contests.votes, votes)):
            table = np.bincount(cells, counts[inside], size * len(first))
            total += repeats[:, start : start + rows] @ table.reshape(size, len(first))
    return wins, votes


def _chord_newton(
    centre: Strengths,
    wins: Floats,
    votes: Floats,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> tuple[Floats, Flags]:
    """Fits of all rows at once from the fit of all votes, and which rows did not converge.

    A row without a finite maximum never converges, because its strengths keep growing; rows
    whose wins leave a model out are not even tried.
    """
    m = len(centre.models)
    incidence = np.zeros((len(first), m))
    incidence[np.arange(len(first)), first] = 1
    incidence[np.arange(len(first)), second] = -1
    inverse = centre.model_covariance
    points = np.tile(centre.values, (len(wins), 1))
    active = np.arange(len(wins))
    for _ in range(CHORD_STEPS):
        p = expit(points[active] @ incidence.T)
        steps = (wins[active] - votes[active] * p) @ incidence @ inverse
        points[active] += steps
        active = active[np.abs(steps).max(axis=1) > CHORD_TOLERANCE]
        if not len(active):
            break
    unfit = np.zeros(len(wins), dtype=bool)
    unfit[active] = True
    return points, unfit
