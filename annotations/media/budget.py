"""A clip's bytes: so many that a slow line loads it before a rater loses patience."""

from __future__ import annotations

from math import ceil, log2
from typing import Any

import av

from annotations.media.errors import MediaError
from annotations.media.profiles import RenditionPlan

WORST_CRF = 42
"""Beyond it, what raters saw would be the coding and not the clip."""
HALVES = 6
"""More CRF halves the bytes, about."""
SOUND_BYTES_PER_SECOND = 20_000
CONTAINER_BYTES_PER_FRAME = 24


class OverBudget(Exception):
    """The clip takes more bytes than it may."""


class ByteBudget:
    """Counts what one pass of coding spends."""

    def __init__(self, plan: RenditionPlan, crf: int) -> None:
        sound = SOUND_BYTES_PER_SECOND * float(plan.seconds) if plan.has_audio else 0
        self.bytes = plan.max_bytes - int(sound) - CONTAINER_BYTES_PER_FRAME * plan.frames - 2000
        self.frames, self.megabytes = plan.frames, plan.max_bytes / 1_000_000
        self.crf = crf
        self.coded = self.used = 0

    def spent(self, packets: list[av.Packet[Any]]) -> list[av.Packet[Any]]:
        """The packets, unless they are too much.

        Raises
        ------
        OverBudget
            As soon as it shows, so that no time is lost on the rest.
        """
        for packet in packets:
            self.coded, self.used = self.coded + 1, self.used + packet.size
        if self.used > self.bytes:
            raise OverBudget
        return packets

    def next_crf(self) -> int:
        """What to try next, from how far this pass came.

        Raises
        ------
        MediaError
            There is nothing left to try.
        """
        if self.crf >= WORST_CRF:
            raise MediaError(
                f"Coded in {self.megabytes:g} MB this clip would be hard to make out. Give the "
                "study's clips more megabytes, or shorter or smaller clips."
            )
        excess = self.frames / max(self.coded, 1)
        return min(self.crf + max(2, ceil(HALVES * log2(excess))), WORST_CRF)
