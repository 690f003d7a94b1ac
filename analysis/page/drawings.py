"""Which figures a report has, for the page that names them and the files that hold them."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.core.ranking_report import AxisRanking
from analysis.core.results import ModelPairResult
from analysis.page.outline import Outline

WIN_RATES = "win_rates"
AGREEMENT = "agreement"


def drawings(outline: Outline) -> Iterator[tuple[str, ModelPairResult | AxisRanking | None]]:
    """Names of figures, and what they are of; None for those of the whole report."""
    report = outline.report
    if report.has_results:
        yield WIN_RATES, None
    if outline.split_kinds:
        yield AGREEMENT, None
    for place, result in outline.with_reasons():
        yield f"reasons-{place + 1}-{_plain(result.axis)}", result
    for number, ranking in enumerate(report.rankings, start=1):
        yield f"ranking-{number}-{_plain(ranking.axis)}", ranking


def figure_names(outline: Outline) -> list[str]:
    """The figures that a report has, without drawing them."""
    return [name for name, _ in drawings(outline)]


def _plain(axis: str) -> str:
    """An axis as part of a file's name."""
    return "".join(letter if letter.isalnum() else "-" for letter in axis) or "votes"
