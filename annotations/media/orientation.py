"""How a picture is turned and mirrored to be shown: its display matrix."""

from __future__ import annotations

import struct

import av
from av.sidedata.sidedata import Type

IDENTITY = (1, 0, 0, 1)
STEPS: dict[tuple[int, int, int, int], tuple[str, ...]] = {
    IDENTITY: (),
    (-1, 0, 0, 1): ("hflip",),
    (1, 0, 0, -1): ("vflip",),
    (-1, 0, 0, -1): ("hflip", "vflip"),
    (0, 1, -1, 0): ("transpose=clock",),
    (0, -1, 1, 0): ("transpose=cclock",),
    (0, 1, 1, 0): ("transpose=cclock_flip",),
    (0, -1, -1, 0): ("transpose=clock_flip",),
}
"""FFmpeg's filters by the matrix a, b, c, d of ISO 14496-12, 8.3.2: x' = ax + cy, y' = bx + dy."""


def orientation_of(picture: av.VideoFrame) -> tuple[int, int, int, int]:
    """The matrix of a frame with each entry 0, 1 or -1: by quarter turns, as browsers do."""
    data = picture.side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]
    if data is None:
        return IDENTITY
    a, b, _u, c, d = struct.unpack_from("=5i", bytes(data))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        found = (sign(a), 0, 0, sign(d))
    else:
        found = (0, sign(b), sign(c), 0)
    return found if found in STEPS else IDENTITY


def sign(value: int) -> int:
    return (value > 0) - (value < 0)


def turning_steps(picture: av.VideoFrame) -> tuple[str, ...]:
    """The filters that bring a frame upright."""
    return STEPS[orientation_of(picture)]


def is_on_its_side(picture: av.VideoFrame) -> bool:
    return orientation_of(picture)[0] == 0
