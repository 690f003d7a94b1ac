"""Why raters chose what they chose: how often each reason is cited with a win."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr
from scipy.stats import fisher_exact

from analysis.core.clusters import clustered_share, share_by_cluster
from analysis.core.columns import parted
from analysis.core.estimates import Estimate, Population, Undefined
from analysis.core.intervals import clustered_estimate, newcombe
from analysis.core.model_pair_votes import numbered
from analysis.core.resampling import kinds_of
from analysis.core.significance import holm

Floats = NDArray[np.float64]


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


@dataclass(frozen=True, slots=True)
class IndependentDifference:
    """Difference of two shares of independent votes, with Fisher's exact p value."""

    difference: Estimate
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Combination:
    """How many votes cite exactly these reasons; none at all is a combination too."""

    reasons: tuple[str, ...]
    votes: int


@dataclass(frozen=True, slots=True, eq=False)
class CitedReasons:
    """Which reasons votes cite: `votes` has a row per vote and a column per name."""

    names: tuple[str, ...]
    votes: NDArray[np.bool_]


def cited_reasons(reasons: pd.Series) -> pd.DataFrame:
    """Votes x reasons, by name: whether the vote cites the reason, from text with `;` between."""
    codes, texts = pd.factorize(reasons)
    split = [{*parted(text)} for text in texts]
    names = sorted(set().union(*split))
    table = np.array([[name in given for name in names] for given in split], dtype=bool)
    rows = table.reshape(len(split), len(names))[codes]
    return pd.DataFrame(rows, index=reasons.index, columns=pd.Index(names, dtype=object))


def reason_shares(
    cited: pd.DataFrame, prompts: pd.Series, confidence: float = 0.95
) -> tuple[ReasonShare, ...]:
    """Each reason's share of the votes won by one model, with prompts as clusters.

    Parameters
    ----------
    cited
        Votes x reasons, over the votes for one model that were asked for reasons.
    prompts
        The prompt of each vote.
    """
    return shares_of_reasons(_cited_table(cited), prompts, confidence)


def shares_of_reasons(
    cited: CitedReasons, prompts: ArrayLike, confidence: float = 0.95
) -> tuple[ReasonShare, ...]:
    """The same from a `CitedReasons`."""
    totals, sizes = _by_prompt(cited, prompts)
    return tuple(
        ReasonShare(
            reason,
            len(cited.votes),
            int(totals[:, place].sum()),
            len(sizes),
            clustered_share(totals[:, place], sizes, confidence),
        )
        for place, reason in enumerate(cited.names)
    )


def reason_differences(
    cited: pd.DataFrame, winners: pd.Series, prompts: pd.Series, confidence: float = 0.95
) -> tuple[ReasonDifference, ...]:
    """Each reason's share in wins of A less that in wins of B; Holm over the reasons.

    The influence of prompt g is (y_gA - p_A m_gA) / M_A - (y_gB - p_B m_gB) / M_B; all prompts
    are clusters, SE = sqrt(G / (G - 1) sum of squares), t with G - 1 degrees of freedom.

    Parameters
    ----------
    cited, winners, prompts
        One row per vote: reasons as of `cited_reasons`, `model_a` or `model_b`, and the prompt.
    """
    for_a = winners.eq("model_a").to_numpy()
    if not (for_a | winners.eq("model_b").to_numpy()).all():
        raise ValueError("reasons are of votes for model_a or model_b")
    return differences_of_reasons(_cited_table(cited), for_a, prompts, confidence)


def differences_of_reasons(
    cited: CitedReasons, for_a: NDArray[np.bool_], prompts: ArrayLike, confidence: float = 0.95
) -> tuple[ReasonDifference, ...]:
    """The same from a `CitedReasons`, and whether each vote is for A."""
    if for_a.all() or not for_a.any():
        nothing = Estimate(None, undefined=Undefined.NO_VOTES)
        return tuple(ReasonDifference(reason, nothing, None, None) for reason in cited.names)
    (ours, our_sizes), (theirs, their_sizes) = (
        _by_prompt(cited, prompts, counted) for counted in (for_a, ~for_a)
    )
    p, q = ours.sum(axis=0) / our_sizes.sum(), theirs.sum(axis=0) / their_sizes.sum()
    influence = (ours - np.outer(our_sizes, p)) / our_sizes.sum()
    influence -= (theirs - np.outer(their_sizes, q)) / their_sizes.sum()
    tests = [
        _t_test(float(d), terms, confidence) for d, terms in zip(p - q, influence.T, strict=True)
    ]
    adjusted = holm([p_value for _, p_value in tests])
    return tuple(
        ReasonDifference(reason, difference, p_value, holm_p)
        for reason, (difference, p_value), holm_p in zip(cited.names, tests, adjusted, strict=True)
    )


