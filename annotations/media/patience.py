"""How long the work on one file may take: the more pixels, the longer.

What is not done in that time says nothing of the file; see `annotations.media.errors.TooSlow`.
"""

from __future__ import annotations

from collections.abc import Callable

from annotations.media.limits import DEFAULT_LIMITS

WALL_SECONDS = 120.0
"""Without a frame decoded: for starting, reading, and the last frames' coding."""
PIXELS_PER_SECOND = 5_000_000
"""A tenth of what two busy cores decode and code; for each pixel decoded the time is prolonged."""
PASSES = 3
"""How often the frames of one file are gone through at most, about: see `ByteBudget`."""

Progress = Callable[[int], None]
"""Told of each frame decoded, by its pixels."""


def unwatched(pixels: int) -> None:
    """Progress that nobody asks for."""


def seconds_for(pixels: int) -> float:
    """By how much the time is prolonged when so many pixels were decoded."""
    return pixels / PIXELS_PER_SECOND


LONGEST_CHECK = int(WALL_SECONDS + seconds_for(DEFAULT_LIMITS.max_decoded_pixels))
LONGEST_RENDERING = int(WALL_SECONDS + seconds_for(PASSES * DEFAULT_LIMITS.max_decoded_pixels))
"""Seconds; for what else bounds the work: tasks and leases."""
