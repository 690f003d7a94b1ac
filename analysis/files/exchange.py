"""Votes in the columns that other tools read. Left out: gold comparisons and excluded votes.

FastChat and LMArena: https://github.com/lm-sys/FastChat (winner is model_a, model_b or tie).
GenAI-Bench (arXiv 2406.04485): the sides as shown, and leftvote, rightvote or tievote.
crowd-kit (https://github.com/Toloka/crowd-kit): the label is the preferred item; a tie has none
there, so ties are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import compress
from operator import itemgetter
from typing import Any

from analysis.core.columns import Column, ColumnKind, Part, fields
from analysis.files.csv import lines_of_parts

Parts = Iterable[Part]


def fastchat_lines(parts: Parts) -> Iterator[str]:
    """CSV in FastChat's columns and some of ours, one row per vote; `tstamp` since 1970."""
    return lines_of_parts(FASTCHAT_COLUMNS, map(_counted, parts))


def genai_bench_lines(parts: Parts) -> Iterator[str]:
    """CSV in GenAI-Bench's columns; votes that do not say which side was which are left out."""
    return lines_of_parts(GENAI_BENCH_COLUMNS, map(_sided, map(_counted, parts)))


def crowd_kit_lines(parts: Parts) -> Iterator[str]:
    """CSV for crowd-kit's pairwise aggregation: the label is the preferred model; no ties."""
    return lines_of_parts(CROWD_KIT_COLUMNS, map(_decided, map(_counted, parts)))


def _counted(part: Part) -> Part:
    flags = zip(part["excluded"], part["is_gold"], strict=True)
    return _only(part, [not (excluded or is_gold) for excluded, is_gold in flags])


def _sided(part: Part) -> Part:
    return _only(part, list(map(bool, part["side_a"])))


def _decided(part: Part) -> Part:
    return _only(part, [winner != "tie" for winner in part["winner"]])


def _only(part: Part, kept: Sequence[bool]) -> Part:
    if all(kept):
        return part
    return {name: list(compress(values, kept)) for name, values in part.items()}


def _seconds(part: Part) -> list[str | None]:
    """With all its digits: a rater's first vote of two in one second stays the first."""
    return [
        repr(moment.timestamp()).removesuffix(".0") if isinstance(moment, datetime) else None
        for moment in part["submitted_at"]
    ]


def _model_on(side: str) -> Callable[[Part], list[str]]:
    """The model that was shown on a side, of votes that know their sides."""

    def value(part: Part) -> list[str]:
        shown = zip(*map(part.__getitem__, ("side_a", "model_a", "model_b")), strict=True)
        return [model_a if side_a == side else model_b for side_a, model_a, model_b in shown]

    return value


def _vote_types(part: Part) -> list[str]:
    told = zip(part["winner"], part["side_a"], strict=True)
    return [
        "tievote"
        if winner == "tie"
        else "leftvote"
        if (winner == "model_a") == (side_a == "left")
        else "rightvote"
        for winner, side_a in told
    ]


def _tasks(part: Part) -> list[str]:
    told = zip(part["comparison_id"], part["axis"], strict=True)
    return [f"{comparison}/{axis}" for comparison, axis in told]


def _winning_models(part: Part) -> list[str]:
    """Of votes that are no ties."""
    told = zip(*map(part.__getitem__, ("winner", "model_a", "model_b")), strict=True)
    return [model_a if winner == "model_a" else model_b for winner, model_a, model_b in told]


def _always(value: Any) -> Callable[[Part], list[Any]]:
    return lambda part: [value] * len(part["winner"])


def _text(name: str, value: Callable[[Part], Any]) -> Column:
    return Column(name, ColumnKind.TEXT, value)


FASTCHAT_COLUMNS = (
    _text("question_id", itemgetter("prompt_id")),
    *fields(ColumnKind.TEXT, "model_a", "model_b", "winner"),
    _text("judge", itemgetter("rater")),
    Column("turn", ColumnKind.WHOLE, _always(1)),
    Column("anony", ColumnKind.FLAG, _always(True)),
    _text("language", _always("")),
    Column("tstamp", ColumnKind.NUMBER, _seconds),
    *fields(ColumnKind.TEXT, "axis", "prompt"),
    # FastChat passes these over; with them the file reads back to the same report.
    *fields(ColumnKind.TEXT, "comparison_id", "category", "reasons", "reason_order", "note"),
    *fields(ColumnKind.TEXT, "side_a", "protocol"),
    *fields(ColumnKind.TIME, "started_at"),
    *fields(ColumnKind.NUMBER, "duration_ms"),
)
GENAI_BENCH_COLUMNS = (
    *fields(ColumnKind.TEXT, "prompt"),
    _text("left_model", _model_on("left")),
    _text("right_model", _model_on("right")),
    _text("vote_type", _vote_types),
    *fields(ColumnKind.TEXT, "axis", "prompt_id"),
)
CROWD_KIT_COLUMNS = (
    _text("task", _tasks),
    _text("worker", itemgetter("rater")),
    _text("left", itemgetter("model_a")),
    _text("right", itemgetter("model_b")),
    _text("label", _winning_models),
)
VOTE_FILES: Mapping[str, Callable[[Parts], Iterator[str]]] = {
    "fastchat.csv": fastchat_lines,
    "genai_bench.csv": genai_bench_lines,
    "crowd_kit.csv": crowd_kit_lines,
}
