"""Which figures a report has, for the page that names them and the files that hold them."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.core.ranking_report import AxisRanking
from analysis.core.results import ModelPairResult, StudyReport

WIN_RATES = "win_rates"
AGREEMENT = "agreement"


def drawings(report: StudyReport) -> Iterator[tuple[str, ModelPairResult | AxisRanking | None]]:
    """Names of figures, and what they are of; None for those of the whole report."""
    if report.has_results:
        yield WIN_RATES, None
    if any(result.agreement.splits for result in report.results):
        yield AGREEMENT, None
    for number, result in enumerate(report.results, start=1):
        if result.reasons_a:
            yield f"reasons-{number}-{_plain(result.axis)}", result
    for number, ranking in enumerate(report.rankings, start=1):
        yield f"ranking-{number}-{_plain(ranking.axis)}", ranking


def figure_names(report: StudyReport) -> list[str]:
    """The figures that a report has, without drawing them."""
    return [name for name, _ in drawings(report)]


def _plain(axis: str) -> str:
    """An axis as part of a file's name."""
    return "".join(letter if letter.isalnum() else "-" for letter in axis) or "votes"
