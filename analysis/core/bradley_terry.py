"""Strengths of models from pairwise contests (Zermelo 1929; Bradley & Terry 1952).

P(i beats j) = 1 / (1 + exp(l_j - l_i)); a tie is half a win for both. Votes of one prompt are not
independent, so that intervals rest on the sandwich over prompts and not on the model's own
covariance, which is too small under prompt effects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import expit, log_expit, xlogy

from analysis.core.contests import Contests, connectivity, win_matrix
from analysis.core.estimates import Estimate, Interval, Population, Undefined
from analysis.core.intervals import clustered_estimate
from analysis.core.newton import Curve, maximise

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GHOST = 0.5
ELO_MEAN = 1000.0
ELO_POINTS = 400 / log(10)


class NoMaximumError(ValueError):
    """The likelihood has no finite maximum: the wins do not connect all models both ways."""


@dataclass(frozen=True, slots=True, eq=False)
class Strengths:
    """A fit: the strength l of each model on the logit scale, and how sure it is.

    Strengths sum to 0, but those of a regularised fit are relative to the ghost at 0.

    Attributes
    ----------
    model_covariance
        Inverse information: right only if all votes are independent.
    covariances
        The sandwich over prompts, or the three of prompts, raters and cells (prompt and rater).
        Empty without clusters.
    clusters
        Number of prompts, or the smaller of prompts and raters; 0 where rows are not clustered.
    """

    models: tuple[str, ...]
    values: Floats
    model_covariance: Floats
    covariances: tuple[Floats, ...]
    clusters: int
    log_likelihood: float
    regularised: bool

    def contrast(self, weights: Floats, confidence: float = 0.95) -> Estimate:
        """weights @ strengths with the clustered t interval; `weights` sum to 0.

        Several covariances are added as prompts + raters - cells, and count for at least the
        larger of the first two. No interval with fewer than two clusters, or if all are alike.
        """
        terms = [float(weights @ covariance @ weights) for covariance in self.covariances]
        return self._estimate(float(weights @ self.values), terms, confidence)

    def difference(self, model: str, other: str, confidence: float = 0.95) -> Estimate:
        """l_model - l_other: the contrast of two models, without a pass over all the others."""
        i, j = self.models.index(model), self.models.index(other)
        terms = [
            float((own[i, i] - own[j, i]) - (own[i, j] - own[j, j])) for own in self.covariances
        ]
        return self._estimate(float(self.values[i] - self.values[j]), terms, confidence)

    def _estimate(self, value: float, terms: list[float], confidence: float) -> Estimate:
        """A contrast from its variance by each covariance."""
        if self.clusters < 2:
            return Estimate(value, undefined=Undefined.TOO_FEW_CLUSTERS)
        two_way = len(terms) > 1
        variance = max(terms[0] + terms[1] - terms[2], *terms[:2]) if two_way else terms[0]
        population = Population.PROMPTS_AND_RATERS if two_way else Population.PROMPTS
        return clustered_estimate(value, variance, self.clusters - 1, population, confidence)


def fit_strengths(contests: Contests) -> Strengths:
    """The maximum likelihood fit, strengths summing to 0, with the sandwich of its clusters.

    Raises
    ------
    NoMaximumError
        Not all models are in one strong component; see `connectivity` and `fit_with_ghost`.
    """
    if not connectivity(contests).mle_exists:
        raise NoMaximumError("some models never lost, or never met, the others")
    return _fit(contests, ghost=0, l2=0)


def fit_with_ghost(contests: Contests, ghost: float = GHOST) -> Strengths:
    """The fit with a ghost of strength 0 whom each model beats and loses to `ghost` times.

    Finite for any contests (Turner, van Etten, Firth & Kosmidis 2020, Comput Stat 35:1027).
    """
    return _fit(contests, ghost=ghost, l2=0)


def fit_with_l2(contests: Contests, l2: float) -> Strengths:
    """The maximum of log-likelihood - l2 * sum of squared strengths; finite for any contests."""
    return _fit(contests, ghost=0, l2=l2)


def maximise_likelihood(wins: Floats, *, ghost: float = 0, l2: float = 0) -> Floats:
    """Strengths from a win matrix alone; the caller knows that they are finite."""
    return maximise(lambda point: _curve(point, wins, ghost, l2), np.zeros(len(wins))).point


def win_probability(difference: Estimate) -> Estimate:
    """P(i beats j) from l_i - l_j; the interval is that of the difference, transformed."""
    if difference.value is None:
        return difference
    interval = difference.interval
    if interval:
        bounds = float(expit(interval.lower)), float(expit(interval.upper))
        interval = Interval(*bounds, interval.method, interval.population)
    value = float(expit(difference.value))
    se = None if difference.se is None else difference.se * value * (1 - value)
    return Estimate(value, se, interval, difference.undefined)


def elo_ratings(
    strengths: Strengths, *, anchor: str | None = None, confidence: float = 0.95
) -> dict[str, Estimate]:
    """1000 + 400 / ln(10) (l_i - mean l), or less l of the anchor, which then has 1000 itself.

    A linear map, so that intervals map too. Not the online Elo updates, which depend on the order
    of the votes.
    """
    m = len(strengths.models)
    zero = np.full(m, 1 / m)
    if anchor is not None:
        zero = np.eye(m)[strengths.models.index(anchor)]
    return {
        name: strengths.contrast(np.eye(m)[i] - zero, confidence).mapped(ELO_POINTS, ELO_MEAN)
        for i, name in enumerate(strengths.models)
    }


@dataclass(frozen=True, slots=True)
class GoodnessOfFit:
    """Deviance against the model with a win rate of its own for each pair."""

    deviance: float
    df: int


def goodness_of_fit(contests: Contests, strengths: Strengths) -> GoodnessOfFit:
    """How far the pairs' win rates are from those that one strength per model gives.

    `df` is the number of pairs compared less the free strengths. The deviance is chi-squared only
    for independent votes; under prompt effects it is larger.
    """
    wins = win_matrix(contests)
    votes = wins + wins.T
    met = votes > 0
    fitted = votes * expit(np.subtract.outer(strengths.values, strengths.values))
    deviance = 2 * float(xlogy(wins[met], wins[met] / fitted[met]).sum())
    return GoodnessOfFit(deviance, int(met.sum()) // 2 - (len(wins) - 1))


def _fit(contests: Contests, *, ghost: float, l2: float) -> Strengths:
    wins, m = win_matrix(contests), len(contests.models)
    top = maximise(lambda point: _curve(point, wins, ghost, l2), np.zeros(m))
    inverse: Floats = np.linalg.inv(top.curve.information).astype(float)
    values = top.point
    if not (ghost or l2):
        inverse -= 1 / m
        values = values - values.mean()
    covariances, clusters = _sandwiches(contests, values, inverse)
    return Strengths(
        models=contests.models,
        values=values,
        model_covariance=inverse,
        covariances=covariances,
        clusters=clusters,
        log_likelihood=_log_likelihood(values, wins),
        regularised=bool(ghost or l2),
    )


def _curve(strengths: Floats, wins: Floats, ghost: float, l2: float) -> Curve:
    """The (penalised) log-likelihood; unpenalised strengths are held at a sum of 0."""
    m, votes = len(wins), wins + wins.T
    p = expit(np.subtract.outer(strengths, strengths))
    value, gradient = _log_likelihood(strengths, wins), (wins - votes * p).sum(axis=1)
    q = votes * p * (1 - p)
    information = np.diag(q.sum(axis=1)) - q
    if ghost:
        value += ghost * float((log_expit(strengths) + log_expit(-strengths)).sum())
        gradient += ghost * (1 - 2 * expit(strengths))
        information += np.diag(2 * ghost * expit(strengths) * expit(-strengths))
    if l2:
        value -= l2 * float(strengths @ strengths)
        gradient -= 2 * l2 * strengths
        information += 2 * l2 * np.eye(m)
    if not (ghost or l2):
        value -= float(strengths.sum()) ** 2 / (2 * m)
        gradient -= strengths.sum() / m
        information += 1 / m
    return Curve(value, gradient, information)


def _log_likelihood(strengths: Floats, wins: Floats) -> float:
    return float((wins * log_expit(np.subtract.outer(strengths, strengths))).sum())


def clustered_meats(
    contests: Contests, entries: Sequence[tuple[Ints, Ints, Floats]], parameters: int
) -> tuple[tuple[Floats, ...], int]:
    """G / (G - 1) sum of s_g s_g' for prompts, or for prompts, raters and cells.

    Parameters
    ----------
    entries
        (row of the contests, parameter, derivative of the row's log-likelihood), as arrays.

    Returns
    -------
    The matrices, and the smallest number of prompts and raters; empty and 0 without prompts.
    """
    if contests.prompts is None:
        return (), 0
    ways = [contests.prompts]
    if contests.raters is not None:
        cells = contests.prompts * (contests.raters.max(initial=0) + 1) + contests.raters
        ways += [contests.raters, cells]
    rows, columns, slopes = map(np.concatenate, zip(*entries, strict=True))
    meats, counts = [], []
    for codes in ways:
        clusters, labels = np.unique(codes, return_inverse=True)
        shape = len(clusters), parameters
        scores = csr_array((slopes, (labels[rows], columns)), shape=shape)
        factor = len(clusters) / max(1, len(clusters) - 1)
        meats.append(factor * (scores.T @ scores).toarray())
        counts.append(len(clusters))
    return tuple(meats), min(counts[:2])


def _sandwiches(
    contests: Contests, strengths: Floats, inverse: Floats
) -> tuple[tuple[Floats, ...], int]:
    """A M A for each matrix of `clustered_meats`.

    Equals R's sandwich::vcovCL(type="HC0", cadjust=TRUE) (Zeileis, Koll & Graham 2020,
    J Stat Softw 95:1).
    """
    expected = contests.votes * expit(strengths[contests.first] - strengths[contests.second])
    residuals, rows = contests.score - expected, np.arange(len(contests.first))
    entries = [(rows, contests.first, residuals), (rows, contests.second, -residuals)]
    meats, clusters = clustered_meats(contests, entries, len(strengths))
    return tuple(inverse @ meat @ inverse for meat in meats), clusters
