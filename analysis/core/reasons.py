"""Why raters chose what they chose: how often each reason is cited with a win."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from analysis.core.clusters import share_by_cluster
from analysis.core.estimates import Estimate, Undefined
from analysis.core.intervals import t_interval
from analysis.core.significance import holm


@dataclass(frozen=True, slots=True)
class ReasonShare:
    """Share of the votes for one model that cite a reason; shares need not add up to 1."""

    reason: str
    votes: int
    cited: int
    prompts: int
    share: Estimate


@dataclass(frozen=True, slots=True)
class ReasonDifference:
    """Share in votes for A less share in votes for B, with its t test over prompts."""

    reason: str
    difference: Estimate
    p_value: float | None
    holm_p_value: float | None


def split_reasons(reasons: pd.Series) -> pd.Series:
    """The set of reasons of each vote, from text with `;` between."""
    return reasons.map(lambda text: frozenset(filter(None, map(str.strip, text.split(";")))))


def reason_share(
    reason: str, cited: pd.Series, prompts: pd.Series, confidence: float = 0.95
) -> ReasonShare:
    """Share of `True` in `cited`, one row per vote, with prompts as clusters."""
    share = share_by_cluster(cited.astype(float), prompts, confidence)
    return ReasonShare(reason, len(cited), int(cited.sum()), prompts.nunique(), share)


def reason_differences(
    votes: pd.DataFrame, reasons: tuple[str, ...], confidence: float = 0.95
) -> tuple[ReasonDifference, ...]:
    """Each reason's share in wins of A less that in wins of B; Holm over the reasons.

    Parameters
    ----------
    votes
        Columns winner (`model_a` or `model_b`), prompt_id, and `cited`, a set of reasons.
    """
    tests = [_difference(votes, reason, confidence) for reason in reasons]
    adjusted = holm([p for _, p in tests])
    return tuple(
        ReasonDifference(reason, difference, p, holm_p)
        for reason, (difference, p), holm_p in zip(reasons, tests, adjusted, strict=True)
    )


def _difference(
    votes: pd.DataFrame, reason: str, confidence: float
) -> tuple[Estimate, float | None]:
    cited = votes["cited"].map(lambda reasons: reason in reasons).to_numpy(dtype=float)
    for_a = votes["winner"].eq("model_a").to_numpy()
    if for_a.all() or not for_a.any():
        return Estimate(None, undefined=Undefined.NO_VOTES), None
    value = float(cited[for_a].mean() - cited[~for_a].mean())
    influence = np.where(for_a, _centred(cited, for_a), -_centred(cited, ~for_a))
    per_prompt = pd.Series(influence).groupby(votes["prompt_id"].to_numpy(), sort=True).sum()
    return _t_test(value, per_prompt, confidence)


def _centred(cited: NDArray[np.float64], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Each vote's influence on the mean of `cited[chosen]`."""
    return np.asarray((cited - cited[chosen].mean()) / chosen.sum())


def _t_test(value: float, influence: ArrayLike, confidence: float) -> tuple[Estimate, float | None]:
    """t test of `value` against 0 with one influence per prompt, df = prompts - 1."""
    terms = np.asarray(influence, dtype=float)
    df = terms.size - 1
    if df < 1:
        return Estimate(value, undefined=Undefined.TOO_FEW_CLUSTERS), None
    se = sqrt(terms.size / df * float(terms @ terms))
    if se == 0:
        return Estimate(value, undefined=Undefined.NO_VARIATION), None
    p_value = 2 * float(student.sf(abs(value) / se, df))
    return Estimate(value, se, t_interval(value, se, df, confidence)), p_value
