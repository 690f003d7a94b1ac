"""Votes in the columns that other tools read. Left out: gold comparisons and excluded votes.

FastChat and LMArena: https://github.com/lm-sys/FastChat (winner is model_a, model_b or tie).
GenAI-Bench (arXiv 2406.04485): the sides as shown, and leftvote, rightvote or tievote.
crowd-kit (https://github.com/Toloka/crowd-kit): the label is the preferred item; a tie has none
there, so ties are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any

from analysis.core.columns import Column, ColumnKind, fields
from analysis.files.csv import lines_of

Row = Mapping[str, Any]
Rows = Iterable[Row]


def fastchat_lines(rows: Rows) -> Iterator[str]:
    """CSV in FastChat's columns and some of ours, one row per vote; `tstamp` since 1970."""
    return lines_of(FASTCHAT_COLUMNS, _counted(rows))


def genai_bench_lines(rows: Rows) -> Iterator[str]:
    """CSV in GenAI-Bench's columns; votes that do not say which side was which are left out."""
    sided = (row for row in _counted(rows) if row["side_a"])
    return lines_of(GENAI_BENCH_COLUMNS, sided)


def crowd_kit_lines(rows: Rows) -> Iterator[str]:
    """CSV for crowd-kit's pairwise aggregation: the label is the preferred model; no ties."""
    decided = (row for row in _counted(rows) if row["winner"] != "tie")
    return lines_of(CROWD_KIT_COLUMNS, decided)


def _counted(rows: Rows) -> Iterator[Row]:
    return (row for row in rows if not row["excluded"] and not row["is_gold"])


def _seconds(moment: object) -> str | None:
    """With all its digits: a rater's first vote of two in one second stays the first."""
    return repr(moment.timestamp()).removesuffix(".0") if isinstance(moment, datetime) else None


def _left_and_right(row: Row) -> tuple[str, str]:
    models = (row["model_a"], row["model_b"])
    return models if row["side_a"] == "left" else models[::-1]


def _vote_type(row: Row) -> str:
    if row["winner"] == "tie":
        return "tievote"
    is_left = (row["winner"] == "model_a") == (row["side_a"] == "left")
    return "leftvote" if is_left else "rightvote"


def _text(name: str, value: Callable[[Row], Any]) -> Column:
    return Column(name, ColumnKind.TEXT, value)


FASTCHAT_COLUMNS = (
    _text("question_id", itemgetter("prompt_id")),
    *fields(ColumnKind.TEXT, "model_a", "model_b", "winner"),
    _text("judge", itemgetter("rater")),
    Column("turn", ColumnKind.WHOLE, lambda row: 1),
    Column("anony", ColumnKind.FLAG, lambda row: True),
    _text("language", lambda row: ""),
    Column("tstamp", ColumnKind.NUMBER, lambda row: _seconds(row["submitted_at"])),
    *fields(ColumnKind.TEXT, "axis", "prompt"),
    # FastChat passes these over; with them the file reads back to the same report.
    *fields(ColumnKind.TEXT, "comparison_id", "category", "reasons", "reason_order", "note"),
    *fields(ColumnKind.TEXT, "side_a", "protocol"),
    *fields(ColumnKind.TIME, "started_at"),
    *fields(ColumnKind.NUMBER, "duration_ms"),
)
GENAI_BENCH_COLUMNS = (
    *fields(ColumnKind.TEXT, "prompt"),
    _text("left_model", lambda row: _left_and_right(row)[0]),
    _text("right_model", lambda row: _left_and_right(row)[1]),
    _text("vote_type", _vote_type),
    *fields(ColumnKind.TEXT, "axis", "prompt_id"),
)
CROWD_KIT_COLUMNS = (
    _text("task", lambda row: f"{row['comparison_id']}/{row['axis']}"),
    _text("worker", itemgetter("rater")),
    _text("left", itemgetter("model_a")),
    _text("right", itemgetter("model_b")),
    _text("label", lambda row: row[row["winner"]]),
)
VOTE_FILES: Mapping[str, Callable[[Rows], Iterator[str]]] = {
    "fastchat.csv": fastchat_lines,
    "genai_bench.csv": genai_bench_lines,
    "crowd_kit.csv": crowd_kit_lines,
}
