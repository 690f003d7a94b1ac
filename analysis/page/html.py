"""The report as one HTML file that opens offline and loads nothing."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.html import json_script

from analysis.core.estimates import Estimate
from analysis.core.results import PairResult, StudyReport
from analysis.core.settings import StoppingRule
from analysis.core.sides import BalancedShare, LayoutBalance, SideBalance
from analysis.core.win_rates import RaterRange
from analysis.page import charts
from analysis.page.drawings import figure_names
from analysis.page.examples import example_blocks
from analysis.page.frame import DRAW, PLOTLY, content_security_policy, safe_asset, style
from analysis.page.headline import common_model, headline, panel_words, question_words, stop_words
from analysis.page.reasons import reason_blocks, reason_words
from analysis.page.tables import (
    category_blocks,
    exclusion_rows,
    protocol_block,
    ranking_block,
)
from analysis.page.words import (
    axis_words,
    decimal,
    decimal_interval,
    listed,
    p_value,
    percent,
    percent_interval,
    plan_words,
    time_words,
    why_undefined,
)

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
        "last_vote": time_words(report.last_vote_at),
        "focus": common_model(report),
        "rates": [_rate_row(report, result) for result in results],
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
            _side_row(side, layout)
            for side, layout in zip(report.sides, report.layouts, strict=True)
            if side.a_on_left.n
        ],
        "shown": report.settings.shown[:MAX_SHOWN],
        "more_shown": max(len(report.settings.shown) - MAX_SHOWN, 0),
        "clips": report.settings.clips,
        "clips_missing": sum(one.missing for one in report.settings.clips),
        "axes": [{"name": axis_words(axis.key), "asked": axis} for axis in report.axes],
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
        "stopping_rows": [_stopping_row(report, one) for one in results if one.stopping],
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


def _rate_row(report: StudyReport, result: PairResult) -> dict[str, Any]:
    rates, share = result.win_rate, result.vote_share.item_weighted
    return {
        "pair": f"{result.model_a} vs {result.model_b}",
        "question": question_words(report, result),
        "result": result,
        "rate": percent(rates.rate.value),
        "interval": percent_interval(rates.rate.interval),
        "net": decimal(rates.net.value, 1),
        "net_interval": _net_interval(rates.net),
        "p": p_value(result.preference.p_value),
        "holm": p_value(result.preference.holm_p_value),
        "without_one": _range(result.without_one_rater),
        "share": percent(share.value),
        "share_interval": percent_interval(share.interval),
        "anytime": percent(result.anytime.rate) if result.anytime else "–",
        "anytime_interval": _anytime_interval(result),
    }


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


def _stopping_row(report: StudyReport, result: PairResult) -> dict[str, Any]:
    state = result.stopping
    return {
        "pair": f"{result.model_a} vs {result.model_b}",
        "question": question_words(report, result),
        "state": state,
        "interval": percent_interval(state.interval) if state else "",
        "level": percent(state.confidence) if state else "",
        "words": stop_words(state) if state else "",
    }


def _anytime_interval(result: PairResult) -> str:
    return percent_interval(result.anytime.interval) if result.anytime else ""


def _range(found: RaterRange) -> str:
    if found.lowest is None or found.highest is None:
        return "–"
    return f"{percent(found.lowest)} to {percent(found.highest)}"


def _net_interval(net: Estimate) -> str:
    if net.interval is None:
        return ""
    bounds = (net.interval.lower, net.interval.upper)
    return " to ".join(decimal(bound, 1) for bound in bounds)


def _agreement_row(report: StudyReport, result: PairResult) -> dict[str, Any]:
    agreement = result.agreement
    names = ("fleiss_kappa", "brennan_prediger", "gwet_ac1", "krippendorff_alpha")
    return {
        "pair": f"{result.model_a} vs {result.model_b}",
        "question": question_words(report, result),
        "n": agreement.comparisons_with_two_votes,
        "splits": charts.split_counts(report, agreement) if agreement.splits else [],
        "complete": percent(agreement.complete),
        "pairwise": percent(agreement.pairwise.value),
        "pairwise_interval": percent_interval(agreement.pairwise.interval),
        "coefficients": [_coefficient(getattr(agreement, name)) for name in names],
    }


def _coefficient(estimate: Estimate) -> dict[str, str]:
    return {
        "value": decimal(estimate.value),
        "interval": decimal_interval(estimate.interval),
        "why": why_undefined(estimate) if estimate.value is None else "",
    }


def _side_row(side: SideBalance, layout: LayoutBalance) -> dict[str, Any]:
    return {
        "question": axis_words(side.axis),
        "shares": [_balanced_cell(side.left_choices), _balanced_cell(side.a_on_left)],
        "layout": layout,
    }


def _balanced_cell(share: BalancedShare) -> dict[str, Any]:
    return {
        "value": percent(share.share.value),
        "interval": percent_interval(share.share.interval),
        "n": share.n,
        "p": p_value(share.p_value),
    }
