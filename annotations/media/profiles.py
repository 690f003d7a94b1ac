"""Presentation profiles: what is made equal between the two clips of a pair, and how.

`pairwise-min` is JUICE's rule (Emu Video, arXiv 2311.10709, appendix 4): every property is
brought to the smaller of the two, so that nothing but content tells the models apart. The others
answer those who object to it: Movie Gen (arXiv 2410.13720) keeps each model's frame rate, others
equalise the height only.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Literal

from annotations.media.errors import MediaError
from annotations.media.limits import MIN_SIDE

WHOLE_FRAME_TOLERANCE = Fraction(1, 1000)
"""Frames. Lengths come rounded to microseconds; 9.9999 frames are ten."""

CRF = 18
"""x264's constant rate factor of clips that keep within their bytes: hardly to be told from the
source."""
MAX_BYTES = 12_000_000
"""Of a clip, unless a study says otherwise: ten seconds of a line of 10 Mbit/s."""

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
        Frames per second; 0 for an image; where frames stay for unequal times, the rate whose
        ticks show each of them.
    frames
        As players show them; 1 for an image.
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
    has_audio: bool = False


@dataclass(frozen=True)
class Box:
    """Pixels of a picture; all four are even, as 4:2:0 asks."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class MaskArea:
    """A rectangle of the shown picture, in fractions of its width and height.

    It is covered on both sides, so that a watermark on one does not tell the models apart.
    """

    left: float
    top: float
    width: float
    height: float

    def in_pixels(self, width: int, height: int) -> Box:
        left, top = even(floor(self.left * width)), even(floor(self.top * height))
        right = even(ceil((self.left + self.width) * width) + 1)
        bottom = even(ceil((self.top + self.height) * height) + 1)
        return Box(left, top, min(right, width) - left, min(bottom, height) - top)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How renditions are presented. A change of what a profile does is a new version."""

    name: str
    version: int
    canvas: Literal["square", "tall", "fixed", "own"]
    """What raters see: the smaller square of the pair; the smaller height, as wide as the wider
    of the two; `width` x `height`; or each one's own size."""
    fit: Literal["crop", "pad", "letterbox"] = "crop"
    """How a picture of another shape comes into the canvas: cut about its centre, or whole with
    bars of the page's grey, or of black."""
    length: Literal["shorter", "own"] = "shorter"
    """Trimmed to the shorter of the pair, or left."""
    trim: Literal["centre", "head"] = "centre"
    """What is kept of the longer one: its middle, or its beginning."""
    rate: Literal["lower", "fixed", "own"] = "lower"
    """The lower of the pair or `fps`, by selecting frames, or left. Frames are never made up."""
    keeps_audio: bool = False
    """Sound on both sides at one loudness, if both have it; else on neither."""
    masks: tuple[MaskArea, ...] = ()
    width: int = 0
    height: int = 0
    fps: Fraction = Fraction(0)
    seconds: Fraction = Fraction(0)
    """At most; 0 for no bound."""
    max_bytes: int = MAX_BYTES
    """Of a clip as it is sent to raters."""


PAIRWISE_MIN = Profile(name="pairwise-min", version=1, canvas="square")
FIXED = Profile(name="fixed", version=1, canvas="fixed", rate="fixed")
EQUAL_HEIGHT = Profile(name="equal-height", version=1, canvas="tall", fit="letterbox", rate="own")
NATIVE = Profile(name="native", version=1, canvas="own", length="own", rate="own")
PROFILES = {profile.name: profile for profile in (PAIRWISE_MIN, FIXED, EQUAL_HEIGHT, NATIVE)}
BARS = {"pad": "0x3a3a3a", "letterbox": "0x000000", "crop": "0x000000"}
MASK_COLOUR = "0x808080"
SPOILT_FACTOR = 8
"""A degraded copy has this many times fewer pixels a side: plain to anyone who looks."""


