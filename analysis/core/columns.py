"""Columns of tables, and those of the vote table: defined here, once.

The vote table has one row per judgment, in the project's public long form. Required are
`model_a`, `model_b` and `winner`; everything else has a default.

==============  =================================  ==============================================
column          values                             default
==============  =================================  ==============================================
study           text                               empty
comparison_id   text                               the prompt and the model pair
prompt_id       text                               the comparison, or a prompt of its own per row
prompt          text                               empty
category        text                               empty
axis            text                               `overall`
model_a         text, not equal to model_b         required
model_b         text                               required
winner          `model_a`, `model_b`, `tie`        required
reasons         texts with `;` between             empty: none given
note            text                               empty
rater           text                               empty: unknown, never counted as a repeat
side_a          `left`, `right`                    empty: unknown
protocol        text                               empty
is_gold         true, false                        false
excluded        true, false                        false
excluded_why    text                               empty
started_at      ISO 8601 time                      NaT
submitted_at    ISO 8601 time                      NaT; without it the row order is the time order
duration_ms     milliseconds, at least 0           NaN
played_a        text, not interpreted              empty
played_b        text, not interpreted              empty
reason_order    texts with `;` between, as shown   empty: unknown
==============  =================================  ==============================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from operator import itemgetter
from typing import Any


class ColumnKind(Enum):
    """What the values of a column are."""

    TEXT = "text"
    WHOLE = "whole numbers"
    NUMBER = "numbers"
    FLAG = "true or false"
    TIME = "times"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of every form of a table: its name, its kind, and its value in a row.

    Where a table comes in parts, `value` gives all values of the part.
    """

    name: str
    kind: ColumnKind
    value: Callable[[Any], Any]


Part = Mapping[str, Sequence[Any]]
"""Some thousand votes, column by column: the values of each column under its name."""
ROWS_PER_PART = 2_000
"""Few enough that a download begins at once and its values stay in the processor's cache."""


def fields(kind: ColumnKind, *names: str) -> tuple[Column, ...]:
    """Columns whose values stand in the rows under the same names."""
    return tuple(Column(name, kind, itemgetter(name)) for name in names)


def values_of_rows(
    columns: Sequence[Column], rows: Iterable[Any], at_once: int
) -> Iterator[list[list[Any]]]:
    """The values of each column in so many rows at a time."""
    remaining = iter(rows)
    while block := list(islice(remaining, at_once)):
        yield [list(map(column.value, block)) for column in columns]


def names_of(columns: Iterable[Column]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


VOTE_COLUMNS = (
    *fields(ColumnKind.TEXT, "study", "comparison_id", "prompt_id", "prompt", "category", "axis"),
    *fields(ColumnKind.TEXT, "model_a", "model_b", "winner", "reasons", "note", "rater", "side_a"),
    *fields(ColumnKind.TEXT, "protocol"),
    *fields(ColumnKind.FLAG, "is_gold", "excluded"),
    *fields(ColumnKind.TEXT, "excluded_why"),
    *fields(ColumnKind.TIME, "started_at", "submitted_at"),
    *fields(ColumnKind.NUMBER, "duration_ms"),
    *fields(ColumnKind.TEXT, "played_a", "played_b", "reason_order"),
)
COLUMNS = names_of(VOTE_COLUMNS)
REQUIRED = ("model_a", "model_b", "winner")
WINNERS = ("model_a", "model_b", "tie")
DEFAULT_AXIS = "overall"
BETWEEN = ";"
RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r")
MAY_BE_GUARDED = frozenset((*RUN_BY_SPREADSHEETS, "'"))
"""First characters: what begins with another is its own cell, as most texts are."""


def of_kind(kind: ColumnKind) -> tuple[str, ...]:
    """Names of the vote table's columns of a kind."""
    return tuple(column.name for column in VOTE_COLUMNS if column.kind is kind)


def joined(texts: Iterable[str]) -> str:
    """Several texts as one cell."""
    return BETWEEN.join(texts)


def parted(cell: str) -> list[str]:
    """The texts of a cell that holds several."""
    return [text for part in cell.split(BETWEEN) if (text := part.strip())]


def guarded(text: str) -> str:
    """Text as a cell that no spreadsheet runs as a formula: with an apostrophe before it.

    One that looks guarded already gets another, so that it reads back as it was.
    """
    return f"'{text}" if text.lstrip("'").startswith(RUN_BY_SPREADSHEETS) else text


def unguarded(cell: str) -> str:
    """The text that `guarded` made a cell of."""
    is_guarded = cell.startswith("'") and cell.lstrip("'").startswith(RUN_BY_SPREADSHEETS)
    return cell[1:] if is_guarded else cell
