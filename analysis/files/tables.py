"""The tables beside a report: for each its columns, said once for every format, and its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd

from analysis.core.columns import ROWS_PER_PART, Column, ColumnKind, Part
from analysis.core.decided import VERDICT_COLUMNS, decided_comparisons
from analysis.core.estimates import Estimate
from analysis.core.ranking_report import AxisRanking, RankedModel
from analysis.core.raters import RATER_COLUMNS, rater_rows
from analysis.core.results import ModelPairResult, StudyReport
from analysis.core.slices import CategoryRate


@dataclass(frozen=True)
class Table:
    """Columns, and rows that have them."""

    columns: tuple[Column, ...]
    rows: list[Any]


@dataclass(frozen=True)
class _Result:
    """A row of the win rates."""

    study: str
    result: ModelPairResult


@dataclass(frozen=True)
class _Ranked:
    """A row of a ranking."""

    ranking: AxisRanking
    model: RankedModel


@dataclass(frozen=True)
class _Category:
    """A row of the win rates by category of prompts."""

    result: ModelPairResult
    one: CategoryRate


def tables_of(report: StudyReport, votes: pd.DataFrame) -> dict[str, Table]:
    """The tables beside a report, by name; a ranking and categories where there are some."""
    settings = report.settings
    verdicts = decided_comparisons(votes, min_votes=settings.min_votes, rule=settings.majority_rule)
    tables = {
        "win_rates": win_rates(report),
        "verdicts": Table(VERDICT_COLUMNS, list(verdicts)),
        "raters": Table(RATER_COLUMNS, list(rater_rows(votes))),
    }
    if report.rankings:
        tables["ranking"] = Table(RANKING_COLUMNS, list(_ranked(report)))
    if any(result.categories for result in report.results):
        tables["win_rates_by_category"] = Table(CATEGORY_COLUMNS, list(_categories(report)))
    return tables


def win_rates(report: StudyReport) -> Table:
    """One row per axis, model pair and protocol. Undefined is None."""
    rows = [_Result(report.settings.title, result) for result in report.results]
    return Table(WIN_RATE_COLUMNS, rows)


def vote_table_parts(votes: pd.DataFrame) -> Iterator[Part]:
    """A vote table in parts, so that a million votes are never all in memory as single values.

    Undefined cells are None.
    """
    columns = {str(name): _parts_of(votes[name]) for name in votes.columns}
    for start in range(0, len(votes), ROWS_PER_PART):
        part = slice(start, start + ROWS_PER_PART)
        yield {name: values(part) for name, values in columns.items()}


def _parts_of(column: pd.Series) -> Callable[[slice], list[Any]]:
    """What gives a part of a column as values of Python; texts are looked up by their codes."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        # The code of an undefined cell is -1, the last of the kinds.
        kinds = np.array([*column.cat.categories, None], dtype=object)
        codes = column.cat.codes.to_numpy()
        return lambda part: kinds[codes[part]].tolist()
    return lambda part: _plain(column.iloc[part])


def _plain(column: pd.Series) -> list[Any]:
    """Values of Python; times without nanoseconds, as votes have them, are plain ones."""
    is_time = isinstance(column.dtype, pd.DatetimeTZDtype)
    is_plain = is_time and not column.dt.nanosecond.any()
    values = list(column.array.to_pydatetime()) if is_plain else column.tolist()
    undefined = column.isna().to_numpy()
    if not undefined.any():
        return values
    return [None if gone else value for value, gone in zip(values, undefined, strict=True)]


def _ranked(report: StudyReport) -> Iterator[_Ranked]:
    return (_Ranked(ranking, model) for ranking in report.rankings for model in ranking.models)


def _categories(report: StudyReport) -> Iterator[_Category]:
    return (_Category(result, one) for result in report.results for one in result.categories)


def _columns(kind: ColumnKind, **paths: str) -> tuple[Column, ...]:
    """Columns by name, each with the path to its value from the row."""
    return tuple(Column(name, kind, attrgetter(path)) for name, path in paths.items())


def _bounds(path: str, prefix: str = "") -> tuple[Column, ...]:
    """Both ends of the interval of the estimate at this path, None without one."""
    return tuple(
        Column(f"{prefix}{end}", ColumnKind.NUMBER, _bound(attrgetter(path), end))
        for end in ("lower", "upper")
    )


