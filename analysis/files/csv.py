"""Tables as CSV, some thousand lines at a time.

A cell that a spreadsheet would run as a formula is written with an apostrophe before it, and so is
one that begins like that already: whoever takes one apostrophe away has the text again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from analysis.core.columns import (
    MAY_BE_GUARDED,
    ROWS_PER_PART,
    VOTE_COLUMNS,
    Column,
    ColumnKind,
    Part,
    fields,
    guarded,
    names_of,
    values_of_rows,
)
from annotations.services.pairs.provenance import RENDITION_COLUMNS


def judgment_lines(parts: Iterable[Part]) -> Iterator[str]:
    """The judgments CSV in pieces, header first; parts have the long form's columns."""
    return lines_of_parts(VOTE_COLUMNS, parts)


def rendition_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The renditions CSV in pieces; rows as `annotations.services.pairs.provenance` gives them."""
    return mapping_lines(RENDITION_COLUMNS, rows)


def mapping_lines(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Pieces of a CSV of what stands in the rows under these names."""
    return lines_of(fields(ColumnKind.TEXT, *names), rows)


def lines_of(columns: Sequence[Column], rows: Iterable[Any]) -> Iterator[str]:
    """Pieces of a CSV with these columns: its header, then some thousand whole lines each."""
    return _pieces(columns, values_of_rows(columns, rows, ROWS_PER_PART))


def lines_of_parts(columns: Sequence[Column], parts: Iterable[Part]) -> Iterator[str]:
    """The same of a table that comes in parts."""
    return _pieces(columns, ([column.value(part) for column in columns] for part in parts))


def _pieces(columns: Sequence[Column], blocks: Iterable[Sequence[Iterable[Any]]]) -> Iterator[str]:
    """`blocks`: the values of each column. They are written by column, for those are of a kind."""
    buffer = io.StringIO(newline="")
    # The writer quotes a cell with a carriage return only if that ends a line, as in RFC 4180.
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(names_of(columns))
    yield _taken(buffer)
    for block in blocks:
        cells = [CELLS_OF[one.kind](values) for one, values in zip(columns, block, strict=True)]
        writer.writerows(zip(*cells, strict=True))
        if piece := _taken(buffer):
            yield piece


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _texts(values: Iterable[Any]) -> list[str]:
    """Few texts are guarded, and most of a column's are the same few: those are looked at once."""
    texts = list(values)
    if set(map(type, texts)) != {str}:
        return list(map(_cell, texts))
    changed = {text: guarded(text) for text in set(texts) if text[:1] in MAY_BE_GUARDED}
    return [changed.get(text, text) for text in texts] if changed else texts


def _numbers(values: Iterable[Any]) -> list[str]:
    return [f"{value:.10g}" if type(value) is float else _cell(value) for value in values]


def _times(values: Iterable[Any]) -> list[str]:
    """Votes that were sent together follow each other, and share their times."""
    cells, last, cell = [], None, ""
    for value in values:
        if value is not last:
            last, cell = value, _cell(value)
        cells.append(cell)
    return cells


def _others(values: Iterable[Any]) -> list[str]:
    return list(map(_cell, values))


def _cell(value: Any) -> str:
    """The cell of a value of any kind, which columns of a kind know without asking."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if type(value) is int:
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.10g}"
    return guarded(value) if isinstance(value, str) else str(value)


CELLS_OF: Mapping[ColumnKind, Callable[[Iterable[Any]], list[str]]] = {
    ColumnKind.TEXT: _texts,
    ColumnKind.WHOLE: _others,
    ColumnKind.NUMBER: _numbers,
    ColumnKind.FLAG: _others,
    ColumnKind.TIME: _times,
}
