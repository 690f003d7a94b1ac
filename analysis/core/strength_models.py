"""Bradley-Terry with one more parameter: for ties, or for the side of the screen.

Each model says how likely the votes of a model pair are, given the difference of two strengths and
one parameter that all model pairs share. All log-likelihoods are concave.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.special import expit, log_expit, xlog1py, xlogy

from analysis.core.bradley_terry import NoMaximumError, Strengths, clustered_meats, fit_strengths
from analysis.core.contests import Contests, connectivity
from analysis.core.estimates import Estimate, Undefined
from analysis.core.newton import Curve, maximise

Floats = NDArray[np.float64]


class Terms(NamedTuple):
    """Log-likelihood of each row with its derivatives by difference d and parameter k.

    The second derivatives have their sign turned.
    """

    value: Floats
    d: Floats
    k: Floats
    dd: Floats
    dk: Floats
    kk: Floats


Law = Callable[[Floats, float, Contests], Terms]


@dataclass(frozen=True, slots=True, eq=False)
class TieModel:
    """Strengths under a model of ties.

    Attributes
    ----------
    strengths
        With a sum of 0; those of plain Bradley-Terry where there are no ties.
    parameter
        nu of Davidson (0 without ties) or theta of Rao and Kupper (1 without ties).
    log_parameter, log_parameter_se
        log nu or eta = log theta, and its standard error for independent votes; `None` without
        ties.
    log_likelihood
        Sum of w log P(win) + t log P(tie), without a multinomial constant.
    """

    strengths: Strengths
    parameter: float
    log_parameter: float | None
    log_parameter_se: float | None
    log_likelihood: float

    @property
    def without_ties(self) -> bool:
        return self.log_parameter is None


@dataclass(frozen=True, slots=True, eq=False)
class SideEffect:
    """What standing left adds on the logit scale, and strengths adjusted for it.

    `effect` has its clustered standard error and interval, `model_se` is right for independent
    votes only. The deviance is against a win rate of its own for each ordered pair.
    """

    effect: Estimate
    model_se: float | None
    strengths: Strengths | None
    deviance: float | None


def fit_davidson(contests: Contests) -> TieModel:
    """Ties by Davidson (1970, JASA 65:317): weights e^l_i, e^l_j and nu e^((l_i + l_j) / 2).

    Raises
    ------
    NoMaximumError
        Models not all connected both ways (a tie connects), nothing but ties, or wins and ties
        that a single line of models predicts without error, such as wins and ties of one pair
        without a loss.
    """
    return _fit_ties(contests, _davidson, start=0.0, without_ties=0.0)


def fit_rao_kupper(contests: Contests) -> TieModel:
    """Ties by Rao & Kupper (1967, JASA 62:194): P(i) = expit(l_i - l_j - eta), theta = e^eta >= 1.

    A tie is a difference below the threshold eta that nobody sees. Raises as `fit_davidson`.
    """
    return _fit_ties(contests, _rao_kupper, start=0.5, without_ties=1.0)


def fit_side_effect(contests: Contests, confidence: float = 0.95) -> SideEffect:
    """Bradley-Terry with logit P(left beats right) = l_left - l_right + effect, ties half.

    Parameters
    ----------
    contests
        The first model of each row is the one that stood left: see `contests_by_side`.

    Returns
    -------
    Undefined with `not_connected` for models that never met, `no_variation` where sides say
    nothing that strengths do not, `separated` where a parameter would be infinite.
    """
    reason = _why_no_side_effect(contests)
    if reason:
        return SideEffect(Estimate(None, undefined=reason), None, None, None)
    point, inverse, _ = _maximise(contests, _by_side, 0.0)
    fit = _strengths(contests, _by_side, point, inverse)
    effect = fit.contrast(np.eye(len(point))[-1], confidence)
    return SideEffect(
        effect=effect,
        model_se=float(np.sqrt(inverse[-1, -1])),
        strengths=_without_parameter(fit, contests.models),
        deviance=_side_deviance(contests, point),
    )


def _fit_ties(contests: Contests, law: Law, *, start: float, without_ties: float) -> TieModel:
    if not contests.ties.any():
        fit = fit_strengths(contests)
        return TieModel(fit, without_ties, None, None, fit.log_likelihood)
    if not connectivity(contests).mle_exists:
        raise NoMaximumError("some models never lost to, or never met, the others")
    if not (contests.wins.any() or contests.losses.any()):
        raise NoMaximumError("nothing but ties")
    if _ties_are_separated(_by_model_pair(contests)):
        raise NoMaximumError("strengths and ties that predict every vote")
    point, inverse, value = _maximise(contests, law, start)
    fit = _without_parameter(_strengths(contests, law, point, inverse), contests.models)
    se = float(np.sqrt(inverse[-1, -1]))
    return TieModel(fit, exp(point[-1]), float(point[-1]), se, value)


def _davidson(d: Floats, k: float, rows: Contests) -> Terms:
    half, votes = d / 2, rows.votes
    total = np.logaddexp(np.logaddexp(half, -half), k)
    lead = np.exp(half - total) - np.exp(-half - total)
    decided, tied = np.exp(half - total) + np.exp(-half - total), np.exp(k - total)
    margin = rows.wins - rows.losses
    return Terms(
        value=margin * half + rows.ties * k - votes * total,
        d=(margin - votes * lead) / 2,
        k=rows.ties - votes * tied,
        dd=votes * (decided - lead**2) / 4,
        dk=-votes * lead * tied / 2,
        kk=votes * tied * (1 - tied),
    )


def _rao_kupper(d: Floats, k: float, rows: Contests) -> Terms:
    if k <= 0:
        return Terms(np.full_like(d, -np.inf), *np.zeros((5, len(d))))
    ours, theirs, ties = rows.wins + rows.ties, rows.losses + rows.ties, rows.ties
    q, r = expit(k - d), expit(k + d)
    a, b, span = ours * q * (1 - q), theirs * r * (1 - r), -np.expm1(-2 * k)
    # P(tie) = expm1(2 k) * expit(d - k) * expit(-d - k), so that ties count in all three terms.
    log_span = 2 * k + np.log(span)
    return Terms(
        value=ours * log_expit(d - k) + theirs * log_expit(-d - k) + ties * log_span,
        d=ours * q - theirs * r,
        k=ties * 2 / span - ours * q - theirs * r,
        dd=a + b,
        dk=b - a,
        kk=a + b + ties * 4 * (1 - span) / span**2,
    )


def _by_side(d: Floats, k: float, rows: Contests) -> Terms:
    score, rest = rows.score, rows.votes - rows.score
    slope, curvature = score - rows.votes * expit(d + k), rows.votes * expit(d + k) * expit(-d - k)
    value = score * log_expit(d + k) + rest * log_expit(-d - k)
    return Terms(value, slope, slope, curvature, curvature, curvature)


def _maximise(contests: Contests, law: Law, start: float) -> tuple[Floats, Floats, float]:
    """Strengths and parameter, their covariance for independent votes, and the log-likelihood."""
    m = len(contests.models)
    model_pairs = _by_model_pair(contests)
    incidence = _incidence(model_pairs)
    centre = np.append(np.ones(m), 0)

    def curve(point: Floats) -> Curve:
        terms = law(incidence @ point, float(point[-1]), model_pairs)
        cross = incidence.T @ terms.dk
        information = incidence.T @ (terms.dd[:, None] * incidence)
        information[:, -1] += cross
        information[-1] += cross
        information[-1, -1] += terms.kk.sum()
        gradient = incidence.T @ terms.d
        gradient[-1] += terms.k.sum()
        off = float(centre @ point)
        return Curve(
            value=float(terms.value.sum()) - off**2 / (2 * m),
            gradient=gradient - centre * off / m,
            information=information + np.outer(centre, centre) / m,
        )

    top = maximise(curve, np.append(np.zeros(m), start))
    covariance = np.linalg.inv(top.curve.information) - np.outer(centre, centre) / m
    return top.point, covariance, top.curve.value


def _strengths(contests: Contests, law: Law, point: Floats, inverse: Floats) -> Strengths:
    """All parameters with the sandwich of the contests' clusters, the extra one as a last model."""
    terms = law(_incidence(contests) @ point, float(point[-1]), contests)
    m = len(contests.models)
    rows = np.arange(len(contests.first))
    entries = [
        (rows, contests.first, terms.d),
        (rows, contests.second, -terms.d),
        (rows, np.full(len(rows), m), terms.k),
    ]
    meats, clusters = clustered_meats(contests, entries, m + 1)
    return Strengths(
        models=(*contests.models, ""),
        values=point,
        model_covariance=inverse,
        covariances=tuple(inverse @ meat @ inverse for meat in meats),
        clusters=clusters,
        log_likelihood=float(terms.value.sum()),
        regularised=False,
    )


