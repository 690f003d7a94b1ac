"""A clip that is open: what it says of itself, and its frames as they pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av

from annotations.media.orientation import is_on_its_side
from annotations.media.patience import Progress


@dataclass(frozen=True)
class Header:
    """What the file says of itself before any frame is decoded. Sizes are as coded."""

    codec: str
    width: int
    height: int
    pixel_format: str
    sample_aspect: Fraction
    rates: tuple[Fraction, ...]
    """What may be the frame rate: none of them is believed against the frames."""
    seconds: Fraction
    """0 when the container does not say."""
    has_audio: bool


@dataclass(frozen=True)
class TimedFrame:
    """A decoded frame, when it appears on the file's clock and for how long (0: unknown)."""

    at: Fraction
    seconds: Fraction
    picture: av.VideoFrame

    def displayed_size(self, sample_aspect: Fraction) -> tuple[int, int]:
        """Width and height after square pixels and rotation."""
        width = round(self.picture.width * sample_aspect)
        height = self.picture.height
        return (height, width) if is_on_its_side(self.picture) else (width, height)


@dataclass
class Source:
    """An opened clip; `frames` can be read once, `missing` is known when they were read."""

    header: Header
    frames: Iterator[TimedFrame]
    promised: int = 0
    """Samples, shown or not, that the file's index names; 0 where it has none."""
    missing: int = 0
    """Of the samples promised, those that the file does not hold in full."""


def watched(frames: Iterator[TimedFrame], progress: Progress) -> Iterator[TimedFrame]:
    """The frames, telling of each that it was decoded."""
    for frame in frames:
        progress(frame.picture.width * frame.picture.height)
        yield frame
