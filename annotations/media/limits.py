"""How large a file may be before it is opened, and before its frames are decoded."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from annotations.media.errors import MediaError

MIN_SIDE = 16
"""Pixels. Below one H.264 macroblock there is nothing to judge."""


@dataclass(frozen=True)
class Limits:
    """Upper bounds; the defaults take 60 s of 1080p at 30 fps and refuse decompression bombs."""

    max_bytes: int = 200_000_000
    max_side: int = 4096
    max_pixels: int = 9_000_000
    max_seconds: int = 60
    max_fps: int = 120
    max_decoded_pixels: int = 4_000_000_000

    def check_bytes(self, size: int) -> None:
        if size == 0:
            raise MediaError("This file is empty. The upload or download was cut off; repeat it.")
        if size > self.max_bytes:
            raise MediaError(
                f"This file has {size:,} bytes; at most {self.max_bytes:,} are taken, so that "
                "one file cannot fill the disk. Make a shorter or smaller clip."
            )

    def check_size(self, width: int, height: int) -> None:
        if min(width, height) < MIN_SIDE:
            raise MediaError(
                f"The picture is {width}x{height}; under {MIN_SIDE} pixels a side there is "
                "nothing to judge. Export it larger."
            )
        if max(width, height) > self.max_side or width * height > self.max_pixels:
            raise MediaError(
                f"The picture is {width}x{height}; at most {self.max_side} pixels a side and "
                f"{self.max_pixels:,} in all are taken, since decoding larger ones can exhaust "
                "the memory. Scale it down first."
            )

    def check_fps(self, fps: Fraction) -> None:
        if fps > self.max_fps:
            raise MediaError(
                f"The clip has {float(fps):.1f} frames per second; at most {self.max_fps} are "
                "taken, more than screens show. Export it at a lower rate."
            )

    def check_seconds(self, seconds: Fraction) -> None:
        if seconds > self.max_seconds:
            raise MediaError(
                f"The clip is {float(seconds):.1f} s long; at most {self.max_seconds} s are "
                "taken, since raters watch every second. Cut it first."
            )

    def check_decoded_pixels(self, pixels: int) -> None:
        if pixels > self.max_decoded_pixels:
            raise MediaError(
                f"Size and number of frames together come to {pixels:,} pixels; at most "
                f"{self.max_decoded_pixels:,} are decoded, so that one file cannot hold a "
                "worker. Make the clip shorter or smaller."
            )


DEFAULT_LIMITS = Limits()
