"""From a vote table to everything a report says: the same votes give the same report."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.agreement import Agreement, measure_agreement
from analysis.core.clusters import FEW_PROMPTS
from analysis.core.columns import WINNERS
from analysis.core.estimates import Interval
from analysis.core.examples import Example, choose_examples
from analysis.core.items import complete_items, count_choices
from analysis.core.protocol_report import ProtocolComparison, protocol_comparisons
from analysis.core.ranking_report import AxisRanking, axis_ranking
from analysis.core.reasons import (
    Combination,
    ReasonDifference,
    ReasonShare,
    cited_reasons,
    reason_combinations,
    reason_differences,
    reason_shares,
)
from analysis.core.settings import (
    AskedAxis,
    ReportSettings,
    StoppingRule,
)
from analysis.core.sides import (
    BalancedShare,
    LayoutBalance,
    SideBalance,
    layout_balance,
    side_balance,
)
from analysis.core.significance import holm, prompt_t_test, sign_test
from analysis.core.slices import CategoryRate, rates_by_category
from analysis.core.stopping import (
    AnytimeInterval,
    StoppingState,
    anytime_interval,
    may_be_read,
    scores_in_opening_order,
    stopping_state,
    without_single_look,
)
from analysis.core.verdicts import majority_verdicts
from analysis.core.votes import Exclusions, VoteTableError, valid_votes
from analysis.core.win_rates import (
    RaterRange,
    VoteShare,
    WinRate,
    leave_one_rater_out,
    scores_for_a,
    vote_share,
    win_rate_of_verdicts,
)

RARE_CATEGORY = 0.15
MANY_COMPARISONS = 100


@dataclass(frozen=True, slots=True)
class PreferenceTest:
    """Whether the win rate differs from 1/2, over complete comparisons.

    Method `sign`, exact with ties left out, for one comparison per prompt; else `prompt-t`.
    `holm_p_value` is adjusted over all pairs, axes and protocols of the report. `None` where
    a single look is not yet due: there `anytime` has one.
    """

    method: str
    p_value: float | None
    holm_p_value: float | None = None


@dataclass(frozen=True, slots=True)
class HeadlineRate:
    """A win rate, its interval where one holds, and over how many comparisons."""

    value: float | None
    interval: Interval | None
    comparisons: int


@dataclass(frozen=True, slots=True)
class PairResult:
    """One axis of one model pair (under one protocol, where votes come from several).

    Win rate, its range without one rater and agreement are over complete comparisons, vote share
    and reasons over all valid votes. `incomplete` counts comparisons that want votes, those
    without any if they are known. `a_on_left` shows whether sides were drawn fairly.

    `anytime` is there until the planned look is due, and `stopping` under the always-valid rule.
    """

    protocol: str
    axis: str
    model_a: str
    model_b: str
    prompts: int
    raters: int
    incomplete: int
    a_on_left: BalancedShare
    win_rate: WinRate
    without_one_rater: RaterRange
    preference: PreferenceTest
    anytime: AnytimeInterval | None
    stopping: StoppingState | None
    vote_share: VoteShare
    agreement: Agreement
    reasons_a: tuple[ReasonShare, ...]
    reasons_b: tuple[ReasonShare, ...]
    reason_differences: tuple[ReasonDifference, ...]
    combinations_a: tuple[Combination, ...]
    combinations_b: tuple[Combination, ...]
    categories: tuple[CategoryRate, ...]
    warnings: tuple[str, ...]

    @property
    def headline(self) -> HeadlineRate:
        """The rate of A to show first: for every look, unless that of a single look is due."""
        rate = self.win_rate.rate
        if rate.interval is not None or self.anytime is None:
            return HeadlineRate(rate.value, rate.interval, self.win_rate.n)
        return HeadlineRate(self.anytime.rate, self.anytime.interval, self.anytime.comparisons)


@dataclass(frozen=True, slots=True)
class WithExcluded:
    """The win rate of one axis and model pair if nobody had been excluded."""

    protocol: str
    axis: str
    model_a: str
    model_b: str
    win_rate: WinRate


@dataclass(frozen=True, slots=True)
class RaterPanel:
    """Who judged. `raters` is 0 where the votes do not say; times are in seconds."""

    raters: int
    votes: int
    comparisons: int
    prompts: int
    votes_per_rater: tuple[int, float, int] | None
    median_seconds: float | None


@dataclass(frozen=True, slots=True)
class StudyReport:
    """Everything, ready to be shown.

    Where `single_look` is false, all intervals, p values and ranks are left out but those of
    `anytime` and `stopping`: they would not hold.
    """

    settings: ReportSettings
    models: tuple[str, ...]
    axes: tuple[AskedAxis, ...]
    panel: RaterPanel
    exclusions: Exclusions
    single_look: bool
    results: tuple[PairResult, ...]
    rankings: tuple[AxisRanking, ...]
    protocols: tuple[ProtocolComparison, ...]
    sides: tuple[SideBalance, ...]
    layouts: tuple[LayoutBalance, ...]
    with_excluded: tuple[WithExcluded, ...]
    examples: tuple[Example, ...]
    last_vote_at: str | None

    @property
    def has_results(self) -> bool:
        return any(result.win_rate.n for result in self.results)


def build_report(
    votes: pd.DataFrame,
    *,
    settings: ReportSettings,
    on_progress: Callable[[float], None] = lambda share: None,
) -> StudyReport:
    """The report of a validated vote table of one study.

    Parameters
    ----------
    on_progress
        Told the share that is done, from 0 to 1, after each pair of models on each axis.

    Raises
    ------
    VoteTableError
        The table holds several studies, or ties where the settings allow none.
    """
    _check(votes, settings)
    valid, exclusions = valid_votes(votes)
    axes = _axes(valid, settings)
    order = {axis.key: place for place, axis in enumerate(axes)}
    groups = valid.groupby(["protocol", "axis", "model_a", "model_b"], sort=True)
    watched = max(len(groups), len(axes) * len(settings.planned))
    results = []
    for _, group in groups:
        axis = axes[order[group["axis"].iloc[0]]]
        results.append(_pair_result(group, settings, axis, watched))
        on_progress(len(results) / len(groups))
    report = StudyReport(
        settings=settings,
        models=tuple(sorted({*valid["model_a"], *valid["model_b"]})),
        axes=axes,
        panel=_panel(valid),
        exclusions=exclusions,
        single_look=all(map(_look_is_due(settings), results)),
        results=_adjusted(sorted(results, key=lambda result: order[result.axis])),
        rankings=_rankings(valid, axes, settings),
        protocols=_protocols(valid, axes, settings),
        sides=tuple(
            side_balance(axis.key, valid[valid["axis"].eq(axis.key)], settings.confidence)
            for axis in axes
        ),
        layouts=tuple(layout_balance(axis.key, valid[valid["axis"].eq(axis.key)]) for axis in axes),
        with_excluded=_with_excluded(votes, settings) if exclusions.excluded else (),
        examples=choose_examples(valid, min_votes=settings.min_votes, seed=settings.seed),
        last_vote_at=_last(valid["submitted_at"]),
    )
    return report if report.single_look else without_single_look(report)


def _look_is_due(settings: ReportSettings) -> Callable[[PairResult], bool]:
    def is_due(result: PairResult) -> bool:
        pair = (result.model_a, result.model_b)
        planned, given = _planned_comparisons(pair, settings), settings.planned.get(pair, 0)
        return may_be_read(
            settings.plan,
            interim=settings.interim,
            complete=result.win_rate.n,
            planned=None if planned is None else max(planned, given),
        )

    return is_due


def _with_excluded(votes: pd.DataFrame, settings: ReportSettings) -> tuple[WithExcluded, ...]:
    """So that a reader sees what leaving raters out has changed."""
    everybody, _ = valid_votes(votes.assign(excluded=False))
    groups = everybody.groupby(["protocol", "axis", "model_a", "model_b"], sort=True)
    return tuple(
        WithExcluded(
            protocol=group["protocol"].iloc[0],
            axis=group["axis"].iloc[0],
            model_a=group["model_a"].iloc[0],
            model_b=group["model_b"].iloc[0],
            win_rate=_win_rate(complete_items(count_choices(group), settings.min_votes), settings),
        )
        for _, group in groups
    )


def report_json(report: StudyReport) -> str:
    """The report as JSON text, the same for the same report; undefined numbers are null."""
    content = dataclasses.asdict(report)
    content["settings"]["planned"] = [
        {"model_a": a, "model_b": b, "comparisons": n}
        for (a, b), n in sorted(report.settings.planned.items())
    ]
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _check(votes: pd.DataFrame, settings: ReportSettings) -> None:
    studies = sorted(set(votes["study"]))
    if len(studies) > 1:
        raise VoteTableError(
            f"The votes are of {len(studies)} studies ({', '.join(studies[:5])}): "
            "a report is of one."
        )
    if not settings.ties_allowed and votes["winner"].eq("tie").any():
        raise VoteTableError("The votes hold ties, but the study is a forced choice.")


def _axes(votes: pd.DataFrame, settings: ReportSettings) -> tuple[AskedAxis, ...]:
    """The axes of the settings, then any others that votes speak of, by name."""
    asked = {axis.key for axis in settings.axes}
    others = sorted(set(votes["axis"]) - asked)
    return (*settings.axes, *(AskedAxis(key) for key in others))


def _pair_result(
    votes: pd.DataFrame, settings: ReportSettings, axis: AskedAxis, watched: int
) -> PairResult:
    counts = count_choices(votes)
    complete = complete_items(counts, settings.min_votes)
    pair = (votes["model_a"].iloc[0], votes["model_b"].iloc[0])
    rates = _win_rate(complete, settings)
    agreement = _agreement(complete, settings)
    decided = votes[votes["winner"].ne("tie")]
    cited = _cited(decided, axis)
    planned = _planned_comparisons(pair, settings)
    anytime, stopping = _looks(votes, counts, settings, planned, watched)
    return PairResult(
        protocol=votes["protocol"].iloc[0],
        axis=axis.key,
        model_a=pair[0],
        model_b=pair[1],
        prompts=votes["prompt_id"].nunique(),
        raters=_known(votes["rater"]).nunique(),
        incomplete=max(len(counts), settings.planned.get(pair, 0)) - len(complete),
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


def _planned_comparisons(pair: tuple[str, str], settings: ReportSettings) -> int | None:
    by_plan = settings.plan.comparisons if settings.plan else None
    return by_plan or settings.planned.get(pair)


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


def _adjusted(results: list[PairResult]) -> tuple[PairResult, ...]:
    """The results with Holm's p values over all of them."""
    adjusted = holm([result.preference.p_value for result in results])
    return tuple(
        dataclasses.replace(
            result, preference=dataclasses.replace(result.preference, holm_p_value=p_value)
        )
        for result, p_value in zip(results, adjusted, strict=True)
    )


