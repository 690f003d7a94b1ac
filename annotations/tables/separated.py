"""Tables with a header, and a comma, a semicolon or a tab between cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from annotations.errors import BadInput
from annotations.tables.cells import DELIMITERS, rows_of_cells, shown
from annotations.tables.columns import KnownColumns
from annotations.tables.files import Format
from annotations.tables.table import ReadColumns, ReadTable, Row, ensure_text, unread_words

# Excel's own first line, which says what stands between cells.
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
CELLS_SHOWN = 6

# Few enough that their lists are gone before the garbage collector looks at them.
ROWS_AT_ONCE = 500

T = TypeVar("T")
Numbered = tuple[int, list[str]]
Cells = Iterator[Numbered]


@dataclass(frozen=True)
class _Form:
    """What a table's header says, and what stands between its cells."""

    name: str
    columns: Sequence[str]
    known: KnownColumns
    delimiter: str

    def places(self) -> list[tuple[int, str]]:
        """Where the columns stand that are read."""
        return [(place, one) for place, one in enumerate(self.columns) if one in self.known]


def read_separated(text: str, name: str, known: KnownColumns, encoding: str) -> ReadTable:
    """The table of a text; its header says what stands between cells."""
    text, line = _without_separator_line(text)
    delimiter = _delimiter_of(text, known, name)
    rows = _named(rows_of_cells(text, delimiter, line=line), name)
    first = next(rows, None)
    if first is None:
        raise BadInput(f"{name}: there is no row in it. Its first line names the columns.")
    try:
        columns = known.of(first[1])
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from error
    between = "" if delimiter == "," else f", cells with {DELIMITERS[delimiter]} between"
    notes = []
    if between or encoding:
        notes.append(f"{name} was read as {encoding or 'UTF-8'} text{between}.")
    if unknown := known.unknown(columns):
        notes.append(f"{name}: not read: {unread_words(known, columns, unknown)}.")
    form = _Form(name, columns, known, delimiter)
    is_checked = "\0" not in text
    return ReadTable(
        name,
        Format.SEPARATED,
        tuple(columns),
        _checked(_of_cells(rows, form, notes), is_checked=is_checked),
        notes,
        partial(_by_column, rows, form, notes) if is_checked and all(columns) else None,
    )


def _named(rows: Iterator[T], name: str) -> Iterator[T]:
    """The same rows; what cannot be read of them is said with the file's name."""
    try:
        yield from rows
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from error


def _without_separator_line(text: str) -> tuple[str, int]:
    """The text after a line `sep=;`, and the number of its first line."""
    first, _, rest = text.partition("\n")
    return (rest, 2) if SEPARATOR_LINE.fullmatch(first.rstrip("\r")) else (text, 1)


def _delimiter_of(text: str, known: KnownColumns, name: str) -> str:
    """What parts the header into most columns that are known; else into most columns."""
    header = next((line for line in text.split("\n", 20) if line.strip()), "")

    def known_and_all(delimiter: str) -> tuple[int, int]:
        names = [one.strip('"\r ') for one in header.split(delimiter)]
        return len({known.named(one) for one in names} & set(known.names)), len(names)

    order = DELIMITERS if name.lower().endswith(".csv") else reversed(DELIMITERS)
    return max(order, key=known_and_all)


def begins_as_table(text: str, known: KnownColumns) -> bool:
    """Whether the first line of plain text is a header: names two known columns, or just one."""
    text, _ = _without_separator_line(text)
    header = text.lstrip().partition("\n")[0]
    for delimiter in DELIMITERS:
        names = [known.named(one.strip('"\r ')) for one in header.split(delimiter)]
        if sum(name in known for name in names) >= min(2, len(names)):
            return True
    return False


