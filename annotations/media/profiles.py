"""Presentation profiles: what is made equal between the two clips of a pair, and how.

`pairwise-min` is JUICE's rule (Emu Video, arXiv 2311.10709, appendix 4): every property is
brought to the smaller of the two, so that nothing but content tells the models apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Literal

from annotations.media.errors import MediaError
from annotations.media.limits import MIN_SIDE

WHOLE_FRAME_TOLERANCE = Fraction(1, 1000)
"""Frames. Lengths come rounded to microseconds; 9.9999 frames are ten."""

SELECTION_TOLERANCE = Fraction(1, 4)
"""Source frames by which a frame may be late and still count as showing.

Clocks of a millisecond (WebM) put frames just after the time they are due; without this, equal
rates would repeat a frame and skip the next. A quarter, since a half is where 24 to 16 fps
lands on every other frame.
"""


@dataclass(frozen=True, kw_only=True)
class MediaSpec:
    """What plans depend on.

    Attributes
    ----------
    kind
        ``video`` or ``image``.
    width, height
        Pixels as displayed: rotated upright, pixels made square.
    fps
        Frames per second; 0 for an image; the mean where the rate varies.
    frames
        As decoded; 1 for an image.
    seconds
        From the first frame's appearance to the last one's end; 0 for an image. A float (from a
        database) and the exact fraction give the same plan.
    """

    kind: str
    width: int
    height: int
    fps: Fraction
    frames: int
    seconds: Fraction | float


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How renditions are presented. A change of what a profile does is a new version."""

    name: str
    version: int
    shape: Literal["square", "own"]
    """Cut to 1:1 about the centre, or left."""
    size: Literal["smaller", "own"]
    """Scaled to the smaller of the pair, or left."""
    length: Literal["shorter", "own"]
    """Trimmed about the centre to the shorter of the pair, or left."""
    rate: Literal["lower", "own"]
    """The lower of the pair by selecting frames, or left. Frames are never made up."""


PAIRWISE_MIN = Profile(
    name="pairwise-min", version=1, shape="square", size="smaller", length="shorter", rate="lower"
)
NATIVE = Profile(name="native", version=1, shape="own", size="own", length="own", rate="own")
PROFILES = {profile.name: profile for profile in (PAIRWISE_MIN, NATIVE)}


@dataclass(frozen=True)
class CropBox:
    """Pixels of the displayed picture that are kept; all four are even, as 4:2:0 asks."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class RenditionPlan:
    """What is made of one stimulus for one pair.

    Output frame k is the source frame showing at ``start + k / fps`` seconds after the first
    one's appearance, for k in 0 .. frames - 1.
    """

    profile: str
    kind: str
    crop: CropBox
    width: int
    height: int
    fps: Fraction
    frames: int
    start: Fraction
    """Seconds after the source's first frame."""
    tolerance: Fraction
    """Seconds by which a source frame may be late and still count as showing."""

    @property
    def seconds(self) -> Fraction:
        return self.frames / self.fps if self.fps else Fraction(0)

    @property
    def suffix(self) -> str:
        return ".mp4" if self.kind == "video" else ".png"

    @property
    def content_type(self) -> str:
        return "video/mp4" if self.kind == "video" else "image/png"

    @property
    def filters(self) -> str:
        """The plan in FFmpeg's words, for provenance."""
        crop, size = self.crop, f"{self.width}:{self.height}"
        picture = (
            f"crop={crop.width}:{crop.height}:{crop.left}:{crop.top},scale={size}:flags=bilinear"
        )
        if self.kind == "image":
            return picture
        return (
            f"trim=start={float(self.start):.6f}:duration={float(self.seconds):.6f},"
            f"select=showing at k/({self.fps}) for k<{self.frames},{picture},format=yuv420p"
        )

    def tick(self, index: int) -> Fraction:
        """When output frame `index` looks at the source: seconds after the source's first frame."""
        return self.start + index / self.fps if self.fps else self.start


def plan_rendition(own: MediaSpec, partner: MediaSpec, profile: Profile) -> RenditionPlan:
    """Decide what is made of `own` when it is compared with `partner`.

    Under `pairwise-min`, the plans of the two have equal width, height, fps and frames.

    Raises
    ------
    MediaError
        A clip with a picture, or so small, narrow or short that nothing would be left.
    """
    if own.kind != partner.kind:
        raise MediaError(
            "A clip and a still picture cannot be compared side by side: the motion alone would "
            "tell them apart. Give two clips or two pictures."
        )
    crop = crop_box(own, profile)
    width, height = output_size(crop, crop_box(partner, profile), profile)
    fps, frames, start = output_time(own, partner, profile)
    return RenditionPlan(
        profile=f"{profile.name}/{profile.version}",
        kind=own.kind,
        crop=crop,
        width=width,
        height=height,
        fps=fps,
        frames=frames,
        start=start,
        tolerance=SELECTION_TOLERANCE / own.fps if own.fps else Fraction(0),
    )


def crop_box(spec: MediaSpec, profile: Profile) -> CropBox:
    """What is kept of the picture: its central square, or all of it but an odd last row."""
    width, height = even(spec.width), even(spec.height)
    if profile.shape == "square":
        width = height = min(width, height)
    if min(width, height) < MIN_SIDE:
        raise MediaError(
            f"{spec.width}x{spec.height} is too narrow: under {MIN_SIDE} pixels a side there is "
            "nothing to judge. Use a larger one."
        )
    return CropBox(
        even((spec.width - width) // 2), even((spec.height - height) // 2), width, height
    )


def output_size(own: CropBox, partner: CropBox, profile: Profile) -> tuple[int, int]:
    if profile.size == "own":
        return own.width, own.height
    return min(own.width, partner.width), min(own.height, partner.height)


def output_time(
    own: MediaSpec, partner: MediaSpec, profile: Profile
) -> tuple[Fraction, int, Fraction]:
    """Frames per second, their number, and where in the source they start, in seconds."""
    if own.kind == "image":
        return Fraction(0), 1, Fraction(0)
    fps = min(own.fps, partner.fps) if profile.rate == "lower" else own.fps
    length = exact_seconds(own)
    seconds = min(length, exact_seconds(partner)) if profile.length == "shorter" else length
    frames = max(1, floor(seconds * fps + WHOLE_FRAME_TOLERANCE))
    return fps, frames, centred_start(length - frames / fps, own.fps)


def centred_start(spare_seconds: Fraction, fps: Fraction) -> Fraction:
    """Half of what is cut falls before, to a whole source frame: frames start where they did."""
    return floor(max(spare_seconds, Fraction(0)) * fps / 2) / fps


def exact_seconds(spec: MediaSpec) -> Fraction:
    """To the microsecond, so that a length kept as a float plans as it did when measured."""
    return Fraction(round(spec.seconds * 1_000_000), 1_000_000)


def even(pixels: int) -> int:
    return pixels - pixels % 2
