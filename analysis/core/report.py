"""From a vote table to everything a report says: the same votes give the same report."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.core.agreement import Agreement, measure_agreement
from analysis.core.clusters import FEW_PROMPTS
from analysis.core.estimates import Interval
from analysis.core.reasons import (
    ReasonDifference,
    ReasonShare,
    cited_reasons,
    reason_differences,
    reason_shares,
)
from analysis.core.sequential import running_interval
from analysis.core.sides import SideBalance, side_balance
from analysis.core.verdicts import MajorityRule, majority_verdicts
from analysis.core.votes import WINNERS, Exclusions, VoteTableError, valid_votes
from analysis.core.win_rates import (
    SCORE_FOR_A,
    RaterRange,
    VoteShare,
    WinRate,
    leave_one_rater_out,
    vote_share,
    win_rate_of_verdicts,
)

RARE_CATEGORY = 0.15
MANY_COMPARISONS = 100


@dataclass(frozen=True, slots=True)
class AskedAxis:
    """What raters were asked on one axis; `reasons` maps a reason's key to its words."""

    key: str
    question: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """What the votes cannot say about themselves.

    A comparison is complete on an axis with `min_votes` valid votes. `planned` holds the number
    of comparisons of each (model_a, model_b), where known. `axes` gives the order of the report.
    """

    title: str
    min_votes: int
    ties_allowed: bool
    axes: tuple[AskedAxis, ...] = ()
    planned: Mapping[tuple[str, str], int] = field(default_factory=dict)
    majority_rule: MajorityRule = MajorityRule.PLURALITY
    simulated: bool = False
    interim: bool = False
    protocol_hash: str = ""
    code_version: str = ""
    notes: tuple[str, ...] = ()
    confidence: float = 0.95
    bootstrap_draws: int = 10_000
    seed: int = 20231117


