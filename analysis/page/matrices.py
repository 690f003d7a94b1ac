"""Win rates as models x models, for more pairs than a chart has rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from analysis.core.ranking_report import AxisRanking, best_first
from analysis.core.results import ModelPairResult
from analysis.page.headline import Stance, stance
from analysis.page.limits import MATRICES_SHOWN, MODELS_SHOWN
from analysis.page.outline import Outline
from analysis.page.words import rounded

# From lost to won; PuOr turned to blue, which every common colour vision tells apart. With ink.
STEP_BOUNDS = (10, 20, 30, 45, 55, 70, 80, 90)
STEP_COLOURS = (
    ("#9a4a04", "#ffffff"),
    ("#e0831b", "#10202c"),
    ("#f8b564", "#10202c"),
    ("#fbdcb0", "#10202c"),
    ("#e4e7ea", "#10202c"),
    ("#cfe3f2", "#10202c"),
    ("#8fc1e3", "#10202c"),
    ("#4d9bd3", "#10202c"),
    ("#0f5a94", "#ffffff"),
)
OTHER_CHANCES = "the ratings in ranking.csv give all others"


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """The win rate of a row's model against a column's, and whether its interval excludes 1/2."""

    rate: float
    clear: bool

    @property
    def words(self) -> str:
        """Whole percent; both cells of a pair add up to 100."""
        return rounded(100 * self.rate, 0)

    @property
    def step(self) -> int:
        return sum(100 * self.rate >= bound for bound in STEP_BOUNDS)


Cells = dict[tuple[str, str], MatrixCell]


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A model's win rates against the models of a matrix; None where they were not compared."""

    model: str
    cells: list[MatrixCell | None]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The rates of one question among its best models.

    `total` counts all models that have one; `ranked` says whether the order is that of the
    ratings, or of mean win rates; `rest` says where the numbers of all are.
    """

    question: str
    rows: list[MatrixRow]
    total: int
    ranked: bool
    rest: str = "all are in win_rates.csv"

    @property
    def models(self) -> list[str]:
        return [row.model for row in self.rows]

    @property
    def more(self) -> int:
        return self.total - len(self.rows)

    @property
    def order(self) -> str:
        """Which models are shown, in words."""
        best = "highest rated" if self.ranked else "with the highest mean win rates"
        if self.more:
            return f"the {len(self.rows)} {best} of {self.total:,} models"
        return f"the {self.total} models, those {best} first"


def win_rate_matrices(outline: Outline) -> list[Matrix]:
    """A matrix per question, for the first few."""
    asked: dict[tuple[str, str], list[ModelPairResult]] = defaultdict(list)
    for result in outline.counted:
        asked[result.protocol, result.axis].append(result)
    rankings = {(one.protocol, one.axis): one for one in outline.report.rankings}
    return [
        _matrix(outline.question(results[0]), results, rankings.get(key))
        for key, results in list(asked.items())[:MATRICES_SHOWN]
    ]


def probability_matrix(question: str, ranking: AxisRanking) -> Matrix:
    """How likely each of the best models is preferred to each other of them, by the strengths."""
    models = [one.model for one in best_first(ranking.models)]
    shown = set(models[:MODELS_SHOWN])
    cells = {}
    for one in ranking.probabilities:
        chance = one.probability
        if one.model in shown and one.other in shown and chance.value is not None:
            bounds = chance.interval
            clear = bounds is not None and (bounds.lower > 0.5 or bounds.upper < 0.5)
            cells[one.model, one.other] = MatrixCell(chance.value, clear)
            cells[one.other, one.model] = MatrixCell(1 - chance.value, clear)
    rows = _rows(cells, models[:MODELS_SHOWN])
    return Matrix(question, rows, total=len(models), ranked=True, rest=OTHER_CHANCES)


def _matrix(
    question: str, results: Sequence[ModelPairResult], ranking: AxisRanking | None
) -> Matrix:
    rates = _rates_by_model(results)
    if ranking is None:
        order = sorted(rates, key=lambda model: (-fmean(rates[model]), model))
    else:
        order = [one.model for one in best_first(ranking.models) if one.model in rates]
    rows = _rows(_cells(results, set(order[:MODELS_SHOWN])), order[:MODELS_SHOWN])
    return Matrix(question, rows, total=len(order), ranked=ranking is not None)


def _rates_by_model(results: Iterable[ModelPairResult]) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = defaultdict(list)
    for result in results:
        rate = result.headline.value
        if rate is not None:
            rates[result.model_a].append(rate)
            rates[result.model_b].append(1 - rate)
    return rates


def _cells(results: Iterable[ModelPairResult], shown: Collection[str]) -> Cells:
    return {
        (view.model, view.opponent): MatrixCell(view.rate, _clear(view))
        for result in results
        if result.model_a in shown and result.model_b in shown
        for view in (stance(result, result.model_a), stance(result, result.model_b))
    }


def _rows(cells: Cells, models: Sequence[str]) -> list[MatrixRow]:
    return [MatrixRow(model, [cells.get((model, other)) for other in models]) for model in models]


def _clear(view: Stance) -> bool:
    return view.clear or view.clearly_lost
