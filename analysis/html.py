"""The report as one HTML file that opens offline and loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.html import json_script
from django.utils.safestring import mark_safe

from analysis import charts, wording
from analysis.core.estimates import Estimate
from analysis.core.reasons import ReasonShare
from analysis.core.report import PairResult, Report
from analysis.core.sides import BalancedShare, LayoutBalance, SideBalance
from analysis.core.stopping import StoppingRule
from analysis.core.win_rates import RaterRange
from analysis.example_rows import example_blocks
from analysis.figures import figure_names
from analysis.models import Report as StoredReport
from analysis.tables import (
    category_blocks,
    combination_plot,
    combination_rows,
    exclusion_rows,
    protocol_block,
    ranking_block,
)

PLOTLY = "vendor/plotly-basic-4.1.1.min.js"
DRAW = "analysis/report.js"
STYLE = "analysis/report.css"
MAX_SHOWN = 40
_SPLIT_KEYS = [fill for fill, _ in charts.SPLIT_COLOURS]


def render_report(report: Report) -> str:
    """The whole page. Every text from users goes through the template's escaping."""
    figures = _figures(report) if report.has_results else {}
    return render_to_string("analysis/report.html", _context(report, figures))


def with_notice(page: str, report: StoredReport) -> str:
    """A stored page that says when it was made, and that no newer one could be made."""
    notice = render_to_string("analysis/older.html", {"report": report})
    return page.replace("<main>", f"<main>\n{notice}", 1)


@cache
def content_security_policy() -> str:
    """What the page may do: run its own two scripts, known by their hash, and load nothing."""
    scripts = " ".join(f"'sha256-{_sha256(_asset(name))}'" for name in (PLOTLY, DRAW))
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )


def _context(report: Report, figures: dict[str, Any]) -> dict[str, Any]:
    results = report.results
    return {
        "report": report,
        "settings": report.settings,
        "policy": content_security_policy(),
        "style": _safe(_asset(STYLE)),
        "plotly": _safe(_asset(PLOTLY)) if figures else "",
        "draw": _safe(_asset(DRAW)) if figures else "",
        "figures": json_script(figures, "figures") if figures else "",
        "figure_names": figure_names(report),
        "headline": wording.headline(report),
        "models": wording.listed(report.models) if report.models else "",
        "last_vote": wording.time_words(report.last_vote_at),
        "focus": wording.common_model(report),
        "rates": [_rate_row(report, result) for result in results],
        "split_kinds": charts.split_kinds(report),
        "split_keys": list(zip(charts.split_kinds(report), _SPLIT_KEYS, strict=False)),
        "agreements": [_agreement_row(report, result) for result in results],
        "confidence": f"{100 * report.settings.confidence:g}",
        "agreement_known": any(result.agreement.splits for result in results),
        "reason_blocks": list(_reason_blocks(report)),
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
        "axes": [{"name": wording.axis_words(axis.key), "asked": axis} for axis in report.axes],
        "methods": {
            result.win_rate.rate.interval.method
            for result in results
            if result.win_rate.rate.interval
        },
        "panel_words": wording.panel_words(report),
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


def _figures(report: Report) -> dict[str, charts.Figure]:
    figures = {"win-rates": charts.win_rate_chart(report)}
    if any(result.agreement.splits for result in report.results):
        figures["agreement"] = charts.agreement_chart(report)
    for number, result in enumerate(report.results):
        if result.reasons_a:
            words = _reason_words(report, result)
            figures[f"reasons-{number}"] = charts.reason_chart(result, words)
    return figures


def _rate_row(report: Report, result: PairResult) -> dict[str, Any]:
    rates, share = result.win_rate, result.vote_share.item_weighted
    return {
        "pair": f"{result.model_a} vs {result.model_b}",
        "question": wording.question_words(report, result),
        "result": result,
        "rate": wording.percent(rates.rate.value),
        "interval": wording.percent_interval(rates.rate.interval),
        "net": wording.decimal(rates.net.value, 1),
        "net_interval": _net_interval(rates.net),
        "p": wording.p_value(result.preference.p_value),
        "holm": wording.p_value(result.preference.holm_p_value),
        "without_one": _range(result.without_one_rater),
        "share": wording.percent(share.value),
        "share_interval": wording.percent_interval(share.interval),
        "anytime": wording.percent(result.anytime.rate) if result.anytime else "–",
        "anytime_interval": _anytime_interval(result),
    }


def _plan_words(report: Report) -> str:
    settings = report.settings
    if settings.plan is None:
        return ""
    existing = set(settings.planned.values())
    common = existing.pop() if len(existing) == 1 else None
    return wording.plan_words(settings.plan, settings.plan.comparisons or common)


def _short_of_plan(report: Report) -> list[str]:
    """What a closed study has less than it planned, in words."""
    plan = report.settings.plan
    if plan is None or plan.rule != StoppingRule.FIXED or report.settings.interim:
        return []
    return [
        f"{result.model_a} vs {result.model_b}, {wording.question_words(report, result)}: "
        f"{result.win_rate.n} of {plan.comparisons}"
        for result in report.results
        if plan.comparisons and result.win_rate.n < plan.comparisons
    ]


def _stopping_row(report: Report, result: PairResult) -> dict[str, Any]:
    state = result.stopping
    return {
        "pair": f"{result.model_a} vs {result.model_b}",
        "question": wording.question_words(report, result),
        "state": state,
        "interval": wording.percent_interval(state.interval) if state else "",
        "level": wording.percent(state.confidence) if state else "",
        "words": wording.stop_words(state) if state else "",
    }


def _anytime_interval(result: PairResult) -> str:
    return wording.percent_interval(result.anytime.interval) if result.anytime else ""


def _range(found: RaterRange) -> str:
    if found.lowest is None or found.highest is None:
        return "–"
    return f"{wording.percent(found.lowest)} to {wording.percent(found.highest)}"


def _net_interval(net: Estimate) -> str:
    if net.interval is None:
        return ""
    bounds = (net.interval.lower, net.interval.upper)
    return " to ".join(wording.decimal(bound, 1) for bound in bounds)


def _agreement_row(report: Report, result: PairResult) -> dict[str, Any]:
    agreement = result.agreement
    names = ("fleiss_kappa", "brennan_prediger", "gwet_ac1", "krippendorff_alpha")
    return {
        "pair": f"{result.model_a} vs {result.model_b}",
        "question": wording.question_words(report, result),
        "n": agreement.comparisons_with_two_votes,
        "splits": charts.split_counts(report, agreement) if agreement.splits else [],
        "complete": wording.percent(agreement.complete),
        "pairwise": wording.percent(agreement.pairwise.value),
        "pairwise_interval": wording.percent_interval(agreement.pairwise.interval),
        "coefficients": [_coefficient(getattr(agreement, name)) for name in names],
    }


def _coefficient(estimate: Estimate) -> dict[str, str]:
    return {
        "value": wording.decimal(estimate.value),
        "interval": wording.decimal_interval(estimate.interval),
        "why": wording.why_undefined(estimate) if estimate.value is None else "",
    }


def _reason_blocks(report: Report) -> Iterator[dict[str, Any]]:
    for number, result in enumerate(report.results):
        if result.reasons_a:
            yield {
                "chart": f"reasons-{number}",
                "pair": f"{result.model_a} vs {result.model_b}",
                "question": wording.question_words(report, result),
                "result": result,
                "keys": _reason_keys(result),
                "colours": charts.MODEL_COLOURS,
                "rows": list(_reason_rows(report, result)),
                "combinations": combination_rows(result, _reason_words(report, result)),
                "together": combination_plot(result, _reason_words(report, result)),
            }


def _reason_keys(result: PairResult) -> list[tuple[str, str]]:
    names = [
        f"votes for {model} (n = {shares[0].votes})"
        for model, shares in (
            (result.model_a, result.reasons_a),
            (result.model_b, result.reasons_b),
        )
    ]
    return list(zip(names, charts.MODEL_COLOURS, strict=True))


def _reason_rows(report: Report, result: PairResult) -> Iterator[dict[str, Any]]:
    words = _reason_words(report, result)
    triples = zip(result.reasons_a, result.reasons_b, result.reason_differences, strict=True)
    for for_a, for_b, difference in triples:
        yield {
            "reason": words.get(for_a.reason, wording.axis_words(for_a.reason)),
            "shares": [_reason_cell(for_a), _reason_cell(for_b)],
            "holm": wording.p_value(difference.holm_p_value),
        }


def _reason_cell(share: ReasonShare) -> dict[str, Any]:
    return {
        "value": wording.percent(share.share.value),
        "interval": wording.percent_interval(share.share.interval),
        "cited": share.cited,
        "votes": share.votes,
    }


def _reason_words(report: Report, result: PairResult) -> dict[str, str]:
    asked = next(axis for axis in report.axes if axis.key == result.axis)
    return dict(asked.reasons)


def _side_row(side: SideBalance, layout: LayoutBalance) -> dict[str, Any]:
    return {
        "question": wording.axis_words(side.axis),
        "shares": [_balanced_cell(side.left_choices), _balanced_cell(side.a_on_left)],
        "layout": layout,
    }


def _balanced_cell(share: BalancedShare) -> dict[str, Any]:
    return {
        "value": wording.percent(share.share.value),
        "interval": wording.percent_interval(share.share.interval),
        "n": share.n,
        "p": wording.p_value(share.p_value),
    }


@cache
def _asset(name: str) -> str:
    found = finders.find(name)
    if not isinstance(found, str):
        raise FileNotFoundError(f"static file {name}")
    return Path(found).read_text(encoding="utf-8").strip()


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _safe(text: str) -> str:
    """Our own script or style, to stand inside its element as it is."""
    if "</script" in text or "</style" in text:
        raise ValueError("the text would end its own element")
    return mark_safe(text)  # noqa: S308 - a file of this project, not a text from a user