def _rankings(
    votes: pd.DataFrame, axes: tuple[AskedAxis, ...], settings: ReportSettings
) -> tuple[AxisRanking, ...]:
    rankings = [
        axis_ranking(group, settings.confidence)
        for axis in axes
        for _, group in votes[votes["axis"].eq(axis.key)].groupby("protocol", sort=True)
    ]
    return tuple(ranking for ranking in rankings if ranking)


def _win_rate(complete: pd.DataFrame, settings: ReportSettings) -> WinRate:
    verdicts = pd.Series(majority_verdicts(complete.to_numpy(), settings.majority_rule))
    prompts = pd.Series(complete.index.get_level_values("prompt_id"))
    return win_rate_of_verdicts(verdicts, prompts, settings.confidence)


def _protocols(
    votes: pd.DataFrame, axes: tuple[AskedAxis, ...], settings: ReportSettings
) -> tuple[ProtocolComparison, ...]:
    return tuple(
        comparison
        for axis in axes
        for comparison in protocol_comparisons(
            votes[votes["axis"].eq(axis.key)],
            min_votes=settings.min_votes,
            categories=_categories(settings),
            seed=settings.seed,
            draws=settings.bootstrap_draws,
            confidence=settings.confidence,
        )
    )


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
        complete[_categories(settings)].to_numpy(),
        confidence=settings.confidence,
        draws=settings.bootstrap_draws,
        rng=np.random.default_rng(settings.seed),
        prompts=complete.index.get_level_values("prompt_id"),
    )


