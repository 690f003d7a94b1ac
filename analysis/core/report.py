"""From a vote table to everything a report says: the same votes give the same report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pandas as pd

from analysis.core.as_json import json_text, members
from analysis.core.examples import choose_examples
from analysis.core.interim import without_single_look
from analysis.core.model_pair_report import (
    choices_of,
    known_raters,
    model_pair_reports,
    planned_comparisons,
    win_rates_of_model_pairs,
)
from analysis.core.model_pair_votes import model_pairs_of
from analysis.core.protocol_report import ProtocolComparison, protocol_comparisons
from analysis.core.ranking_report import AxisRanking, axis_ranking
from analysis.core.results import (
    ModelPairResult,
    RaterPanel,
    StudyReport,
    WithExcluded,
)
from analysis.core.settings import (
    AskedAxis,
    ReportSettings,
)
from analysis.core.sides import (
    layout_balance,
    side_balance,
)
from analysis.core.significance import holm
from analysis.core.stopping import may_be_read
from analysis.core.votes import VoteTableError, valid_votes


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
    names, pairs = model_pairs_of(valid)
    watched = max(len(names), len(axes) * len(settings.planned))
    reports = model_pair_reports(valid, settings, watched)
    results = []
    for name, own in zip(names, pairs, strict=True):
        results.append(reports.result(name, own, axes[order[name.axis]]))
        on_progress(len(results) / len(names))
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


def _look_is_due(settings: ReportSettings) -> Callable[[ModelPairResult], bool]:
    def is_due(result: ModelPairResult) -> bool:
        pair = (result.model_a, result.model_b)
        planned, given = planned_comparisons(pair, settings), settings.planned.get(pair, 0)
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
    return tuple(
        WithExcluded(**name._asdict(), win_rate=rate)
        for name, rate in win_rates_of_model_pairs(everybody, settings)
    )


def report_json(report: StudyReport) -> str:
    """The report as JSON text, the same for the same report; undefined numbers are null."""
    planned = [
        {"model_a": a, "model_b": b, "comparisons": n}
        for (a, b), n in sorted(report.settings.planned.items())
    ]
    settings = members(report.settings) | {"planned": planned}
    return json_text(members(report) | {"settings": settings}) + "\n"


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


def _adjusted(results: list[ModelPairResult]) -> tuple[ModelPairResult, ...]:
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


def _protocols(
    votes: pd.DataFrame, axes: tuple[AskedAxis, ...], settings: ReportSettings
) -> tuple[ProtocolComparison, ...]:
    return tuple(
        comparison
        for axis in axes
        for comparison in protocol_comparisons(
            votes[votes["axis"].eq(axis.key)],
            min_votes=settings.min_votes,
            categories=choices_of(settings),
            seed=settings.seed,
            draws=settings.bootstrap_draws,
            confidence=settings.confidence,
        )
    )


def _panel(votes: pd.DataFrame) -> RaterPanel:
    # As text: categories count those who have no vote left.
    per_rater = known_raters(votes["rater"]).astype(object).value_counts()
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


def _last(times: pd.Series) -> str | None:
    latest = times.max()
    return None if pd.isna(latest) else latest.isoformat(timespec="seconds")
