"""What changes rarely, kept in a process for some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import Any, TypeVar

from django.conf import settings

Said = TypeVar("Said")


def kept_for_seconds(*, most: int) -> Callable[[Callable[..., Said]], Callable[..., Said]]:
    """Let a function say of the same thing what it said at most `KEPT_SECONDS` ago; 0: never.

    Parameters
    ----------
    most
        Of how many things it is kept; those that were asked for last.
    """

    def decorate(function: Callable[..., Said]) -> Callable[..., Said]:
        @lru_cache(maxsize=most)
        def within(period: int, *about: Any) -> Said:
            return function(*about)

        @wraps(function)
        def asked(*about: Hashable) -> Said:
            seconds = settings.KEPT_SECONDS
            return within(int(time.monotonic() // seconds), *about) if seconds else function(*about)

        return asked

    return decorate