def _categories(settings: ReportSettings) -> list[str]:
    """What a rater could choose."""
    return list(WINNERS if settings.ties_allowed else WINNERS[:2])


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


def _reason_shares(
    decided: pd.DataFrame, winner: str, cited: pd.DataFrame, settings: ReportSettings
) -> tuple[ReasonShare, ...]:
    won = decided["winner"].eq(winner)
    return reason_shares(cited[won], decided.loc[won, "prompt_id"], settings.confidence)


def _warnings(complete: pd.DataFrame, agreement: Agreement) -> tuple[str, ...]:
    prompts = complete.index.get_level_values("prompt_id").nunique()
    warnings = []
    if 0 < prompts < FEW_PROMPTS:
        warnings.append("too_few_clusters")
    rare = agreement.smallest_category_share
    if rare is not None and rare < RARE_CATEGORY and len(complete) < MANY_COMPARISONS:
        warnings.append("rare_category")
    return tuple(warnings)


def _panel(votes: pd.DataFrame) -> RaterPanel:
    # As text: categories count those who have no vote left.
    per_rater = _known(votes["rater"]).astype(object).value_counts()
    spread = (
        (int(per_rater.min()), float(per_rater.median()), int(per_rater.max()))
        if len(per_rater)
        else None
    )
    seconds = votes["duration_ms"].dropna() / 1000
    return RaterPanel(
        raters=len(per_rater),
        votes=len(votes),
        comparisons=votes["comparison_id"].nunique(),
        prompts=votes["prompt_id"].nunique(),
        votes_per_rater=spread,
        median_seconds=float(seconds.median()) if len(seconds) else None,
    )


def _known(raters: pd.Series) -> pd.Series:
    return raters[raters.ne("")]


def _last(times: pd.Series) -> str | None:
    latest = times.max()
    return None if pd.isna(latest) else latest.isoformat(timespec="seconds")
