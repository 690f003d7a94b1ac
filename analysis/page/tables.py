"""Rows of the report's tables of ranks, protocols and combinations of reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analysis.core.estimates import Estimate
from analysis.core.protocol_report import ProtocolComparison
from analysis.core.ranking_report import AxisRanking, RankedModel
from analysis.core.results import StudyReport
from analysis.core.slices import CategoryRate
from analysis.core.win_rates import WinRate
from analysis.page.headline import question_words
from analysis.page.words import (
    axis_words,
    decimal,
    decimal_interval,
    p_value,
    percent,
    percent_interval,
    why_undefined,
)

STATISTICS = {
    "complete": "all raters agree",
    "pairwise": "two raters agree",
    "fleiss_kappa": "Fleiss’ kappa",
    "brennan_prediger": "balanced kappa",
    "gwet_ac1": "AC1",
}


def ranking_block(ranking: AxisRanking) -> dict[str, Any]:
    """The ranks of one axis, best first, and every probability of a preference."""
    return {
        "question": axis_words(ranking.axis),
        "protocol": ranking.protocol,
        "rows": [_ranked_row(model) for model in _best_first(ranking)],
        "islands": len({model.island for model in ranking.models}),
        "matrix": list(_matrix(ranking)),
        "names": [model.model for model in _best_first(ranking)],
        "one_sided": ranking.one_sided,
        "triples": ranking.cyclic_triples,
        "side_effect": decimal(ranking.side_effect.value),
        "side_interval": decimal_interval(ranking.side_effect.interval),
        "warnings": ranking.warnings,
    }


def _best_first(ranking: AxisRanking) -> list[RankedModel]:
    return sorted(ranking.models, key=lambda one: (one.island, -(one.rating.value or 0), one.model))


def _ranked_row(model: RankedModel) -> dict[str, Any]:
    return {
        "model": model.model,
        "island": model.island + 1,
        "rating": decimal(model.rating.value, 0),
        "interval": _whole_interval(model.rating),
        "why": why_undefined(model.rating),
        "ranks": _ranks(model),
    }


def _ranks(model: RankedModel) -> str:
    if model.best_rank is None:
        return "–"
    if model.best_rank == model.worst_rank:
        return str(model.best_rank)
    return f"{model.best_rank} to {model.worst_rank}"


def _whole_interval(estimate: Estimate) -> str:
    if estimate.interval is None:
        return ""
    bounds = (estimate.interval.lower, estimate.interval.upper)
    return " to ".join(decimal(bound, 0) for bound in bounds)


def _matrix(ranking: AxisRanking) -> Iterator[dict[str, Any]]:
    """How likely the model of the row is preferred to that of the column."""
    known = {(one.model, one.other): one.probability for one in ranking.probabilities}
    names = [model.model for model in _best_first(ranking)]
    for row in names:
        yield {"model": row, "cells": [_cell(known, row, column) for column in names]}


def _cell(known: dict[tuple[str, str], Estimate], row: str, column: str) -> str:
    if row == column:
        return ""
    if (row, column) in known:
        return percent(known[row, column].value)
    value = known[column, row].value
    return percent(None if value is None else 1 - value)


def protocol_block(report: StudyReport, comparison: ProtocolComparison) -> dict[str, Any]:
    """How agreement differs between two protocols."""
    pairs = {(result.model_a, result.model_b) for result in report.results}
    pair = f"{comparison.model_a} vs {comparison.model_b}"
    return {
        "title": axis_words(comparison.axis) + (f": {pair}" if len(pairs) > 1 else ""),
        "comparison": comparison,
        "rows": [
            {
                "statistic": STATISTICS.get(row.statistic, axis_words(row.statistic)),
                "first": decimal(row.first),
                "second": decimal(row.second),
                "difference": decimal(row.difference.value),
                "interval": decimal_interval(row.difference.interval),
                "p": p_value(row.test.p_value),
                "holm": p_value(row.holm_p_value),
            }
            for row in comparison.differences
        ],
    }


def exclusion_rows(report: StudyReport) -> list[dict[str, Any]]:
    """Win rates as they count, and as they would be with the excluded raters."""
    counted = {
        (one.protocol, one.axis, one.model_a, one.model_b): one.win_rate for one in report.results
    }
    several = len({(one.model_a, one.model_b) for one in report.with_excluded}) > 1
    rows = []
    for one in report.with_excluded:
        pair = f": {one.model_a} vs {one.model_b}" if several else ""
        without = counted.get((one.protocol, one.axis, one.model_a, one.model_b))
        rows.append(
            {
                "title": axis_words(one.axis) + pair,
                "without": _rate_cell(without) if without else {"rate": "–", "n": 0},
                "with": _rate_cell(one.win_rate),
            }
        )
    return rows


def _rate_cell(rate: WinRate) -> dict[str, Any]:
    return {
        "rate": percent(rate.rate.value),
        "interval": percent_interval(rate.rate.interval),
        "n": rate.n,
    }


def category_blocks(report: StudyReport) -> list[dict[str, Any]]:
    """A table of categories for each result whose prompts have several."""
    return [
        {
            "pair": f"{result.model_a} vs {result.model_b}",
            "question": question_words(report, result),
            "rows": [_category_row(one) for one in result.categories],
        }
        for result in report.results
        if result.categories
    ]


def _category_row(one: CategoryRate) -> dict[str, Any]:
    return {
        "category": one.category,
        "rate": percent(one.win_rate.rate.value),
        "interval": percent_interval(one.win_rate.rate.interval),
        "won": one.win_rate,
        "p": p_value(one.p_value),
        "holm": p_value(one.holm_p_value),
    }