@dataclass(frozen=True, kw_only=True)
class RenditionPlan:
    """What is made of one stimulus for one pair.

    Output frame k is the source frame showing at ``start + k / fps`` seconds after the first
    one's appearance, for k in 0 .. frames - 1. `crop` of it is scaled to `picture`, a place in
    the canvas of `width` x `height`; then `masks` are covered.
    """

    profile: str
    kind: str
    crop: Box
    picture: Box
    width: int
    height: int
    bars: str
    """Colour around the picture, as 0xRRGGBB."""
    masks: tuple[Box, ...]
    fps: Fraction
    frames: int
    start: Fraction
    """Seconds after the source's first frame."""
    tolerance: Fraction
    """Seconds by which a source frame may be late and still count as showing."""
    has_audio: bool
    max_bytes: int = MAX_BYTES
    """Quality gives way where the clip would take more."""
    spoilt: int = 0
    """The picture is shrunk and enlarged again by this factor: a degraded copy, for checks."""

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
    def has_bars(self) -> bool:
        return (self.picture.width, self.picture.height) != (self.width, self.height)

    @property
    def spoilt_size(self) -> tuple[int, int]:
        """Pixels that are left of a picture that is spoilt."""
        return max(2, self.picture.width // self.spoilt), max(2, self.picture.height // self.spoilt)

    @property
    def spoiling_steps(self) -> list[str]:
        if not self.spoilt:
            return []
        width, height = self.spoilt_size
        whole = f"{self.picture.width}:{self.picture.height}"
        return [f"scale={width}:{height}:flags=area", f"scale={whole}:flags=bilinear"]

    @property
    def filters(self) -> str:
        """The plan in FFmpeg's words, for provenance."""
        crop, inner = self.crop, self.picture
        steps = [
            f"crop={crop.width}:{crop.height}:{crop.left}:{crop.top}",
            f"scale={inner.width}:{inner.height}:flags=bilinear",
        ]
        steps += self.spoiling_steps
        if self.has_bars:
            steps.append(
                f"pad={self.width}:{self.height}:{inner.left}:{inner.top}:color={self.bars}"
            )
        steps += [
            f"drawbox={mask.left}:{mask.top}:{mask.width}:{mask.height}:{MASK_COLOUR}:fill"
            for mask in self.masks
        ]
        if self.kind == "image":
            return ",".join(steps)
        times = (
            f"trim=start={float(self.start):.6f}:duration={float(self.seconds):.6f},"
            f"select=showing at k/({self.fps}) for k<{self.frames}"
        )
        sound = ",loudnorm" if self.has_audio else ""
        return ",".join([times, *steps, "format=yuv420p"]) + sound

    def tick(self, index: int) -> Fraction:
        """When output frame `index` looks at the source: seconds after the source's first frame."""
        return self.start + index / self.fps if self.fps else self.start


def plan_rendition(own: MediaSpec, partner: MediaSpec, profile: Profile) -> RenditionPlan:
    """Decide what is made of `own` when it is compared with `partner`.

    Under `pairwise-min` and `fixed`, the plans of the two have equal width, height, fps and
    frames.

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
    width, height = canvas_size(own, partner, profile)
    crop, picture = placed(own, width, height, profile)
    fps, frames, start = output_time(own, partner, profile)
    is_video = own.kind == "video"
    return RenditionPlan(
        profile=f"{profile.name}/{profile.version}",
        kind=own.kind,
        crop=crop,
        picture=picture,
        width=width,
        height=height,
        bars=BARS[profile.fit],
        masks=tuple(mask.in_pixels(width, height) for mask in profile.masks),
        fps=fps,
        frames=frames,
        start=start,
        tolerance=SELECTION_TOLERANCE / own.fps if own.fps else Fraction(0),
        has_audio=is_video and profile.keeps_audio and own.has_audio and partner.has_audio,
        max_bytes=profile.max_bytes,
    )


def canvas_size(own: MediaSpec, partner: MediaSpec, profile: Profile) -> tuple[int, int]:
    """Width and height of what raters see."""
    for spec in (own, partner):
        if min(even(spec.width), even(spec.height)) < MIN_SIDE:
            raise MediaError(
                f"{spec.width}x{spec.height} is too narrow: under {MIN_SIDE} pixels a side there "
                "is nothing to judge. Use a larger one."
            )
    if profile.canvas == "fixed":
        return profile.width, profile.height
    if profile.canvas == "square":
        side = min(even(min(spec.width, spec.height)) for spec in (own, partner))
        return side, side
    if profile.canvas == "tall":
        height = min(even(spec.height) for spec in (own, partner))
        width = max(scaled(spec.width, height, spec.height) for spec in (own, partner))
        return width, height
    return even(own.width), even(own.height)


def placed(spec: MediaSpec, width: int, height: int, profile: Profile) -> tuple[Box, Box]:
    """What is kept of a picture, and where it lies in the canvas."""
    fills_width = spec.width * height >= spec.height * width
    if profile.fit == "crop":
        cut_width = scaled(spec.height, width, height) if fills_width else spec.width
        cut_height = spec.height if fills_width else scaled(spec.width, height, width)
        cut = centred(even(cut_width), even(cut_height), spec.width, spec.height)
        return cut, Box(0, 0, width, height)
    whole = Box(0, 0, even(spec.width), even(spec.height))
    inner_width = width if fills_width else scaled(spec.width, height, spec.height)
    inner_height = scaled(spec.height, width, spec.width) if fills_width else height
    return whole, centred(min(inner_width, width), min(inner_height, height), width, height)


def centred(width: int, height: int, outer_width: int, outer_height: int) -> Box:
    return Box(even((outer_width - width) // 2), even((outer_height - height) // 2), width, height)


def scaled(side: int, to: int, of: int) -> int:
    """`side` by the factor `to` / `of`, even and at least two pixels."""
    return max(even(round(Fraction(side * to, of))), 2)


def output_time(
    own: MediaSpec, partner: MediaSpec, profile: Profile
) -> tuple[Fraction, int, Fraction]:
    """Frames per second, their number, and where in the source they start, in seconds."""
    if own.kind == "image":
        return Fraction(0), 1, Fraction(0)
    fps = output_rate(own, partner, profile)
    length = exact_seconds(own)
    seconds = min(length, exact_seconds(partner)) if profile.length == "shorter" else length
    if profile.seconds:
        seconds = min(seconds, profile.seconds)
    frames = max(1, floor(seconds * fps + WHOLE_FRAME_TOLERANCE))
    if profile.trim == "head":
        return fps, frames, Fraction(0)
    return fps, frames, centred_start(length - frames / fps, own.fps)


def output_rate(own: MediaSpec, partner: MediaSpec, profile: Profile) -> Fraction:
    if profile.rate == "fixed":
        return profile.fps
    return min(own.fps, partner.fps) if profile.rate == "lower" else own.fps


def centred_start(spare_seconds: Fraction, fps: Fraction) -> Fraction:
    """Half of what is cut falls before, to a whole source frame: frames start where they did."""
    return floor(max(spare_seconds, Fraction(0)) * fps / 2) / fps


def exact_seconds(spec: MediaSpec) -> Fraction:
    """To the microsecond, so that a length kept as a float plans as it did when measured."""
    return Fraction(round(spec.seconds * 1_000_000), 1_000_000)


def even(pixels: int) -> int:
    return pixels - pixels % 2
