"""Animated pictures: GIF, which FFmpeg reads, and WebP and PNG, which it does not in full."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from PIL import Image

from annotations.media.frames import Header, TimedFrame
from annotations.media.pictures import as_seen, seek, shown_frames

NO_DELAY = Fraction(1, 100)
ANIMATION_DEFAULT = Fraction(1, 10)
"""Seconds a frame is shown when an animated picture states 10 ms or less, as browsers do."""


def animation_header(image: Image.Image, container: str) -> Header:
    return Header(
        codec=container,
        width=image.width,
        height=image.height,
        pixel_format=image.mode.lower(),
        sample_aspect=Fraction(1),
        rates=(),
        seconds=Fraction(0),
        has_audio=False,
    )


def animation_frames(image: Image.Image) -> Iterator[TimedFrame]:
    """Every frame of an animated WebP or PNG."""
    at = Fraction(0)
    for number in shown_frames(image):
        seek(image, number)
        picture = av.VideoFrame.from_image(as_seen(image))  # type: ignore[no-untyped-call]
        seconds = browsers_delay(Fraction(image.info.get("duration", 0) / 1000).limit_denominator())
        yield TimedFrame(at, seconds, picture)
        at += seconds


def with_browsers_delays(frames: Iterator[TimedFrame]) -> Iterator[TimedFrame]:
    """The frames of a GIF at the times at which browsers show them."""
    at = Fraction(0)
    for frame in frames:
        seconds = browsers_delay(frame.seconds)
        yield TimedFrame(at, seconds, frame.picture)
        at += seconds


def browsers_delay(seconds: Fraction) -> Fraction:
    """How long browsers show a frame of an animated picture that states so many seconds."""
    return seconds if seconds > NO_DELAY else ANIMATION_DEFAULT
