"""What a report says of one pair of models on one axis."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.core.agreement import Agreement, measure_agreement
from analysis.core.clusters import FEW_PROMPTS
from analysis.core.columns import WINNERS
from analysis.core.items import complete_items, count_choices
from analysis.core.reasons import (
    Combination,
    ReasonShare,
    cited_reasons,
    reason_combinations,
    reason_differences,
    reason_shares,
)
from analysis.core.results import (
    ModelPairResult,
    PreferenceTest,
)
from analysis.core.settings import (
    AskedAxis,
    ReportSettings,
    StoppingRule,
)
from analysis.core.sides import (
    side_balance,
)
from analysis.core.significance import prompt_t_test, sign_test
from analysis.core.slices import rates_by_category
from analysis.core.stopping import (
    AnytimeInterval,
    StoppingState,
    anytime_interval,
    scores_in_opening_order,
    stopping_state,
)
from analysis.core.verdicts import majority_verdicts
from analysis.core.win_rates import (
    RaterRange,
    WinRate,
    leave_one_rater_out,
    scores_for_a,
    vote_share,
    win_rate_of_verdicts,
)

RARE_CATEGORY = 0.15
MANY_COMPARISONS = 100


def model_pair_result(
    votes: pd.DataFrame, settings: ReportSettings, axis: AskedAxis, watched: int
) -> ModelPairResult:
    """The result of these valid votes, one of `watched` under the always-valid rule."""
    counts = count_choices(votes)
    complete = complete_items(counts, settings.min_votes)
    model_pair = (votes["model_a"].iloc[0], votes["model_b"].iloc[0])
    rates = win_rate_of_complete(complete, settings)
    agreement = _agreement(complete, settings)
    decided = votes[votes["winner"].ne("tie")]
    cited = _cited(decided, axis)
    planned = planned_comparisons(model_pair, settings)
    anytime, stopping = _looks(votes, counts, settings, planned, watched)
    return ModelPairResult(
        protocol=votes["protocol"].iloc[0],
        axis=axis.key,
        model_a=model_pair[0],
        model_b=model_pair[1],
        prompts=votes["prompt_id"].nunique(),
        raters=known_raters(votes["rater"]).nunique(),
        incomplete=max(len(counts), settings.planned.get(model_pair, 0)) - len(complete),
        a_on_left=side_balance(axis.key, votes, settings.confidence).a_on_left,
        win_rate=rates,
        without_one_rater=_without_one_rater(votes, complete, settings),
        preference=_preference(complete, rates, settings),
        anytime=anytime,
        stopping=stopping,
        vote_share=vote_share(votes, settings.confidence),
        agreement=agreement,
        reasons_a=_reason_shares(decided, "model_a", cited, settings),
        reasons_b=_reason_shares(decided, "model_b", cited, settings),
        reason_differences=reason_differences(
            cited, decided["winner"], decided["prompt_id"], settings.confidence
        ),
        combinations_a=_combinations(decided, "model_a", cited),
        combinations_b=_combinations(decided, "model_b", cited),
        categories=rates_by_category(
            votes,
            complete,
            settings.majority_rule,
            confidence=settings.confidence,
        ),
        warnings=_warnings(complete, agreement),
    )


def planned_comparisons(model_pair: tuple[str, str], settings: ReportSettings) -> int | None:
    by_plan = settings.plan.comparisons if settings.plan else None
    return by_plan or settings.planned.get(model_pair)


def _looks(
    votes: pd.DataFrame,
    counts: pd.DataFrame,
    settings: ReportSettings,
    planned: int | None,
    watched: int,
) -> tuple[AnytimeInterval | None, StoppingState | None]:
    """What holds at every look, and whether the study may stop for it."""
    watches = settings.plan is not None and settings.plan.rule == StoppingRule.ANYTIME
    if not (settings.interim or watches):
        return None, None
    seen = scores_in_opening_order(
        votes, counts, min_votes=settings.min_votes, rule=settings.majority_rule
    )
    if seen is None:
        return None, None
    scores, comparisons = seen
    anytime = anytime_interval(scores, comparisons, settings.confidence)
    if settings.plan is None or not watches:
        return anytime, None
    complete = int((counts.sum(axis=1) >= settings.min_votes).sum())
    return anytime, stopping_state(
        scores, settings.plan, planned=planned, complete=complete, watched=watched
    )


def win_rate_of_complete(complete: pd.DataFrame, settings: ReportSettings) -> WinRate:
    verdicts = pd.Series(majority_verdicts(complete.to_numpy(), settings.majority_rule))
    prompts = pd.Series(complete.index.get_level_values("prompt_id"))
    return win_rate_of_verdicts(verdicts, prompts, settings.confidence)


def _preference(complete: pd.DataFrame, rates: WinRate, settings: ReportSettings) -> PreferenceTest:
    if not rates.n:
        return PreferenceTest("sign", None)
    prompts = complete.index.get_level_values("prompt_id")
    if prompts.is_unique:
        return PreferenceTest("sign", sign_test(rates.wins, rates.losses).p_value)
    verdicts = pd.Series(majority_verdicts(complete.to_numpy(), settings.majority_rule))
    means = scores_for_a(verdicts).groupby(prompts.to_numpy()).mean()
    return PreferenceTest("prompt-t", prompt_t_test(means).p_value)


def _without_one_rater(
    votes: pd.DataFrame, complete: pd.DataFrame, settings: ReportSettings
) -> RaterRange:
    kept = votes["comparison_id"].isin(complete.index.get_level_values("comparison_id"))
    return leave_one_rater_out(votes[kept], settings.majority_rule)


def _agreement(complete: pd.DataFrame, settings: ReportSettings) -> Agreement:
    return measure_agreement(
        complete[choices_of(settings)].to_numpy(),
        confidence=settings.confidence,
        draws=settings.bootstrap_draws,
        rng=np.random.default_rng(settings.seed),
        prompts=complete.index.get_level_values("prompt_id"),
    )


def choices_of(settings: ReportSettings) -> list[str]:
    """What a rater could choose."""
    return list(WINNERS if settings.ties_allowed else WINNERS[:2])


def _reason_shares(
    decided: pd.DataFrame, winner: str, cited: pd.DataFrame, settings: ReportSettings
) -> tuple[ReasonShare, ...]:
    won = decided["winner"].eq(winner)
    return reason_shares(cited[won], decided.loc[won, "prompt_id"], settings.confidence)


def _combinations(
    decided: pd.DataFrame, winner: str, cited: pd.DataFrame
) -> tuple[Combination, ...]:
    """Of the votes for one model; none where reasons were not asked for."""
    return reason_combinations(cited[decided["winner"].eq(winner)]) if cited.columns.size else ()


def _cited(decided: pd.DataFrame, axis: AskedAxis) -> pd.DataFrame:
    """Votes x reasons in the order of the question, then any others that votes cite, by name.

    No reasons at all where no vote cites one: then they were not asked for.
    """
    cited = cited_reasons(decided["reasons"])
    if cited.empty:
        return cited
    others = [name for name in cited.columns if name not in axis.reasons]
    return cited.reindex(columns=[*axis.reasons, *others], fill_value=False)


def _warnings(complete: pd.DataFrame, agreement: Agreement) -> tuple[str, ...]:
    prompts = complete.index.get_level_values("prompt_id").nunique()
    warnings = []
    if 0 < prompts < FEW_PROMPTS:
        warnings.append("too_few_clusters")
    rare = agreement.smallest_category_share
    if rare is not None and rare < RARE_CATEGORY and len(complete) < MANY_COMPARISONS:
        warnings.append("rare_category")
    return tuple(warnings)


def known_raters(raters: pd.Series) -> pd.Series:
    return raters[raters.ne("")]