def independent_difference(
    cited: int, votes: int, other_cited: int, other_votes: int, confidence: float = 0.95
) -> IndependentDifference:
    """Difference of two shares for small samples of independent votes, one per prompt.

    Newcombe's interval and Fisher's exact test. Not for several votes of a prompt.
    """
    if not votes or not other_votes:
        return IndependentDifference(Estimate(None, undefined=Undefined.NO_VOTES), None)
    interval = newcombe(cited, votes, other_cited, other_votes, confidence)
    table = np.array([[cited, votes - cited], [other_cited, other_votes - other_cited]])
    difference = cited / votes - other_cited / other_votes
    return IndependentDifference(
        Estimate(difference, interval=interval), float(fisher_exact(table).pvalue)
    )


def reason_item_share(
    cited: pd.Series, comparisons: pd.Series, prompts: pd.Series, confidence: float = 0.95
) -> Estimate:
    """Share of comparisons in which at least half of the votes for a model cite the reason.

    Parameters
    ----------
    cited, comparisons, prompts
        One row per vote for the model, over the comparisons whose verdict it won.
    """
    items = pd.DataFrame({"cited": cited.astype(float), "prompt": prompts}).groupby(comparisons)
    often = items["cited"].mean().ge(0.5)
    return share_by_cluster(often.astype(float), items["prompt"].first(), confidence)


def reason_combinations(cited: pd.DataFrame) -> tuple[Combination, ...]:
    """How often reasons are cited together: the most frequent combination first."""
    return combinations_of_reasons(_cited_table(cited))


def combinations_of_reasons(cited: CitedReasons) -> tuple[Combination, ...]:
    """The same from a `CitedReasons`."""
    if not cited.names:
        return (Combination((), len(cited.votes)),) if len(cited.votes) else ()
    kinds, repeats = kinds_of(cited.votes.astype(float))
    names = np.asarray(cited.names, dtype=object)
    found = [
        Combination(tuple(names[kind > 0]), int(votes))
        for kind, votes in zip(kinds, repeats, strict=True)
    ]
    return tuple(sorted(found, key=lambda kind: (-kind.votes, kind.reasons)))


def _cited_table(cited: pd.DataFrame) -> CitedReasons:
    return CitedReasons(tuple(cited.columns), cited.to_numpy(dtype=bool))


def _by_prompt(
    cited: CitedReasons, prompts: ArrayLike, counted: NDArray[np.bool_] | None = None
) -> tuple[Floats, Floats]:
    """Prompts x reasons of counted votes that cite the reason, and each prompt's counted votes."""
    codes, kinds = numbered(prompts)
    weights = np.ones(len(codes)) if counted is None else counted.astype(float)
    totals = np.zeros((kinds, len(cited.names)))
    for place in range(len(cited.names)):
        totals[:, place] = np.bincount(codes, weights * cited.votes[:, place], kinds)
    return totals, np.bincount(codes, weights, kinds).astype(float)


def _t_test(value: float, influence: Floats, confidence: float) -> tuple[Estimate, float | None]:
    """t test of `value` against 0 with one influence per prompt, df = prompts - 1."""
    df = influence.size - 1
    if df < 1:
        return Estimate(value, undefined=Undefined.TOO_FEW_CLUSTERS), None
    variance = influence.size / df * float(influence @ influence)
    difference = clustered_estimate(value, variance, df, Population.PROMPTS, confidence)
    if difference.se is None:
        return difference, None
    return difference, 2 * float(stdtr(df, -abs(value) / difference.se))