def _bound(estimate_of: Callable[[Any], Estimate], end: str) -> Callable[[Any], float | None]:
    def value(row: Any) -> float | None:
        interval = estimate_of(row).interval
        return None if interval is None else float(getattr(interval, end))

    return value


def _anytime(name: str, kind: ColumnKind, path: str) -> Column:
    """Of the interval that holds at every look; None where there is none."""
    value_of = attrgetter(path)

    def value(row: _Result) -> Any:
        anytime = row.result.anytime
        return None if anytime is None else value_of(anytime)

    return Column(name, kind, value)


def _method(row: _Result) -> str | None:
    interval = row.result.win_rate.rate.interval
    return None if interval is None else interval.method


def _named(*names: str) -> dict[str, str]:
    """Paths of what every row says of its result."""
    return {name: f"result.{name}" for name in names}


RANKING_COLUMNS = (
    *_columns(
        ColumnKind.TEXT, protocol="ranking.protocol", axis="ranking.axis", model="model.model"
    ),
    Column("island", ColumnKind.WHOLE, lambda row: row.model.island + 1),
    *_columns(ColumnKind.NUMBER, rating="model.rating.value"),
    *_bounds("model.rating", "rating_"),
    *_columns(ColumnKind.WHOLE, best_rank="model.best_rank", worst_rank="model.worst_rank"),
)
CATEGORY_COLUMNS = (
    *_columns(ColumnKind.TEXT, **_named("protocol", "axis", "model_a", "model_b")),
    *_columns(ColumnKind.TEXT, category="one.category"),
    *_columns(
        ColumnKind.WHOLE,
        n="one.win_rate.n",
        prompts="one.prompts",
        wins_a="one.win_rate.wins",
        wins_b="one.win_rate.losses",
        ties="one.win_rate.ties",
    ),
    *_columns(ColumnKind.NUMBER, win_rate="one.win_rate.rate.value"),
    *_bounds("one.win_rate.rate"),
    *_columns(ColumnKind.NUMBER, p_value="one.p_value", holm_p_value="one.holm_p_value"),
)
WIN_RATE_COLUMNS = (
    *_columns(ColumnKind.TEXT, study="study", **_named("protocol", "axis", "model_a", "model_b")),
    *_columns(
        ColumnKind.WHOLE,
        n="result.win_rate.n",
        wins_a="result.win_rate.wins",
        wins_b="result.win_rate.losses",
        ties="result.win_rate.ties",
        incomplete="result.incomplete",
    ),
    *_columns(ColumnKind.NUMBER, win_rate="result.win_rate.rate.value"),
    *_bounds("result.win_rate.rate"),
    Column("interval_method", ColumnKind.TEXT, _method),
    *_columns(ColumnKind.NUMBER, net_win_rate="result.win_rate.net.value"),
    *_bounds("result.win_rate.net", "net_"),
    *_columns(ColumnKind.WHOLE, votes="result.vote_share.votes", **_named("raters", "prompts")),
    *_columns(ColumnKind.NUMBER, vote_share_a="result.vote_share.item_weighted.value"),
    *_bounds("result.vote_share.item_weighted", "vote_share_"),
    *_columns(
        ColumnKind.NUMBER,
        complete_agreement="result.agreement.complete",
        pairwise_agreement="result.agreement.pairwise.value",
        fleiss_kappa="result.agreement.fleiss_kappa.value",
    ),
    *_bounds("result.agreement.fleiss_kappa", "fleiss_kappa_"),
    *_columns(
        ColumnKind.NUMBER,
        gwet_ac1="result.agreement.gwet_ac1.value",
        balanced_kappa="result.agreement.brennan_prediger.value",
        krippendorff_alpha="result.agreement.krippendorff_alpha.value",
    ),
    _anytime("anytime_comparisons", ColumnKind.WHOLE, "comparisons"),
    _anytime("anytime_win_rate", ColumnKind.NUMBER, "rate"),
    _anytime("anytime_lower", ColumnKind.NUMBER, "interval.lower"),
    _anytime("anytime_upper", ColumnKind.NUMBER, "interval.upper"),
)
