"""Look at a file before it may become a stimulus: every frame is decoded, nothing is believed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import av.logging
import numpy as np

from annotations.media.errors import MediaError
from annotations.media.impressions import Impression
from annotations.media.info import MediaInfo
from annotations.media.limits import DEFAULT_LIMITS, Limits
from annotations.media.pictures import as_seen, frame_count, opaque, open_still
from annotations.media.sniffing import sniff_container
from annotations.media.sources import DAMAGED, Header, TimedFrame, open_source

RATE_TOLERANCE = Fraction(1, 100)
"""How far the counted rate may be from the header's: millisecond clocks round (WebM)."""


@dataclass
class Tally:
    """What is learned from frames as they pass."""

    limits: Limits
    count: int = 0
    size: tuple[int, int] = (0, 0)
    begins_at: Fraction = Fraction(0)
    last: TimedFrame | None = None
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    impression: Impression = field(default_factory=Impression)

    def add(self, frame: TimedFrame, size: tuple[int, int]) -> None:
        if self.last is None:
            self.size, self.begins_at = size, frame.at
        elif size != self.size:
            raise MediaError(
                f"The picture changes from {self.size[0]}x{self.size[1]} to {size[0]}x{size[1]} "
                "within the clip, so it has no one size to compare. Export it at one size."
            )
        self.count, self.last = self.count + 1, frame
        self.limits.check_seconds(frame.at - self.begins_at)
        self.limits.check_decoded_pixels(self.count * size[0] * size[1])
        picture = opaque(frame.picture).reformat(format="rgb24")
        rgb = picture.to_ndarray().astype(np.uint8, copy=False)
        self.digest.update(rgb.tobytes())
        self.impression.add(rgb)

    @property
    def ends_at(self) -> Fraction:
        """On the file's clock, which Matroska's header counts from even when it starts late."""
        return self.last.at + self.last.seconds if self.last else Fraction(0)

    def seconds(self, fps: Fraction) -> Fraction:
        """From the first frame's appearance to the last one's end."""
        if self.last is None:
            return Fraction(0)
        shown = self.last.at - self.begins_at
        if self.last.seconds:
            return shown + self.last.seconds
        if fps:
            return shown + 1 / fps
        return shown * self.count / (self.count - 1) if self.count > 1 else Fraction(0)


def inspect_media(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> MediaInfo:
    """Decide by full decode whether a local file can be judged, and describe it.

    Raises
    ------
    MediaError
        It cannot: empty, too large, not a video or picture, damaged, audio only, HDR...
    """
    path = Path(path)
    limits.check_bytes(path.stat().st_size)
    container = sniff_container(path)
    if container in {"png", "jpeg", "webp", "gif"} and is_still(path, container):
        return inspect_still(path, container, limits)
    return inspect_clip(path, container, limits)


def is_still(path: Path, container: str) -> bool:
    with open_still(path, container) as image:
        return frame_count(image) == 1


def inspect_still(path: Path, container: str, limits: Limits) -> MediaInfo:
    with open_still(path, container) as image:
        limits.check_size(*image.size)
        mode = image.mode.lower()
        seen = as_seen(image)
    return MediaInfo(
        kind="image",
        width=seen.width,
        height=seen.height,
        fps=Fraction(0),
        frames=1,
        seconds=Fraction(0),
        container=container,
        codec=container,
        pixel_format=mode,
        has_audio=False,
        bytes=path.stat().st_size,
        sha256=sha256_of(path),
        frames_sha256=hashlib.sha256(seen.tobytes()).hexdigest(),
    )


def inspect_clip(path: Path, container: str, limits: Limits) -> MediaInfo:
    with listening_to_the_decoder() as complaints, open_source(path, container) as source:
        header = source.header
        check_header(header, limits)
        tally = Tally(limits)
        for frame in source.frames:
            tally.add(frame, frame.displayed_size(header.sample_aspect))
    check_decoded(header, tally, complaints)
    fps, seconds = measured(header, tally)
    limits.check_fps(fps)
    limits.check_size(*tally.size)
    return MediaInfo(
        kind="video",
        width=tally.size[0],
        height=tally.size[1],
        fps=fps,
        frames=tally.count,
        seconds=seconds,
        container=container,
        codec=header.codec,
        pixel_format=header.pixel_format,
        has_audio=header.has_audio,
        bytes=path.stat().st_size,
        sha256=sha256_of(path),
        frames_sha256=tally.digest.hexdigest(),
        warnings=tally.impression.warnings(seconds),
    )


def check_header(header: Header, limits: Limits) -> None:
    """Refuse by what the file claims, before work is spent on it."""
    limits.check_size(round(header.width * header.sample_aspect), header.height)
    limits.check_fps(header.fps)
    limits.check_seconds(header.seconds)
    frames = header.frames or round(header.seconds * header.fps)
    limits.check_decoded_pixels(header.width * header.height * frames)


def check_decoded(header: Header, tally: Tally, complaints: list[str]) -> None:
    """Refuse what decoded with errors, to nothing, or to less than the header promised."""
    if complaints:
        raise MediaError(DAMAGED.format(detail=complaints[0]))
    if tally.count == 0:
        raise MediaError(
            "This file has a video track but no frame in it. Export or download it again."
        )
    if tally.count < header.frames:
        raise MediaError(
            f"The file promises {header.frames} frames and holds {tally.count}: it was cut off. "
            "Export or download it again."
        )
    seconds = max(tally.seconds(header.fps), tally.ends_at)
    if seconds < header.seconds * Fraction(9, 10):
        raise MediaError(
            f"The file promises {float(header.seconds):.1f} s and holds {float(seconds):.1f} s: "
            "it was cut off. Export or download it again."
        )


def measured(header: Header, tally: Tally) -> tuple[Fraction, Fraction]:
    """Frames per second and seconds by count; the header's exact figures where they agree.

    Lengths agree within a frame, since the last one's length may be a guess. Of a variable rate,
    the mean.
    """
    seconds = tally.seconds(header.fps)
    if not seconds:
        raise MediaError(
            "The one frame of this clip has no length. Export it as a picture or a longer clip."
        )
    if abs(seconds - header.seconds) <= seconds / tally.count:
        seconds = header.seconds
    counted = tally.count / seconds
    if header.fps and abs(counted / header.fps - 1) <= RATE_TOLERANCE:
        return header.fps, seconds
    return counted.limit_denominator(1001), seconds


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def listening_to_the_decoder() -> Iterator[list[str]]:
    """Collect what FFmpeg logs as errors on this thread.

    Decoders conceal damage: frames come out whole in number, and only the log tells.
    """
    complaints: list[str] = []
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(local=True) as logged:
            yield complaints
            complaints.extend(f"{name}: {text.strip()}" for _level, name, text in logged)
    finally:
        av.logging.set_level(before)
