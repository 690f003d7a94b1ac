"""Rows of the report's tables of ranks, protocols and combinations of reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analysis.core.estimates import Estimate
from analysis.core.protocol_report import ProtocolComparison
from analysis.core.ranking_report import AxisRanking
from analysis.core.results import ModelPairResult, StudyReport
from analysis.page.headline import question_words
from analysis.page.words import axis_words

STATISTICS = {
    "complete": "all raters agree",
    "pairwise": "two raters agree",
    "fleiss_kappa": "Fleiss’ kappa",
    "brennan_prediger": "balanced kappa",
    "gwet_ac1": "AC1",
}


def asked(report: StudyReport, result: ModelPairResult) -> dict[str, Any]:
    """What begins the rows of a result: its pair and what was asked."""
    return {
        "pair": f"{result.model_a} vs {result.model_b}",
        "question": question_words(report, result),
        "result": result,
    }


def ranking_block(ranking: AxisRanking) -> dict[str, Any]:
    """The ranks of one axis, best first, and every probability of a preference."""
    models = sorted(
        ranking.models, key=lambda one: (one.island, -(one.rating.value or 0), one.model)
    )
    return {
        "ranking": ranking,
        "models": models,
        "islands": len({model.island for model in models}),
        "matrix": list(_matrix(ranking, [model.model for model in models])),
    }


def _matrix(ranking: AxisRanking, names: list[str]) -> Iterator[dict[str, Any]]:
    """How likely the model of the row is preferred to that of each column."""
    known = {(one.model, one.other): one.probability for one in ranking.probabilities}
    for row in names:
        yield {"model": row, "cells": [(column, _chance(known, row, column)) for column in names]}


def _chance(known: dict[tuple[str, str], Estimate], row: str, column: str) -> float | None:
    if (row, column) in known:
        return known[row, column].value
    value = known[column, row].value if row != column else None
    return None if value is None else 1 - value


def protocol_block(report: StudyReport, comparison: ProtocolComparison) -> dict[str, Any]:
    """How agreement differs between two protocols."""
    pairs = {(result.model_a, result.model_b) for result in report.results}
    pair = f"{comparison.model_a} vs {comparison.model_b}"
    return {
        "title": axis_words(comparison.axis) + (f": {pair}" if len(pairs) > 1 else ""),
        "comparison": comparison,
        "rows": [
            (STATISTICS.get(row.statistic, axis_words(row.statistic)), row)
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
        rows.append({"title": axis_words(one.axis) + pair, "rates": (without, one.win_rate)})
    return rows


def category_blocks(report: StudyReport) -> list[dict[str, Any]]:
    """A table of categories for each result whose prompts have several."""
    return [asked(report, result) for result in report.results if result.categories]
