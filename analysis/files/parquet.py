"""Tables as Parquet: the columns of the CSV files, typed, and nothing escaped.

Rows become row groups one after the other, so that a million judgments take no more memory than
a few thousand.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from types import NoneType
from typing import Any

from analysis.core.columns import (
    ROWS_PER_PART,
    VOTE_COLUMNS,
    Column,
    ColumnKind,
    Part,
    values_of_rows,
)

ROWS_AT_ONCE = 20_000
PLAIN_TEXTS = {str, NoneType}


def parquet_chunks(columns: Sequence[Column], rows: Iterable[Any]) -> Iterator[bytes]:
    """The bytes of a Parquet file, piece by piece; what is not known is null."""
    return _chunks(columns, values_of_rows(columns, rows, ROWS_AT_ONCE))


def judgment_chunks(parts: Iterable[Part]) -> Iterator[bytes]:
    """The same of judgments; parts have the long form's columns."""
    return _chunks(VOTE_COLUMNS, _values_of_parts(VOTE_COLUMNS, parts))


def _values_of_parts(columns: Sequence[Column], parts: Iterable[Part]) -> Iterator[list[list[Any]]]:
    """The values of each column in as many parts as make a row group."""
    remaining = iter(parts)
    while batch := list(islice(remaining, ROWS_AT_ONCE // ROWS_PER_PART)):
        yield [list(chain.from_iterable(map(column.value, batch))) for column in columns]


def _chunks(columns: Sequence[Column], groups: Iterable[Sequence[list[Any]]]) -> Iterator[bytes]:
    """`groups`: the values of each column in a row group."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([(column.name, _type(column.kind)) for column in columns])
    sink = _Pieces()
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for group in groups:
            values = {
                column.name: _plain(column.kind, values)
                for column, values in zip(columns, group, strict=True)
            }
            writer.write_table(pa.table(values, schema=schema))
            yield sink.taken()
    yield sink.taken()


def _type(kind: ColumnKind) -> Any:
    import pyarrow as pa

    types = {
        ColumnKind.TEXT: pa.string(),
        ColumnKind.WHOLE: pa.int64(),
        ColumnKind.NUMBER: pa.float64(),
        ColumnKind.FLAG: pa.bool_(),
        ColumnKind.TIME: pa.timestamp("us", tz="UTC"),
    }
    return types[kind]


def _plain(kind: ColumnKind, values: list[Any]) -> list[Any]:
    """Values of a kind as types that Arrow takes."""
    if kind is ColumnKind.TEXT and not set(map(type, values)) <= PLAIN_TEXTS:
        return [str(value) if isinstance(value, str) else value for value in values]
    return list(map(_moment, values)) if kind is ColumnKind.TIME else values


def _moment(value: Any) -> Any:
    return value.to_pydatetime() if hasattr(value, "to_pydatetime") else value


class _Pieces(io.RawIOBase):
    """A file whose content is taken away while it is written."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[bytes] = []
        self.position = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.parts.append(bytes(data))
        self.position += len(self.parts[-1])
        return len(self.parts[-1])

    def tell(self) -> int:
        return self.position

    def taken(self) -> bytes:
        parts, self.parts = self.parts, []
        return b"".join(parts)