@dataclass(frozen=True, slots=True)
class AnytimeInterval:
    """Interval of the win rate that holds at every look, over the first comparisons opened."""

    comparisons: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class PairResult:
    """One axis of one model pair (under one protocol, where votes come from several).

    Win rate, its range without one rater and agreement are over complete comparisons, vote share
    and reasons over all valid votes. `incomplete` counts comparisons that want votes, those
    without any if they are known. `anytime` is for interim reports.
    """

    protocol: str
    axis: str
    model_a: str
    model_b: str
    prompts: int
    raters: int
    incomplete: int
    win_rate: WinRate
    without_one_rater: RaterRange
    anytime: AnytimeInterval | None
    vote_share: VoteShare
    agreement: Agreement
    reasons_a: tuple[ReasonShare, ...]
    reasons_b: tuple[ReasonShare, ...]
    reason_differences: tuple[ReasonDifference, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """Who judged. `raters` is 0 where the votes do not say; times are in seconds."""

    raters: int
    votes: int
    comparisons: int
    prompts: int
    votes_per_rater: tuple[int, float, int] | None
    median_seconds: float | None


@dataclass(frozen=True, slots=True)
class Report:
    settings: ReportSettings
    models: tuple[str, ...]
    axes: tuple[AskedAxis, ...]
    panel: Panel
    exclusions: Exclusions
    results: tuple[PairResult, ...]
    sides: tuple[SideBalance, ...]
    last_vote_at: str | None

    @property
    def has_results(self) -> bool:
        return any(result.win_rate.n for result in self.results)


def build_report(votes: pd.DataFrame, *, settings: ReportSettings) -> Report:
    """The report of a validated vote table of one study.

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
    results = [
        _pair_result(group, settings, axes[order[group["axis"].iloc[0]]]) for _, group in groups
    ]
    return Report(
        settings=settings,
        models=tuple(sorted({*valid["model_a"], *valid["model_b"]})),
        axes=axes,
        panel=_panel(valid),
        exclusions=exclusions,
        results=tuple(sorted(results, key=lambda result: order[result.axis])),
        sides=tuple(
            side_balance(axis.key, valid[valid["axis"].eq(axis.key)], settings.confidence)
            for axis in axes
        ),
        last_vote_at=_last(valid["submitted_at"]),
    )


def report_json(report: Report) -> str:
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


def _pair_result(votes: pd.DataFrame, settings: ReportSettings, axis: AskedAxis) -> PairResult:
    counts = _counts(votes)
    complete = counts[counts.sum(axis=1) >= settings.min_votes]
    pair = (votes["model_a"].iloc[0], votes["model_b"].iloc[0])
    rates = _win_rate(complete, settings)
    agreement = _agreement(complete, settings)
    decided = votes[votes["winner"].ne("tie")]
    cited = _cited(decided, axis)
    return PairResult(
        protocol=votes["protocol"].iloc[0],
        axis=axis.key,
        model_a=pair[0],
        model_b=pair[1],
        prompts=votes["prompt_id"].nunique(),
        raters=_known(votes["rater"]).nunique(),
        incomplete=max(len(counts), settings.planned.get(pair, 0)) - len(complete),
        win_rate=rates,
        without_one_rater=_without_one_rater(votes, complete, settings),
        anytime=_anytime(votes, counts, settings) if settings.interim else None,
        vote_share=vote_share(votes, settings.confidence),
        agreement=agreement,
        reasons_a=_reason_shares(decided, "model_a", cited, settings),
        reasons_b=_reason_shares(decided, "model_b", cited, settings),
        reason_differences=reason_differences(
            cited, decided["winner"], decided["prompt_id"], settings.confidence
        ),
        warnings=_warnings(complete, agreement),
    )


def _counts(votes: pd.DataFrame) -> pd.DataFrame:
    """Votes by (prompt_id, comparison_id) x (model_a, model_b, tie)."""
    items = votes.groupby(["prompt_id", "comparison_id"], sort=True)
    choices = pd.Index(WINNERS).get_indexer(pd.Index(votes["winner"]))
    cells = np.bincount(items.ngroup() * len(WINNERS) + choices, minlength=3 * items.ngroups)
    names = list(WINNERS)
    return pd.DataFrame(cells.reshape(-1, len(names)), index=items.size().index, columns=names)


def _win_rate(complete: pd.DataFrame, settings: ReportSettings) -> WinRate:
    verdicts = pd.Series(majority_verdicts(complete.to_numpy(), settings.majority_rule))
    prompts = pd.Series(complete.index.get_level_values("prompt_id"))
    return win_rate_of_verdicts(verdicts, prompts, settings.confidence)


def _without_one_rater(
    votes: pd.DataFrame, complete: pd.DataFrame, settings: ReportSettings
) -> RaterRange:
    kept = votes["comparison_id"].isin(complete.index.get_level_values("comparison_id"))
    return leave_one_rater_out(votes[kept], settings.majority_rule)


def _anytime(
    votes: pd.DataFrame, counts: pd.DataFrame, settings: ReportSettings
) -> AnytimeInterval | None:
    """Over the comparisons opened before the first unfinished one, in their opening order.

    `None` where the votes do not say when they were begun, or prompts have several comparisons.
    """
    opened = votes.groupby(["prompt_id", "comparison_id"])["started_at"].min()
    if opened.isna().any() or opened.index.get_level_values("prompt_id").has_duplicates:
        return None
    ordered = counts.loc[opened.sort_values(kind="stable").index]
    finished = ordered[(ordered.sum(axis=1) >= settings.min_votes).cummin()]
    verdicts = majority_verdicts(finished.to_numpy(), settings.majority_rule)
    scores = [SCORE_FOR_A[verdict] for verdict in verdicts]
    interval = running_interval(scores, settings.confidence)
    return AnytimeInterval(len(scores), interval) if interval and scores else None


def _agreement(complete: pd.DataFrame, settings: ReportSettings) -> Agreement:
    categories = WINNERS if settings.ties_allowed else WINNERS[:2]
    return measure_agreement(
        complete[list(categories)].to_numpy(),
        confidence=settings.confidence,
        draws=settings.bootstrap_draws,
        rng=np.random.default_rng(settings.seed),
    )


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


def _panel(votes: pd.DataFrame) -> Panel:
    per_rater = _known(votes["rater"]).value_counts()
    spread = (
        (int(per_rater.min()), float(per_rater.median()), int(per_rater.max()))
        if len(per_rater)
        else None
    )
    seconds = votes["duration_ms"].dropna() / 1000
    return Panel(
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
