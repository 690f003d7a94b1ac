"""The report as one HTML file that opens offline and loads nothing."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.html import json_script

from analysis.core.results import ModelPairResult, StudyReport
from analysis.core.settings import StoppingRule
from analysis.page import charts
from analysis.page.drawings import figure_names
from analysis.page.examples import example_blocks
from analysis.page.frame import DRAW, PLOTLY, content_security_policy, safe_asset, style
from analysis.page.headline import common_model, headline, panel_words, question_words, stop_words
from analysis.page.reasons import reason_blocks, reason_words
from analysis.page.tables import (
    asked,
    category_blocks,
    exclusion_rows,
    protocol_block,
    ranking_block,
)
from analysis.page.words import amendment_note, amendment_words, listed, plan_words

MAX_SHOWN = 40
_SPLIT_KEYS = [fill for fill, _ in charts.SPLIT_COLOURS]


def render_report(report: StudyReport) -> str:
    """The whole page. Every text from users goes through the template's escaping."""
    figures = _figures(report) if report.has_results else {}
    return render_to_string("analysis/report.html", _context(report, figures))


def _context(report: StudyReport, figures: dict[str, Any]) -> dict[str, Any]:
    results = report.results
    return {
        "report": report,
        "settings": report.settings,
        "policy": content_security_policy(),
        "style": style(),
        "plotly": safe_asset(PLOTLY) if figures else "",
        "draw": safe_asset(DRAW) if figures else "",
        "figures": json_script(figures, "figures") if figures else "",
        "figure_names": figure_names(report),
        "headline": headline(report),
        "models": listed(report.models) if report.models else "",
        "focus": common_model(report),
        "rows": [asked(report, result) for result in results],
        "split_kinds": charts.split_kinds(report),
        "split_keys": list(zip(charts.split_kinds(report), _SPLIT_KEYS, strict=False)),
        "agreements": [_agreement_row(report, result) for result in results],
        "confidence": f"{100 * report.settings.confidence:g}",
        "agreement_known": any(result.agreement.splits for result in results),
        "reason_blocks": list(reason_blocks(report)),
        "examples": example_blocks(report),
        "category_blocks": category_blocks(report),
        "exclusion_rows": exclusion_rows(report),
        "rankings": [ranking_block(ranking) for ranking in report.rankings],
        "protocols": [protocol_block(report, one) for one in report.protocols],
        "sides": [
            {"side": side, "shares": (side.left_choices, side.a_on_left), "layout": layout}
            for side, layout in zip(report.sides, report.layouts, strict=True)
            if side.a_on_left.n
        ],
        "shown": report.settings.shown[:MAX_SHOWN],
        "more_shown": max(len(report.settings.shown) - MAX_SHOWN, 0),
        "amendments": [(one, amendment_words(one)) for one in report.settings.amendments],
        "amendment_note": amendment_note(report.settings.plan, report.settings.amendments),
        "clips": report.settings.clips,
        "clips_missing": sum(one.missing for one in report.settings.clips),
        "methods": {
            result.win_rate.rate.interval.method
            for result in results
            if result.win_rate.rate.interval
        },
        "panel_words": panel_words(report),
        "several_protocols": len({result.protocol for result in results}) > 1,
        "several_results": len(results) > 1,
        "several_pairs": len({(r.model_a, r.model_b) for r in results}) > 1,
        "excluded_total": sum(
            (report.exclusions.gold, report.exclusions.excluded, report.exclusions.repeated)
        ),
        "plan_words": _plan_words(report),
        "short_of_plan": _short_of_plan(report),
        "stopping_rows": [
            {**asked(report, one), "words": stop_words(one.stopping)}
            for one in results
            if one.stopping
        ],
        "warnings": {code for result in results for code in result.warnings},
        "questions_known": any(axis.question for axis in report.axes),
    }


def _figures(report: StudyReport) -> dict[str, charts.Figure]:
    figures = {"win-rates": charts.win_rate_chart(report)}
    if any(result.agreement.splits for result in report.results):
        figures["agreement"] = charts.agreement_chart(report)
    for number, result in enumerate(report.results):
        if result.reasons_a:
            words = reason_words(report, result)
            figures[f"reasons-{number}"] = charts.reason_chart(result, words)
    return figures


def _plan_words(report: StudyReport) -> str:
    settings = report.settings
    if settings.plan is None:
        return ""
    existing = set(settings.planned.values())
    common = existing.pop() if len(existing) == 1 else None
    return plan_words(settings.plan, settings.plan.comparisons or common)


def _short_of_plan(report: StudyReport) -> list[str]:
    """What a closed study has less than it planned, in words."""
    plan = report.settings.plan
    if plan is None or plan.rule != StoppingRule.FIXED or report.settings.interim:
        return []
    return [
        f"{result.model_a} vs {result.model_b}, {question_words(report, result)}: "
        f"{result.win_rate.n} of {plan.comparisons}"
        for result in report.results
        if plan.comparisons and result.win_rate.n < plan.comparisons
    ]


def _agreement_row(report: StudyReport, result: ModelPairResult) -> dict[str, Any]:
    agreement = result.agreement
    return {
        **asked(report, result),
        "splits": charts.split_counts(report, agreement) if agreement.splits else [],
        "coefficients": (
            agreement.fleiss_kappa,
            agreement.brennan_prediger,
            agreement.gwet_ac1,
            agreement.krippendorff_alpha,
        ),
    }
