"""A table as it is read: rows by our own names of columns, and what is missing in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotations.errors import BadInput
from annotations.inputs import read_text
from annotations.tables.columns import KnownColumns, missing_words
from annotations.tables.files import Format


@dataclass(frozen=True)
class Row:
    """A row by our own names of its columns; `where` names its line, `problem` says what is wrong.

    A cell of a table is stripped text, and one of JSON its value. Columns that the reader does not
    know are left out of the cells; `names` are all that an object of JSON has.
    """

    where: str
    cells: Mapping[str, Any]
    problem: str = ""
    names: Sequence[str] = ()


@dataclass(frozen=True)
class ReadColumns:
    """All rows of a table, column by column, and the line of each."""

    lines: list[int]
    cells: dict[str, list[str]]


@dataclass(frozen=True)
class ReadTable:
    """The rows of a file, to be read once, and what was decided to read them.

    `columns` are all that the header names, under our own names where they are known; of JSON,
    which has no header, there are none. `notes` is complete when the rows are read. `by_column`
    reads all rows at once in their place, where a table is plain enough for that.
    """

    name: str
    format: Format
    columns: tuple[str, ...]
    rows: Iterator[Row]
    notes: list[str] = field(default_factory=list)
    by_column: Callable[[], ReadColumns] | None = None


def ensure_columns(table: ReadTable, required: Sequence[str], known: Sequence[str]) -> None:
    """Raise BadInput unless the header of a table has these columns."""
    missing = [column for column in required if column not in table.columns]
    if table.format not in (Format.JSON, Format.JSON_LINES) and missing:
        words = missing_words(KnownColumns(known), missing, table.columns)
        raise BadInput(f"{table.name}: {words}")


def texts_of(row: Row) -> Mapping[str, str]:
    """The cells of a row as stripped texts that can be stored.

    Raises
    ------
    BadInput
        What is wrong with the row; or a value of JSON that is no text.
    """
    if row.problem:
        raise BadInput(row.problem)
    if not row.names:
        return row.cells
    return {column: _text(column, value) for column, value in row.cells.items()}


def missing_in(
    row: Row, cells: Mapping[str, str], required: Sequence[str], known: Sequence[str]
) -> str:
    """What of the required is not in a row, in words; empty if all is there."""
    if all(map(cells.get, required)):
        return ""
    missing = [column for column in required if not cells.get(column)]
    absent = [column for column in missing if row.names and column not in cells]
    if absent:
        remedy = "Rename it, or add it."
        return missing_words(KnownColumns(known), absent, row.names, remedy=remedy)
    return f"{' and '.join(missing)} missing."


def ensure_text(text: str, column: str) -> str:
    """The text of a cell, or BadInput if it cannot be stored."""
    return read_text(text, what=f"the cell “{column}”")


def _text(column: str, value: Any) -> str:
    if type(value) is str and value.isascii() and "\0" not in value:
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        kind = {bool: "true or false", list: "a list", dict: "an object"}[type(value)]
        raise BadInput(f"the cell “{column}” is {kind}, not a text. Write a text there.")
    return ensure_text(str(value).strip(), column)


def unread_words(known: KnownColumns, columns: Sequence[str], unknown: Sequence[str]) -> str:
    """Columns that nobody reads, each with the known one that it may stand for."""
    likely = {known.likely(one, columns): one for one in known.names if one not in columns}
    words = (f"{one} (is {likely[one]} meant?)" if one in likely else one for one in unknown)
    return f"the columns {', '.join(words)}" if len(unknown) > 1 else f"the column {next(words)}"
