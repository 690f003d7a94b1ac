"""Dataclasses as JSON text, as `json.dumps(asdict(value), indent=1)` would write them.

That copies every value first and then writes it in Python: a third of a millisecond for each pair
of a report. What stands in many places, as the equal results of thousands of pairs do, is written
once here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any


def json_text(value: Any) -> str:
    """Text of dataclasses, mappings, sequences, texts, numbers and None.

    Raises
    ------
    ValueError
        A number is not finite.
    """
    return _Writer().text(value, 0)


def members(value: Any) -> dict[str, Any]:
    """The attributes of a dataclass, by name."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


class _Writer:
    def __init__(self) -> None:
        self.written: dict[tuple[int, int], str] = {}

    def text(self, value: Any, depth: int) -> str:
        if isinstance(value, str) or not isinstance(value, Sequence | Mapping):
            return self._object(value, depth) if is_dataclass(value) else _atom(value)
        if isinstance(value, Mapping):
            return self._members(((_atom(str(key)), one) for key, one in value.items()), depth)
        return _wrapped("[]", [self.text(one, depth + 1) for one in value], depth)

    def _object(self, value: Any, depth: int) -> str:
        """The value lives as long as the writer, so that its identity is its own."""
        known = self.written.get((id(value), depth))
        if known is None:
            members = [
                (name, getattr(value, attribute)) for attribute, name in _names(value.__class__)
            ]
            known = self.written[id(value), depth] = self._members(members, depth)
        return known

    def _members(self, members: Iterable[tuple[str, Any]], depth: int) -> str:
        lines = [f"{name}: {self.text(value, depth + 1)}" for name, value in members]
        return _wrapped("{}", lines, depth)


@lru_cache
def _names(kind: Any) -> tuple[tuple[str, str], ...]:
    """Attributes, and their names as JSON."""
    return tuple((field.name, _atom(field.name)) for field in fields(kind))


def _atom(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _wrapped(brackets: str, lines: list[str], depth: int) -> str:
    if not lines:
        return brackets
    between = ",\n" + " " * (depth + 1)
    return f"{brackets[0]}{between[1:]}{between.join(lines)}\n{' ' * depth}{brackets[1]}"
