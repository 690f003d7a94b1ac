"""The report as one HTML file that opens offline and loads nothing."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.html import json_script

from analysis.core.results import StudyReport
from analysis.core.settings import StoppingRule
from analysis.page import charts
from analysis.page.drawings import figure_names
from analysis.page.examples import example_blocks
from analysis.page.frame import DRAW, PLOTLY, content_security_policy, safe_asset, style
from analysis.page.headline import panel_words, sentences, stop_words
from analysis.page.limits import LINES_SHOWN, MODELS_SHOWN, ROWS_SHOWN
from analysis.page.matrices import STEP_COLOURS, win_rate_matrices
from analysis.page.outline import Outline, outline_of
from analysis.page.reasons import reason_blocks, reason_words
from analysis.page.tables import (
    agreement_rows,
    asked,
    clip_rows,
    exclusion_rows,
    protocol_blocks,
    ranking_blocks,
)
from analysis.page.words import amendment_note, amendment_words, listed, plan_words

MAX_SHOWN = 40
_SPLIT_KEYS = [fill for fill, _ in charts.SPLIT_COLOURS]


def render_report(report: StudyReport) -> str:
    """The whole page. Every text from users goes through the template's escaping."""
    outline = outline_of(report)
    figures = _figures(outline) if report.has_results else {}
    context = _context(outline) | _tables(outline) | _scripts(outline, figures)
    return render_to_string("analysis/report.html", context)


def _context(outline: Outline) -> dict[str, Any]:
    report, results = outline.report, outline.report.results
    settings = report.settings
    return {
        "report": report,
        "settings": settings,
        "outline": outline,
        "figure_names": figure_names(outline),
        "headline": sentences(outline),
        "models": _models(report),
        "focus": outline.focus,
        "split_kinds": outline.split_kinds,
        "split_keys": list(zip(outline.split_kinds, _SPLIT_KEYS, strict=False)),
        "confidence": f"{100 * settings.confidence:g}",
        "agreement_known": bool(outline.split_kinds),
        "examples": example_blocks(report),
        "sides": [
            {"side": side, "shares": (side.left_choices, side.a_on_left), "layout": layout}
            for side, layout in zip(report.sides, report.layouts, strict=True)
            if side.a_on_left.n
        ],
        "shown": settings.shown[:MAX_SHOWN],
        "more_shown": max(len(settings.shown) - MAX_SHOWN, 0),
        "amendments": [(one, amendment_words(one)) for one in settings.amendments],
        "amendment_note": amendment_note(settings.plan, settings.amendments),
        "methods": {
            result.win_rate.rate.interval.method
            for result in results
            if result.win_rate.rate.interval
        },
        "panel_words": panel_words(report),
        "several_protocols": outline.several_protocols,
        "several_results": len(results) > 1,
        "several_pairs": outline.several_model_pairs,
        "excluded_total": sum(
            (report.exclusions.gold, report.exclusions.excluded, report.exclusions.repeated)
        ),
        "plan_words": _plan_words(report),
        "short_of_plan": _short_of_plan(outline),
        "warnings": {code for result in results for code in result.warnings},
        "questions_known": any(axis.question for axis in report.axes),
    }


def _tables(outline: Outline) -> dict[str, Any]:
    """Rows and blocks, as many as the page shows of each."""
    report = outline.report
    reasons, categories = list(reason_blocks(outline)), outline.with_categories()
    protocols = protocol_blocks(outline)
    return {
        "win_rates": outline.capped(
            report.results, lambda one: asked(outline, one), most=ROWS_SHOWN
        ),
        **_matrices(outline),
        "steps": range(len(STEP_COLOURS)),
        "agreements": agreement_rows(outline),
        "reason_blocks": reasons,
        "more_reasons": sum(bool(one.reasons_a) for one in report.results) - len(reasons),
        "category_blocks": [asked(outline, one) for one in categories],
        "more_categories": sum(bool(one.categories) for one in report.results) - len(categories),
        "exclusion_rows": exclusion_rows(outline),
        "rankings": ranking_blocks(outline),
        "protocols": protocols,
        "more_protocols": len(report.protocols) - len(protocols),
        "stopping_rows": outline.capped(
            [one for one in report.results if one.stopping],
            lambda one: {**asked(outline, one), "words": one.stopping and stop_words(one.stopping)},
        ),
        "clips": clip_rows(report.settings.clips),
        "clips_missing": sum(one.missing for one in report.settings.clips),
    }


def _matrices(outline: Outline) -> dict[str, Any]:
    if not outline.as_matrix:
        return {"matrices": []}
    matrices = win_rate_matrices(outline)
    return {
        "matrices": matrices,
        "more_matrices": len(outline.questions) - len(matrices),
    }


def _scripts(outline: Outline, figures: dict[str, Any]) -> dict[str, Any]:
    """What the page runs, and its style; without a chart plotly is left out."""
    with_results = outline.report.has_results
    return {
        "policy": content_security_policy(),
        "style": style(),
        "plotly": safe_asset(PLOTLY) if figures else "",
        "draw": safe_asset(DRAW) if with_results else "",
        "figures": json_script(figures, "figures") if with_results else "",
    }


def _figures(outline: Outline) -> dict[str, charts.Figure]:
    figures = {} if outline.as_matrix else {"win-rates": charts.win_rate_chart(outline)}
    if outline.split_kinds:
        figures["agreement"] = charts.agreement_chart(outline)
    for number, result in outline.with_reasons():
        words = reason_words(outline.report, result)
        figures[f"reasons-{number}"] = charts.reason_chart(result, words)
    return figures


def _models(report: StudyReport) -> str:
    if len(report.models) > MODELS_SHOWN:
        return f"{len(report.models):,} models"
    return listed(report.models) if report.models else ""


def _plan_words(report: StudyReport) -> str:
    settings = report.settings
    if settings.plan is None:
        return ""
    existing = set(settings.planned.values())
    common = existing.pop() if len(existing) == 1 else None
    return plan_words(settings.plan, settings.plan.comparisons or common)


def _short_of_plan(outline: Outline) -> list[str]:
    """What a closed study has less than it planned, in words; of too much, the first."""
    plan, settings = outline.report.settings.plan, outline.report.settings
    if plan is None or plan.rule != StoppingRule.FIXED or settings.interim:
        return []
    short = [
        result
        for result in outline.report.results
        if plan.comparisons and result.win_rate.n < plan.comparisons
    ]
    most = LINES_SHOWN if outline.folded else len(short)
    lines = [
        f"{result.model_a} vs {result.model_b}, {outline.question(result)}: "
        f"{result.win_rate.n} of {plan.comparisons}"
        for result in short[:most]
    ]
    more = len(short) - len(lines)
    return [*lines, f"and {more:,} more"] if more else lines
