"""Waits are for conditions, never for times."""

from __future__ import annotations

import time
from collections.abc import Callable

MOST_SECONDS = 60.0


def wait_for(holds: Callable[[], bool], what: str, most: float = MOST_SECONDS) -> None:
    """Look again and again until it holds; a failure that says what did not come."""
    give_up_at = time.monotonic() + most
    while not holds():
        assert time.monotonic() < give_up_at, f"{what} did not come in {most:.0f} s"
        time.sleep(0.05)
