"""Rows of the report's tables of ranks, protocols and combinations of reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.core.estimates import Estimate
from analysis.core.protocol_report import ProtocolComparison
from analysis.core.ranking_report import AxisRanking, RankedModel, best_first
from analysis.core.results import ModelPairResult, WithExcluded
from analysis.core.settings import ClipsWanted
from analysis.page.limits import (
    BLOCKS_SHOWN,
    FURTHER_ROWS_SHOWN,
    LINES_SHOWN,
    RANKS_OPEN,
    ROWS_SHOWN,
    Capped,
    largest,
    some,
)
from analysis.page.matrices import Matrix, probability_matrix
from analysis.page.outline import Outline
from analysis.page.splits import split_counts
from analysis.page.words import axis_words

STATISTICS = {
    "complete": "all raters agree",
    "pairwise": "two raters agree",
    "fleiss_kappa": "Fleiss’ kappa",
    "brennan_prediger": "balanced kappa",
    "gwet_ac1": "AC1",
}


@dataclass(frozen=True, slots=True)
class Ranks:
    """Models in sight and folded away, and how many more stand in the table of the files."""

    open: list[RankedModel]
    folded: list[RankedModel]
    total: int

    @property
    def shown(self) -> int:
        return len(self.open) + len(self.folded)

    @property
    def first(self) -> int:
        """The place of the first one that is folded away."""
        return len(self.open) + 1

    @property
    def more(self) -> int:
        return self.total - self.shown


def asked(outline: Outline, result: ModelPairResult) -> dict[str, Any]:
    """What begins the rows of a result: its pair and what was asked."""
    return {
        "pair": f"{result.model_a} vs {result.model_b}",
        "question": outline.question(result),
        "result": result,
    }


def ranking_block(
    ranking: AxisRanking, *, most: int = ROWS_SHOWN, chances: Matrix | None = None
) -> dict[str, Any]:
    """The ranks of one axis, best first, and every probability of a preference.

    `most` models are listed. `chances` are the probabilities between the best, instead of all.
    """
    models = best_first(ranking.models)
    beaten = largest(ranking.one_sided, LINES_SHOWN, lambda one: one.votes)
    return {
        "ranking": ranking,
        "ranks": Ranks(models[:RANKS_OPEN], models[RANKS_OPEN:most], len(models)),
        "models": models,
        "islands": len({model.island for model in models}),
        "chances": chances,
        "matrix": [] if chances else list(_matrix(ranking, [model.model for model in models])),
        "one_sided": [
            {"winners": some(one.winners), "losers": some(one.losers), "votes": one.votes}
            for one in beaten
        ],
        "more_one_sided": len(ranking.one_sided) - len(beaten),
        "circles": ranking.cyclic_triples[:LINES_SHOWN],
        "more_circles": max(len(ranking.cyclic_triples) - LINES_SHOWN, 0),
    }


def ranking_blocks(outline: Outline) -> list[dict[str, Any]]:
    """The ranks of every axis; together they list no more than `ROWS_SHOWN` models."""
    rankings = outline.report.rankings
    most = max(RANKS_OPEN, ROWS_SHOWN // max(len(rankings), 1))
    return [
        ranking_block(
            one,
            most=most,
            chances=probability_matrix(outline.question(one), one) if outline.folded else None,
        )
        for one in rankings
    ]


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


def protocol_block(outline: Outline, comparison: ProtocolComparison) -> dict[str, Any]:
    """How agreement differs between two protocols."""
    pair = f": {comparison.model_a} vs {comparison.model_b}" if outline.several_model_pairs else ""
    return {
        "title": axis_words(comparison.axis) + pair,
        "comparison": comparison,
        "rows": [
            (STATISTICS.get(row.statistic, axis_words(row.statistic)), row)
            for row in comparison.differences
        ],
    }


def protocol_blocks(outline: Outline) -> list[dict[str, Any]]:
    """A block per axis and pair: of too many, those with the most comparisons."""
    found = outline.report.protocols
    most = BLOCKS_SHOWN if outline.folded else len(found)
    return [
        protocol_block(outline, one)
        for one in largest(found, most, lambda one: one.first_comparisons + one.second_comparisons)
    ]


def agreement_rows(outline: Outline) -> Capped:
    """Splits and coefficients of each result."""
    return outline.capped(
        outline.report.results,
        lambda result: _agreement_row(outline, result),
        size=lambda result: result.agreement.comparisons_with_two_votes,
    )


def _agreement_row(outline: Outline, result: ModelPairResult) -> dict[str, Any]:
    agreement = result.agreement
    return {
        **asked(outline, result),
        "splits": split_counts(outline.split_kinds, agreement) if agreement.splits else [],
        "coefficients": (
            agreement.fleiss_kappa,
            agreement.brennan_prediger,
            agreement.gwet_ac1,
            agreement.krippendorff_alpha,
        ),
    }


def exclusion_rows(outline: Outline) -> Capped:
    """Win rates as they count, and as they would be with the excluded raters."""
    found = outline.report.with_excluded
    several = len({(one.model_a, one.model_b) for one in found}) > 1
    counted = {_place(one): one.win_rate for one in outline.report.results}
    most = FURTHER_ROWS_SHOWN if outline.folded else len(found)
    rows = [
        {
            "title": axis_words(one.axis)
            + (f": {one.model_a} vs {one.model_b}" if several else ""),
            "rates": (counted.get(_place(one)), one.win_rate),
        }
        for one in largest(found, most, lambda one: one.win_rate.n)
    ]
    return Capped(rows, len(found), outline.folded)


def _place(one: ModelPairResult | WithExcluded) -> tuple[str, str, str, str]:
    return one.protocol, one.axis, one.model_a, one.model_b


def clip_rows(clips: Sequence[ClipsWanted]) -> Capped:
    """What became of each model's clips: of too many models, those that lack most."""
    shown = largest(clips, FURTHER_ROWS_SHOWN, lambda one: one.missing)
    return Capped(shown, len(clips), len(clips) > RANKS_OPEN)
