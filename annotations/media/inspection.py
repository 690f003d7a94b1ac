"""Look at a file before it may become a stimulus: every frame is decoded, nothing is believed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from annotations.media.colours import opaque
from annotations.media.complaints import listening, tell_damage
from annotations.media.errors import MediaError
from annotations.media.frames import Header, Source, TimedFrame, watched
from annotations.media.impressions import Impression
from annotations.media.info import MediaInfo
from annotations.media.limits import DEFAULT_LIMITS, Limits
from annotations.media.patience import Progress, unwatched
from annotations.media.pictures import open_still, shown_frames, still_as_seen
from annotations.media.sniffing import sniff_container
from annotations.media.sources import DAMAGED, open_source
from annotations.media.timing import Timing, timing_of

ENDS_BY_LENGTH = {"webm", "matroska"}
"""Containers that may say only by the length of the whole how long the last frame stays."""


@dataclass
class Tally:
    """What is learned from frames as they pass."""

    limits: Limits
    times: list[Fraction] = field(default_factory=list)
    size: tuple[int, int] = (0, 0)
    last_seconds: Fraction = Fraction(0)
    states_lengths: bool = True
    """The last frame but one stayed about as long as it said."""
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    impression: Impression = field(default_factory=Impression)

    def add(self, frame: TimedFrame, size: tuple[int, int]) -> None:
        if self.times:
            stayed = frame.at - self.times[-1]
            self.states_lengths = abs(self.last_seconds - stayed) <= stayed / 2
        else:
            self.size = size
        if size != self.size:
            raise MediaError(
                f"The picture changes from {self.size[0]}x{self.size[1]} to {size[0]}x{size[1]} "
                "within the clip, so it has no one size to compare. Export it at one size."
            )
        self.times.append(frame.at)
        self.last_seconds = frame.seconds
        self.limits.check_seconds(frame.at - self.times[0])
        self.limits.check_decoded_pixels(len(self.times) * size[0] * size[1])
        # Each frame scales with threads of its own, which would use up what one process may have.
        picture = opaque(frame.picture).reformat(format="rgb24", threads=1)
        rgb = picture.to_ndarray().astype(np.uint8, copy=False)
        self.digest.update(rgb.tobytes())
        self.impression.add(rgb)

    @property
    def ends_at(self) -> Fraction:
        """On the file's clock, which Matroska's header counts from even when it starts late."""
        return self.times[-1] + self.last_seconds

    @property
    def seconds(self) -> Fraction:
        """From the first frame's appearance to the last one's end, as far as that is stated."""
        return self.ends_at - self.times[0]


def inspect_media(
    path: Path, *, limits: Limits = DEFAULT_LIMITS, progress: Progress = unwatched
) -> MediaInfo:
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
    return inspect_clip(path, container, limits, progress)


def is_still(path: Path, container: str) -> bool:
    with open_still(path, container) as image:
        return len(shown_frames(image)) == 1


def inspect_still(path: Path, container: str, limits: Limits) -> MediaInfo:
    with open_still(path, container) as image:
        limits.check_size(*image.size)
        mode = image.mode.lower()
        seen = still_as_seen(image)
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


def inspect_clip(path: Path, container: str, limits: Limits, progress: Progress) -> MediaInfo:
    with listening() as complaints, open_source(path, container) as source:
        header = source.header
        check_header(source, limits)
        tally = Tally(limits)
        for frame in watched(source.frames, progress):
            tally.add(frame, frame.displayed_size(header.sample_aspect))
    check_decoded(source, tally, container)
    if tell_damage(source, path, container, complaints):
        raise MediaError(DAMAGED)
    timing = measured(header, tally, container, limits)
    limits.check_size(*tally.size)
    return MediaInfo(
        kind="video",
        width=tally.size[0],
        height=tally.size[1],
        fps=timing.fps,
        frames=len(tally.times),
        seconds=timing.seconds,
        container=container,
        codec=header.codec,
        pixel_format=header.pixel_format,
        has_audio=header.has_audio,
        bytes=path.stat().st_size,
        sha256=sha256_of(path),
        frames_sha256=tally.digest.hexdigest(),
        warnings=tally.impression.warnings(timing.seconds),
    )


def check_header(source: Source, limits: Limits) -> None:
    """Refuse by what the file claims, before work is spent on it. Its rate is not asked."""
    header = source.header
    limits.check_size(round(header.width * header.sample_aspect), header.height)
    limits.check_seconds(header.seconds)
    limits.check_decoded_pixels(header.width * header.height * source.promised)


def check_decoded(source: Source, tally: Tally, container: str) -> None:
    """Refuse what decoded to nothing, or to less than the header promised.

    Raises
    ------
    MediaError
        Also for one frame: it would be held against a partner's motion, or cut it to one frame.
    """
    if source.missing > 0:
        raise MediaError(
            f"The file promises {source.promised} frames and {source.missing} of them are not "
            "in it: it was cut off. Export or download it again."
        )
    if not tally.times:
        raise MediaError(
            "This file has a video track but no frame in it. Export or download it again."
        )
    if len(tally.times) == 1:
        raise MediaError(
            "This clip has one frame only: beside a clip there is no motion to compare. Export "
            "the clip with all its frames, or give the frame as a PNG picture."
        )
    if tally.times[-1] <= tally.times[0]:
        raise MediaError(
            "All frames of this clip are to be shown at one moment: its times are lost. Export "
            "it again at a steady frame rate."
        )
    seconds, stated = max(tally.seconds, tally.ends_at), source.header.seconds
    if container not in ENDS_BY_LENGTH and seconds < stated * Fraction(9, 10):
        raise MediaError(
            f"The file promises {float(stated):.1f} s and holds {float(seconds):.1f} s: "
            "it was cut off. Export or download it again."
        )


def measured(header: Header, tally: Tally, container: str, limits: Limits) -> Timing:
    """The rate at which every frame is shown, and the length; see `annotations.media.timing`."""
    last_seconds = tally.last_seconds if tally.states_lengths else Fraction(0)
    if container in ENDS_BY_LENGTH:
        last_seconds = max(last_seconds, header.seconds - tally.times[-1])
    limits.check_fps((len(tally.times) - 1) / (tally.times[-1] - tally.times[0]))
    return timing_of(
        tally.times,
        last_seconds,
        proposed=header.rates,
        stated_seconds=header.seconds,
        max_fps=limits.max_fps,
    )


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