def _of_cells(rows: Cells, form: _Form, notes: list[str]) -> Iterator[Row]:
    name, columns, places = form.name, form.columns, form.places()
    unnamed = [place for place, column in enumerate(columns) if not column]
    several, numbered = 0, False
    for line, cells in rows:
        joined = "".join(cells)
        if not joined or joined.isspace():
            continue
        where = f"Line {line}"
        problem = _length_problem(cells, form) if len(cells) != len(columns) else ""
        problem = problem or (_unnamed_problem(cells, unnamed) if unnamed else "")
        if problem:
            yield Row(where, {}, problem)
            continue
        numbered = numbered or (unnamed[:1] == [0] and bool(cells[0].strip()))
        if not several and "\n" in joined:
            several = line
            notes.append(_several_words(name, line))
        yield Row(where, {column: cells[place].strip() for place, column in places})
    if numbered:
        notes.append(f"{name}: the first column has no name; it numbers the rows and was not read.")


def _by_column(rows: Cells, form: _Form, notes: list[str]) -> ReadColumns:
    """The same of a table all columns of which have names and whose texts can all be stored.

    Equal texts of a column are stripped once, and are one object.

    Raises
    ------
    BadInput
        At the first row that cannot be read.
    """
    read = ReadColumns([], {column: [] for _, column in form.places()})
    stripped: dict[str, dict[str, str]] = {column: {} for column in read.cells}
    several = 0
    for block in map(_filled, _blocks(rows)):
        _refuse_other_lengths(block, form)
        several = several or next((line for line, cells in block if "\n" in "".join(cells)), 0)
        read.lines.extend(line for line, _ in block)
        by_place = list(zip(*(cells for _, cells in block), strict=True))
        for place, column in form.places() if block else ():
            texts, shared = by_place[place], stripped[column]
            shared.update((text, text.strip()) for text in set(texts).difference(shared))
            read.cells[column].extend(map(shared.__getitem__, texts))
    if several:
        notes.append(_several_words(form.name, several))
    return read


def _filled(block: Sequence[Numbered]) -> list[Numbered]:
    """The rows that hold any text."""
    return [one for one in block if (joined := "".join(one[1])) and not joined.isspace()]


def _refuse_other_lengths(block: Sequence[Numbered], form: _Form) -> None:
    for line, cells in block:
        if len(cells) != len(form.columns):
            raise BadInput(f"Line {line}: {_length_problem(cells, form)}")


def _blocks(rows: Cells) -> Iterator[list[Numbered]]:
    """Some hundred rows at a time. Those before one that cannot be read come before its error."""
    block = []
    try:
        for row in rows:
            block.append(row)
            if len(block) == ROWS_AT_ONCE:
                yield block
                block = []
    except BadInput:
        yield block
        raise
    yield block


def _several_words(name: str, line: int) -> str:
    return f"{name}: there are cells of several lines, the first in line {line}."


def _checked(rows: Iterator[Row], *, is_checked: bool) -> Iterator[Row]:
    """The rows, those that cannot be stored with the problem; decoded text can hold NULs only."""
    return rows if is_checked else map(_storable, rows)


def _storable(row: Row) -> Row:
    try:
        for column, text in row.cells.items():
            ensure_text(text, column)
    except BadInput as error:
        return Row(row.where, {}, str(error))
    return row


def _length_problem(cells: Sequence[str], form: _Form) -> str:
    columns, delimiter = form.columns, form.delimiter
    shorter = len(cells) < len(columns)
    found = ", ".join(map(shown, cells[:CELLS_SHOWN])) + (", …" if cells[CELLS_SHOWN:] else "")
    count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
    named = ", ".join(columns[:CELLS_SHOWN]) + (", …" if columns[CELLS_SHOWN:] else "")
    header = "1 column" if len(columns) == 1 else f"{len(columns)} columns"
    between = DELIMITERS[delimiter]
    remedy = (
        f"Give it a cell for each column, with {between} between, if an empty one."
        if shorter
        else f'Put a cell whose text has {between} in it in quotes: "one{delimiter} two".'
    )
    return f"it has {count} and the header {header} ({named}). Found: {found}. {remedy}"


def _unnamed_problem(cells: Sequence[str], unnamed: Sequence[int]) -> str:
    """Columns without a name are empty; the first may number the rows, as pandas writes it."""
    for place in unnamed:
        cell = cells[place].strip()
        if cell and not (place == 0 and cell.isdecimal()):
            return (
                f"{shown(cell)} stands in column {place + 1}, which has no name in the first line. "
                "Name the column, or take the cell out."
            )
    return ""
