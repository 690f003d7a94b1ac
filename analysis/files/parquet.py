"""Tables as Parquet: the columns of the CSV files, typed, and nothing escaped.

Rows become row groups one after the other, so that a million judgments take no more memory than
a few thousand.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from analysis.core.columns import Column, ColumnKind

ROWS_AT_ONCE = 20_000


def parquet_chunks(columns: Sequence[Column], rows: Iterable[Any]) -> Iterator[bytes]:
    """The bytes of a Parquet file, piece by piece; what is not known is null."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([(column.name, _type(column.kind)) for column in columns])
    sink = _Pieces()
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        remaining = iter(rows)
        while batch := list(islice(remaining, ROWS_AT_ONCE)):
            values = {
                column.name: [_value(column.value(row)) for row in batch] for column in columns
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


def _value(value: Any) -> Any:
    if hasattr(value, "to_pydatetime"):
        return value.to_pydatetime()
    return str(value) if isinstance(value, str) and type(value) is not str else value


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
