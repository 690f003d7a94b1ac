"""How much of a report its page and its figures show; every number is in the files beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

PAIRS_CHARTED = 40
"""Pairs of models that have a row each in the charts. A report with more is folded."""

RESULTS_CHARTED = 80
"""Results (a pair on a question, under a protocol) up to which a report is not folded."""

MODELS_SHOWN = 40
"""Models in a matrix, and in the figure of a ranking."""

MATRICES_SHOWN = 6
"""Questions that have a matrix."""

ROWS_SHOWN = 1_000
"""Rows of the table of win rates, and of all tables of ranks together."""

FURTHER_ROWS_SHOWN = 300
"""Rows of every other table: with all of them full the page is still under 3 MB."""

RANKS_OPEN = 50
"""Models of a table that are in sight; the others are folded away."""

BLOCKS_SHOWN = 12
"""Reasons, categories and protocols of single pairs in a folded report."""

LINES_SHOWN = 12
"""Sentences of one kind, and names in one sentence."""


@dataclass(frozen=True, slots=True)
class Capped:
    """Rows that are shown of so many, and whether they are folded away."""

    rows: list[Any]
    total: int
    folded: bool

    @property
    def more(self) -> int:
        return self.total - len(self.rows)

    @property
    def words(self) -> str:
        """Such as `927 rows` and `1,000 of 95,000 rows`."""
        return f"{len(self.rows):,} of {self.total:,} rows" if self.more else f"{self.total:,} rows"


def largest(found: Sequence[T], most: int, size: Callable[[T], float]) -> list[T]:
    """All in their order where they fit; else the largest, the largest first."""
    if len(found) <= most:
        return list(found)
    return sorted(found, key=size, reverse=True)[:most]


def some(names: Sequence[str], most: int = LINES_SHOWN) -> str:
    """Such as `A, B and 17 more`."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
