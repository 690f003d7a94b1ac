"""Small awkward files whose frames carry their number in blocks and show known colours."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

CASES = Path(__file__).with_name("cases")
COLOURS = np.array(
    [
        (200, 40, 40),
        (40, 180, 40),
        (40, 40, 200),
        (230, 230, 230),
        (224, 172, 105),
        (128, 128, 128),
    ]
)
"""Below the six blocks of the number."""


def numbers_of(path: Path) -> list[int]:
    """The numbers of a rendition's frames, in the order in which they are shown."""
    return [number_in(picture) for picture in decoded(path)]


def colours_off(path: Path) -> float:
    """By how many levels of 255 the colours of any frame are off at most."""
    return max(float(np.abs(colours_in(picture) - COLOURS).max()) for picture in decoded(path))


def decoded(path: Path) -> list[np.ndarray]:
    """Every frame of a clip in BT.709 as RGB."""
    with av.open(str(path)) as opened:
        return [
            frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
            for frame in opened.decode(video=0)
        ]


def number_in(picture: np.ndarray) -> int:
    """Blocks in the uppermost sixth, the lowest bit at the left: dark is 0, light is 1."""
    bits = [block(picture, at, 0).mean() > 128 for at in range(6)]
    return sum(int(bit) << at for at, bit in enumerate(bits))


def colours_in(picture: np.ndarray) -> np.ndarray:
    return np.array([block(picture, at, 2).reshape(-1, 3).mean(0) for at in range(6)])


def block(picture: np.ndarray, column: int, row: int) -> np.ndarray:
    height, width = picture.shape[:2]
    side = height // 6
    left = (width - height) // 2 + column * side
    return picture[row * side + side // 4 : (row + 1) * side - side // 4][
        :, left + side // 4 : left + side - side // 4
    ]
