"""Many keys, some at a time: databases take only so many values in one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

AT_ONCE = 500

T = TypeVar("T")


def in_batches(keys: Sequence[T], size: int = AT_ONCE) -> Iterator[Sequence[T]]:
    """The keys in their order, at most `size` together."""
    return (keys[start : start + size] for start in range(0, len(keys), size))
