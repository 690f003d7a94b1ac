"""What the page and the figures ask of all results at once, found once for each report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.core.ranking_report import AxisRanking
from analysis.core.results import ModelPairResult, StudyReport
from analysis.page.limits import (
    BLOCKS_SHOWN,
    FURTHER_ROWS_SHOWN,
    PAIRS_CHARTED,
    RESULTS_CHARTED,
    Capped,
    largest,
)
from analysis.page.splits import split_counts, split_kinds
from analysis.page.words import axis_words

ModelPair = tuple[str, str]


def _comparisons(result: ModelPairResult) -> int:
    return result.win_rate.n


@dataclass(frozen=True, slots=True)
class SplitBar:
    """Comparisons of each kind of split, and of all kinds."""

    label: str
    counts: list[int]
    total: int


@dataclass(frozen=True, slots=True)
class Outline:
    """A report, and what would else be looked for in all its results again for each row.

    `focus` takes part in every pair, the first-named one if two do. `counted` are the results
    with a complete comparison, `questions` what they are answers to.
    """

    report: StudyReport
    model_pairs: int
    focus: str | None
    several_protocols: bool
    counted: tuple[ModelPairResult, ...]
    questions: tuple[str, ...]
    split_kinds: tuple[str, ...]

    @property
    def several_model_pairs(self) -> bool:
        return self.model_pairs > 1

    @property
    def folded(self) -> bool:
        """Whether there is too much for a row of a chart each."""
        return self.model_pairs > PAIRS_CHARTED or len(self.report.results) > RESULTS_CHARTED

    @property
    def as_matrix(self) -> bool:
        """Whether win rates are shown as models x models; where one met all, a line is enough."""
        return self.folded and self.focus is None

    def question(self, result: ModelPairResult | AxisRanking) -> str:
        """The axis, with its protocol where the votes come from several."""
        return _question(result, several_protocols=self.several_protocols)

    def charted(self) -> list[ModelPairResult]:
        """Results with a row of the chart: all, or all of the pairs with the most comparisons."""
        if not self.folded:
            return list(self.counted)
        most = max(1, min(PAIRS_CHARTED, RESULTS_CHARTED // max(len(self.questions), 1)))
        compared: Counter[ModelPair] = Counter()
        for result in self.counted:
            compared[_model_pair(result)] += result.win_rate.n
        kept = {pair for pair, _ in compared.most_common(most)}
        return [result for result in self.counted if _model_pair(result) in kept]

    def capped(
        self,
        results: Sequence[ModelPairResult],
        row: Callable[[ModelPairResult], Any],
        *,
        most: int = FURTHER_ROWS_SHOWN,
        size: Callable[[ModelPairResult], int] = _comparisons,
    ) -> Capped:
        """Rows of a table of results: of too many, those with the most comparisons."""
        shown = largest(results, most, size) if self.folded else results
        return Capped([row(result) for result in shown], len(results), self.folded)

    def with_reasons(self) -> list[tuple[int, ModelPairResult]]:
        """Results with reasons, each with its place; of too many, those with the most votes."""
        found = [(place, one) for place, one in enumerate(self.report.results) if one.reasons_a]
        return largest(found, BLOCKS_SHOWN, _placed_votes) if self.folded else found

    def with_categories(self) -> list[ModelPairResult]:
        """Results by category; of too many, those with the most votes."""
        found = [one for one in self.report.results if one.categories]
        return largest(found, BLOCKS_SHOWN, _votes) if self.folded else found

    def split_bars(self) -> list[SplitBar]:
        """A bar for each pair and question; in a folded report one for each question."""
        results = [one for one in self.report.results if one.agreement.splits]
        if not self.folded:
            return [self._bar(self._split_label(one), [one]) for one in results]
        asked: dict[str, list[ModelPairResult]] = {}
        for result in results:
            asked.setdefault(self.question(result), []).append(result)
        return [self._bar(question, group) for question, group in asked.items()]

    def _bar(self, label: str, results: Sequence[ModelPairResult]) -> SplitBar:
        counts = [split_counts(self.split_kinds, one.agreement) for one in results]
        total = sum(one.agreement.comparisons_with_two_votes for one in results)
        return SplitBar(label, [sum(kind) for kind in zip(*counts, strict=True)], total)

    def _split_label(self, result: ModelPairResult) -> str:
        question = self.question(result)
        if not self.several_model_pairs:
            return question
        return f"{result.model_a} vs {result.model_b}, {question}"


def outline_of(report: StudyReport) -> Outline:
    model_pairs = dict.fromkeys(map(_model_pair, report.results))
    several_protocols = len({result.protocol for result in report.results}) > 1
    counted = tuple(result for result in report.results if result.win_rate.n)
    questions = (_question(one, several_protocols=several_protocols) for one in counted)
    return Outline(
        report=report,
        model_pairs=len(model_pairs),
        focus=_common_model(model_pairs),
        several_protocols=several_protocols,
        counted=counted,
        questions=tuple(dict.fromkeys(questions)),
        split_kinds=split_kinds(report.results),
    )


def _question(result: ModelPairResult | AxisRanking, *, several_protocols: bool) -> str:
    words = axis_words(result.axis)
    return f"{words}, {result.protocol or 'no protocol'}" if several_protocols else words


def _common_model(model_pairs: Collection[ModelPair]) -> str | None:
    appearances = Counter(model for pair in model_pairs for model in pair)
    return next((model for model, n in appearances.items() if n == len(model_pairs)), None)


def _model_pair(result: ModelPairResult) -> ModelPair:
    return result.model_a, result.model_b


def _votes(result: ModelPairResult) -> int:
    return result.vote_share.votes


def _placed_votes(placed: tuple[int, ModelPairResult]) -> int:
    return _votes(placed[1])
