"""The reasons of a report as its page shows them: shares, and which were ticked together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analysis.core.results import ModelPairResult, StudyReport
from analysis.page import charts
from analysis.page.outline import Outline
from analysis.page.tables import asked
from analysis.page.words import axis_words

COMBINATIONS_SHOWN = 8


def reason_blocks(outline: Outline) -> Iterator[dict[str, Any]]:
    for number, result in outline.with_reasons():
        words = reason_words(outline.report, result)
        yield {
            "chart": f"reasons-{number}",
            **asked(outline, result),
            "keys": _reason_keys(result),
            "colours": charts.MODEL_COLOURS,
            "rows": list(_reason_rows(result, words)),
            "combinations": combination_rows(result, words),
            "together": combination_plot(result, words),
        }


def _reason_keys(result: ModelPairResult) -> list[tuple[str, str]]:
    names = [
        f"votes for {model} (n = {shares[0].votes})"
        for model, shares in (
            (result.model_a, result.reasons_a),
            (result.model_b, result.reasons_b),
        )
    ]
    return list(zip(names, charts.MODEL_COLOURS, strict=True))


def _reason_rows(result: ModelPairResult, words: dict[str, str]) -> Iterator[dict[str, Any]]:
    triples = zip(result.reasons_a, result.reasons_b, result.reason_differences, strict=True)
    for for_a, for_b, difference in triples:
        yield {
            "reason": words.get(for_a.reason, axis_words(for_a.reason)),
            "shares": (for_a, for_b),
            "difference": difference,
        }


def reason_words(report: StudyReport, result: ModelPairResult) -> dict[str, str]:
    asked = next(axis for axis in report.axes if axis.key == result.axis)
    return dict(asked.reasons)


def combination_rows(result: ModelPairResult, words: dict[str, str]) -> list[dict[str, Any]]:
    """Which reasons were ticked together, the most frequent first, for votes either way."""
    return [
        {"reasons": _named(reasons, words), "votes": votes}
        for reasons, votes in _frequent(result)[:COMBINATIONS_SHOWN]
    ]


def combination_plot(result: ModelPairResult, words: dict[str, str]) -> dict[str, Any]:
    """The same as an UpSet plot (Lex et al. 2014): a bar per combination over a matrix of dots.

    Heights are in percent of the tallest bar, shares in percent of all votes with a winner. A row
    per reason holds a cell per combination; lines join the first of its dots to the last.
    """
    frequent = _frequent(result)
    shown = frequent[:COMBINATIONS_SHOWN]
    total = sum(sum(votes) for _, votes in frequent)
    tallest = max((sum(votes) for _, votes in shown), default=0)
    ticked = [s.reason for s in result.reasons_a if any(s.reason in names for names, _ in shown)]
    spans = [_span([ticked.index(name) for name in names]) for names, _ in shown]
    return {
        "bars": [
            {
                "share": f"{100 * sum(votes) / total:.0f}",
                "parts": [f"{100 * part / tallest:.2f}" for part in votes],
            }
            for _, votes in shown
        ],
        "rows": [
            {
                "reason": words.get(name, axis_words(name)),
                "cells": [
                    {"dot": name in names, "up": first < row <= last, "down": first <= row < last}
                    for (names, _), (first, last) in zip(shown, spans, strict=True)
                ],
            }
            for row, name in enumerate(ticked)
        ],
        "most": _named(shown[0][0], words) if shown else "",
        "kinds": len(frequent),
    }


def _frequent(result: ModelPairResult) -> list[tuple[tuple[str, ...], list[int]]]:
    """Combinations with their votes for A and for B, the most frequent first."""
    counts: dict[tuple[str, ...], list[int]] = {}
    for side, combinations in enumerate((result.combinations_a, result.combinations_b)):
        for combination in combinations:
            counts.setdefault(combination.reasons, [0, 0])[side] = combination.votes
    return sorted(counts.items(), key=lambda item: (-sum(item[1]), item[0]))


def _span(places: list[int]) -> tuple[int, int]:
    """First and last place of a line; a line of no length where there is none."""
    return (min(places), max(places)) if places else (0, 0)


def _named(reasons: tuple[str, ...], words: dict[str, str]) -> str:
    named = [words.get(reason, axis_words(reason)) for reason in reasons]
    return " + ".join(named) or "no reason"
