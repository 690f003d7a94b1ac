"""What frames look like as they pass, for warnings about them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from annotations.media.warnings import BLACK, SHORT, STATIC

STEP = 4
"""Every fourth pixel in each direction is looked at."""
SAME_LEVELS = 0.5
"""Mean difference in levels of 255 below which two frames look the same; re-encoding noise."""
BLACK_LEVEL = 20.0
"""Mean level below which a frame is black: limited range's black with noise."""
SHORT_SECONDS = 1


@dataclass
class Impression:
    """What frames look like as they pass."""

    first: npt.NDArray[np.int16] | None = None
    moves: bool = False
    black_frames: int = 0

    def add(self, rgb: npt.NDArray[np.uint8]) -> None:
        """Look at a frame, an array of height x width x 3."""
        sample = rgb[::STEP, ::STEP].astype(np.int16)
        if sample.max() < 4 * BLACK_LEVEL and sample.mean() < BLACK_LEVEL:
            self.black_frames += 1
        if self.first is None:
            self.first = sample
        elif not self.moves:
            self.moves = bool(np.abs(sample - self.first).mean() > SAME_LEVELS)

    def warnings(self, seconds: Fraction) -> tuple[str, ...]:
        """Codes, in a fixed order."""
        found = {
            STATIC: not self.moves,
            BLACK: self.black_frames > 0,
            SHORT: seconds < SHORT_SECONDS,
        }
        return tuple(code for code, is_so in found.items() if is_so)
