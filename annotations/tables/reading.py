"""Rows of a table or a list under known names, each with its line, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from annotations.errors import BadInput
from annotations.tables.cells import shown
from annotations.tables.columns import KnownColumns
from annotations.tables.files import (
    LARGEST_FILE,
    Format,
    encoding_words,
    format_of,
    read_text_file,
    split_lines,
)
from annotations.tables.objects import Found, is_object, objects_in, objects_of, objects_of_lines
from annotations.tables.separated import begins_as_table, read_separated
from annotations.tables.table import ReadTable, Row, ensure_text, unread_words


def read_table(
    content: bytes | str,
    *,
    name: str,
    known: Sequence[str],
    line_column: str = "",
    largest: int = LARGEST_FILE,
) -> ReadTable:
    """The rows of a file; its name says the format, its header what stands between cells.

    Parameters
    ----------
    known
        The columns to read, by our own names.
    line_column
        The column that a line of plain text is; without one, a file of plain text is a table.

    Raises
    ------
    BadInput
        The file is no table as a whole; also while its rows are read, for what makes the rest
        unreadable.
    """
    columns = KnownColumns(known)
    form = format_of(name)
    encoding = "" if isinstance(content, str) else encoding_words(content)
    text = (
        content.lstrip("\ufeff")
        if isinstance(content, str)
        else read_text_file(content, name=name, largest=largest)
    )
    if form in (Format.JSON, Format.JSON_LINES):
        notes = [f"{name} was read as {encoding} text."] if encoding else []
        read = objects_of_lines if form is Format.JSON_LINES else objects_in
        return ReadTable(name, form, (), _of_objects(read(text, name), columns, name, notes), notes)
    if form is Format.LINES and line_column and not begins_as_table(text, columns):
        return ReadTable(name, form, (line_column,), _of_lines(text, name, line_column))
    return read_separated(text, name, columns, encoding)


def read_objects(entries: list[Any], *, name: str, known: Sequence[str]) -> ReadTable:
    """The same of a list of JSON objects that was read before."""
    notes: list[str] = []
    rows = _of_objects(objects_of(entries), KnownColumns(known), name, notes)
    return ReadTable(name, Format.JSON, (), rows, notes)


def _of_objects(
    objects: Iterator[Found], known: KnownColumns, file: str, notes: list[str]
) -> Iterator[Row]:
    names_of: dict[tuple[str, ...], list[str]] = {}
    for where, value, problem in objects:
        if problem:
            yield Row(where, {}, problem)
            continue
        keys = tuple(value)
        try:
            if keys not in names_of:
                names_of[keys] = known.of(keys)
        except BadInput as error:
            yield Row(where, {}, str(error))
            continue
        names = names_of[keys]
        named = zip(names, value.values(), strict=True)
        yield Row(where, {name: one for name, one in named if name in known}, names=names)
    found = list(dict.fromkeys(name for names in names_of.values() for name in names))
    if unknown := known.unknown(found):
        notes.append(f"{file}: not read: {unread_words(known, found, unknown)}.")


def _of_lines(text: str, name: str, column: str) -> Iterator[Row]:
    for number, line in enumerate(split_lines(text), start=1):
        stripped = line.strip()
        if "\r" in line:
            raise BadInput(
                f"{name}: line {number} holds a carriage return alone, as files of old Macs have "
                "it at the ends of lines. Save the file with line ends LF or CRLF."
            )
        if number == 1 and is_object(stripped):
            raise BadInput(
                f"{name}: line 1 is {shown(stripped)}, which looks like JSON Lines and not like a "
                "text per line. Let the file's name end in .jsonl, or take the line out."
            )
        try:
            ensure_text(stripped, column)
        except BadInput as error:
            yield Row(f"Line {number}", {}, str(error))
            continue
        if "\t" in stripped:
            why = "it holds a tab, as a row of a table does. Name the columns in the first line."
            yield Row(f"Line {number}", {}, why)
        elif stripped:
            yield Row(f"Line {number}", {column: stripped})
