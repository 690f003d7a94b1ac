"""Tables as CSV, line by line.

A cell that a spreadsheet would run as a formula is written with an apostrophe before it, and so is
one that begins like that already: whoever takes one apostrophe away has the text again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from analysis.core.columns import VOTE_COLUMNS, Column, ColumnKind, fields, guarded
from annotations.services.pairs.provenance import RENDITION_COLUMNS


def judgment_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines of the judgments CSV, header first, one at a time; rows have the long form's keys."""
    return lines_of(VOTE_COLUMNS, rows)


def rendition_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines of the renditions CSV; rows as `annotations.services.pairs.provenance` gives them."""
    return mapping_lines(RENDITION_COLUMNS, rows)


def mapping_lines(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines of a CSV of what stands in the rows under these names."""
    return lines_of(fields(ColumnKind.TEXT, *names), rows)


def lines_of(columns: Sequence[Column], rows: Iterable[Any]) -> Iterator[str]:
    """Lines of a CSV with these columns, header first, one at a time."""
    buffer = io.StringIO(newline="")
    # The writer quotes a cell with a carriage return only if that ends a line, as in RFC 4180.
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(column.name for column in columns)
    yield _taken(buffer)
    for row in rows:
        writer.writerow([_cell(column.value(row)) for column in columns])
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
    return guarded(value) if isinstance(value, str) else str(value)
