"""CSV files: judgments in the long form, and win rates.

A cell that a spreadsheet would run as a formula is written with an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from analysis.core.estimates import Estimate
from analysis.core.report import PairResult, Report
from analysis.core.votes import COLUMNS
from annotations.services.pairs.provenance import RENDITION_COLUMNS

RANKING_COLUMNS = (
    "protocol",
    "axis",
    "model",
    "island",
    "rating",
    "rating_lower",
    "rating_upper",
    "best_rank",
    "worst_rank",
)
CATEGORY_COLUMNS = (
    "protocol",
    "axis",
    "model_a",
    "model_b",
    "category",
    "n",
    "prompts",
    "wins_a",
    "wins_b",
    "ties",
    "win_rate",
    "lower",
    "upper",
    "p_value",
    "holm_p_value",
)
RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r")
WIN_RATE_COLUMNS = (
    "study",
    "protocol",
    "axis",
    "model_a",
    "model_b",
    "n",
    "wins_a",
    "wins_b",
    "ties",
    "incomplete",
    "win_rate",
    "lower",
    "upper",
    "interval_method",
    "net_win_rate",
    "net_lower",
    "net_upper",
    "votes",
    "raters",
    "prompts",
    "vote_share_a",
    "vote_share_lower",
    "vote_share_upper",
    "complete_agreement",
    "pairwise_agreement",
    "fleiss_kappa",
    "fleiss_kappa_lower",
    "fleiss_kappa_upper",
    "gwet_ac1",
    "balanced_kappa",
    "krippendorff_alpha",
    "anytime_comparisons",
    "anytime_win_rate",
    "anytime_lower",
    "anytime_upper",
)


def judgment_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines of the judgments CSV, header first, one at a time; rows have the long form's keys."""
    return lines_of(COLUMNS, rows)


def ranking_rows(report: Report) -> Iterator[dict[str, Any]]:
    """Rows of the ranking: one per axis, protocol and model. Undefined is None."""
    return (
        {
            "protocol": ranking.protocol,
            "axis": ranking.axis,
            "model": model.model,
            "island": model.island + 1,
            "rating": model.rating.value,
            **_bounds(model.rating, "rating_"),
            "best_rank": model.best_rank,
            "worst_rank": model.worst_rank,
        }
        for ranking in report.rankings
        for model in ranking.models
    )


def category_rows(report: Report) -> Iterator[dict[str, Any]]:
    """Rows of the win rates by category of prompts; none where there is one category."""
    return (
        {
            "protocol": result.protocol,
            "axis": result.axis,
            "model_a": result.model_a,
            "model_b": result.model_b,
            "category": one.category,
            "n": one.win_rate.n,
            "prompts": one.prompts,
            "wins_a": one.win_rate.wins,
            "wins_b": one.win_rate.losses,
            "ties": one.win_rate.ties,
            "win_rate": one.win_rate.rate.value,
            **_bounds(one.win_rate.rate, ""),
            "p_value": one.p_value,
            "holm_p_value": one.holm_p_value,
        }
        for result in report.results
        for one in result.categories
    )


def rendition_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines of the renditions CSV; rows as `annotations.services.pairs.provenance` gives them."""
    return lines_of(RENDITION_COLUMNS, rows)


def vote_table_rows(votes: pd.DataFrame) -> Iterator[Mapping[str, Any]]:
    """The rows of a vote table for `judgment_lines`; undefined cells are empty."""
    for record in votes.to_dict("records"):
        yield {str(name): None if pd.isna(value) else value for name, value in record.items()}


def win_rate_lines(report: Report) -> Iterator[str]:
    """Lines of the win rates CSV: one per axis, model pair and protocol. Undefined is empty."""
    return lines_of(WIN_RATE_COLUMNS, win_rate_rows(report))


def win_rate_rows(report: Report) -> Iterator[dict[str, Any]]:
    """Rows of the win rates: one per axis, model pair and protocol. Undefined is None."""
    return (_win_rate_row(report.settings.title, result) for result in report.results)


def _win_rate_row(title: str, result: PairResult) -> dict[str, Any]:
    rates, agreement = result.win_rate, result.agreement
    method = rates.rate.interval.method if rates.rate.interval else None
    return {
        "study": title,
        "protocol": result.protocol,
        "axis": result.axis,
        "model_a": result.model_a,
        "model_b": result.model_b,
        "n": rates.n,
        "wins_a": rates.wins,
        "wins_b": rates.losses,
        "ties": rates.ties,
        "incomplete": result.incomplete,
        "win_rate": rates.rate.value,
        **_bounds(rates.rate, ""),
        "interval_method": method,
        "net_win_rate": rates.net.value,
        **_bounds(rates.net, "net_"),
        "votes": result.vote_share.votes,
        "raters": result.raters,
        "prompts": result.prompts,
        "vote_share_a": result.vote_share.item_weighted.value,
        **_bounds(result.vote_share.item_weighted, "vote_share_"),
        "complete_agreement": agreement.complete,
        "pairwise_agreement": agreement.pairwise.value,
        "fleiss_kappa": agreement.fleiss_kappa.value,
        **_bounds(agreement.fleiss_kappa, "fleiss_kappa_"),
        "gwet_ac1": agreement.gwet_ac1.value,
        "balanced_kappa": agreement.brennan_prediger.value,
        "krippendorff_alpha": agreement.krippendorff_alpha.value,
        **_anytime(result),
    }


def _anytime(result: PairResult) -> dict[str, Any]:
    """The interval that holds at every look; empty where there is none."""
    anytime = result.anytime
    return {
        "anytime_comparisons": anytime.comparisons if anytime else None,
        "anytime_win_rate": anytime.rate if anytime else None,
        "anytime_lower": anytime.interval.lower if anytime else None,
        "anytime_upper": anytime.interval.upper if anytime else None,
    }


def _bounds(estimate: Estimate, prefix: str) -> dict[str, float | None]:
    interval = estimate.interval
    return {
        f"{prefix}lower": interval.lower if interval else None,
        f"{prefix}upper": interval.upper if interval else None,
    }


def lines_of(columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines of a CSV with these columns, header first, one at a time."""
    buffer = io.StringIO(newline="")
    # The writer quotes a cell with a carriage return only if that ends a line, as in RFC 4180.
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    yield _taken(buffer)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in columns])
        yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, str) and value.startswith(RUN_BY_SPREADSHEETS):
        return f"'{value}"
    return str(value)
