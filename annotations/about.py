"""What is being worked on now, for the lines of the log: keys of rows, and nothing of people."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

NOTHING: Mapping[str, Any] = MappingProxyType({})
about: ContextVar[Mapping[str, Any]] = ContextVar("about", default=NOTHING)
"""What the lines are about that are logged now; a request or a task begins anew."""


def say_about(**ids: int | str | None) -> None:
    """Lines from now on name these as well, until the request or the task ends."""
    if about.get():
        about.set({**about.get(), **{name: one for name, one in ids.items() if one is not None}})
