"""Tables as Parquet: the columns of the CSV files, typed, and nothing escaped.

Rows become row groups one after the other, so that a million judgments take no more memory than
a few thousand.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

ROWS_AT_ONCE = 20_000
WHOLE = {
    *("n", "wins_a", "wins_b", "ties", "incomplete", "votes", "raters", "prompts"),
    *("votes_a", "votes_b", "anytime_comparisons", "island", "best_rank", "worst_rank"),
    *("comparisons", "left_votes", "decided_votes", "compared_with_others"),
}
FLAGS = {"is_gold", "excluded", "complete", "leans_to_one_side"}
TIMES = {"started_at", "submitted_at"}
TEXTS = {
    *("study", "protocol", "axis", "model", "model_a", "model_b", "category", "verdict"),
    *("comparison_id", "prompt_id", "prompt", "winner", "reasons", "note", "rater", "side_a"),
    *("excluded_why", "played_a", "played_b", "reason_order", "interval_method"),
}


def parquet_chunks(columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The bytes of a Parquet file, piece by piece; what is not known is null.

    Columns are text, whole numbers, true or false, or UTC times by their names; all others are
    floating point numbers.
    """
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([(name, _type(name)) for name in columns])
    sink = _Pieces()
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        remaining = iter(rows)
        while batch := list(islice(remaining, ROWS_AT_ONCE)):
            values = {name: [_value(row[name]) for row in batch] for name in columns}
            writer.write_table(pa.table(values, schema=schema))
            yield sink.taken()
    yield sink.taken()


def _type(name: str) -> Any:
    import pyarrow as pa

    if name in TIMES:
        return pa.timestamp("us", tz="UTC")
    kinds = ((TEXTS, pa.string()), (WHOLE, pa.int64()), (FLAGS, pa.bool_()))
    return next((kind for names, kind in kinds if name in names), pa.float64())


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