def _without_parameter(fit: Strengths, models: tuple[str, ...]) -> Strengths:
    return Strengths(
        models=models,
        values=fit.values[:-1],
        model_covariance=fit.model_covariance[:-1, :-1],
        covariances=tuple(covariance[:-1, :-1] for covariance in fit.covariances),
        clusters=fit.clusters,
        log_likelihood=fit.log_likelihood,
        regularised=False,
    )


def _by_model_pair(contests: Contests) -> Contests:
    """The contests with one row per ordered pair: all that the likelihood depends on."""
    m = len(contests.models)
    codes, rows = np.unique(contests.first * m + contests.second, return_inverse=True)
    wins, losses, ties = (
        np.bincount(rows, counts, len(codes)).astype(float)
        for counts in (contests.wins, contests.losses, contests.ties)
    )
    return Contests(contests.models, codes // m, codes % m, wins, losses, ties)


def _incidence(contests: Contests) -> Floats:
    """Rows x parameters: 1 for the first model, -1 for the second, 0 for the parameter."""
    rows = np.arange(len(contests.first))
    incidence = np.zeros((len(rows), len(contests.models) + 1))
    incidence[rows, contests.first] = 1
    incidence[rows, contests.second] = -1
    return incidence


def _why_no_side_effect(contests: Contests) -> Undefined | None:
    if not connectivity(contests).comparable:
        return Undefined.NOT_CONNECTED
    model_pairs = _by_model_pair(contests)
    design = _incidence(model_pairs)
    design[:, -1] = 1
    if np.linalg.matrix_rank(design) < len(contests.models):
        return Undefined.NO_VARIATION
    return Undefined.SEPARATED if _is_separated(design, model_pairs) else None


def _is_separated(design: Floats, model_pairs: Contests) -> bool:
    """Whether some direction predicts all wins.

    Votes that were won are on one side of the plane and votes that were lost on the other; the
    likelihood then climbs for ever along that direction.
    """
    won, lost = model_pairs.score > 0, model_pairs.score < model_pairs.votes
    return _has_endless_climb(np.concatenate([design[won], -design[lost]]))


def _ties_are_separated(model_pairs: Contests) -> bool:
    """Whether some direction of strengths and tie parameter k never makes a vote less likely.

    Along it d >= k where the first model won, -d >= k where the second did and k >= |d| where
    they tied, in the model of Davidson (k = 2 log nu) as in that of Rao and Kupper.
    """
    d = _incidence(model_pairs)
    k = np.zeros_like(d)
    k[:, -1] = 1
    won, lost, tied = model_pairs.wins > 0, model_pairs.losses > 0, model_pairs.ties > 0
    parts = (d - k)[won], (-d - k)[lost], (k - d)[tied], (k + d)[tied]
    return _has_endless_climb(np.concatenate(parts))


def _has_endless_climb(signed: Floats) -> bool:
    """Whether a direction leaves no row negative and makes one positive (Konis 2007)."""
    found = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1))
    return bool(signed.sum(axis=0) @ found.x > 1e-7)


def _side_deviance(contests: Contests, point: Floats) -> float:
    model_pairs = _by_model_pair(contests)
    share, votes = model_pairs.score / model_pairs.votes, model_pairs.votes
    p = expit(_incidence(model_pairs) @ point + point[-1])
    ours = xlogy(share, share / p)
    theirs = xlogy(1 - share, 1 - share) - xlog1py(1 - share, -p)
    return 2 * float(votes @ (ours + theirs))
