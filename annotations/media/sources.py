"""Open a clip and read its frames in order of presentation, whatever decodes it.

MP4, Matroska and GIF go through FFmpeg with the demuxer named and only the file protocol
allowed: a playlist or an `http:` reference inside a file leads nowhere. Animated WebP and PNG
go through Pillow, as FFmpeg decodes neither in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.reformatter import ColorTrc
from av.video.stream import VideoStream
from PIL import Image

from annotations.media.errors import MediaError
from annotations.media.pictures import UNREADABLE, frame_count, open_still

DEMUXERS = {"mp4": "mov", "webm": "matroska", "matroska": "matroska", "gif": "gif"}
CODECS = {"h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "prores", "mjpeg", "gif"}
HDR_TRANSFERS = {ColorTrc.SMPTE2084: "PQ", ColorTrc.ARIB_STD_B67: "HLG"}
ANIMATION_DEFAULT = Fraction(1, 10)
"""Seconds a frame is shown when an animated picture states 10 ms or less, as browsers do."""

DAMAGED = (
    "This file is damaged and cannot be decoded to its end ({detail}). Raters would see broken "
    "frames or none. Export or download it again."
)


@dataclass(frozen=True)
class Header:
    """What the file says of itself before any frame is decoded. Sizes are as coded."""

    codec: str
    width: int
    height: int
    pixel_format: str
    sample_aspect: Fraction
    fps: Fraction
    frames: int
    """0 when the container does not say."""
    seconds: Fraction
    """0 when the container does not say."""
    has_audio: bool


@dataclass(frozen=True)
class TimedFrame:
    """A decoded frame, when it appears on the file's clock and for how long (0: unknown)."""

    at: Fraction
    seconds: Fraction
    picture: av.VideoFrame

    @property
    def quarter_turns(self) -> int:
        """Clockwise quarter turns that bring the picture upright."""
        return round(-self.picture.rotation / 90) % 4

    def displayed_size(self, sample_aspect: Fraction) -> tuple[int, int]:
        """Width and height after square pixels and rotation."""
        width = round(self.picture.width * sample_aspect)
        height = self.picture.height
        return (height, width) if self.quarter_turns % 2 else (width, height)


@dataclass(frozen=True)
class Source:
    """An opened clip; `frames` can be read once."""

    header: Header
    frames: Iterator[TimedFrame]


@contextmanager
def open_source(path: Path, container: str) -> Iterator[Source]:
    """Open a clip whose container is known by its content.

    Raises
    ------
    MediaError
        No video stream, more than one, a codec that is not taken, HDR, or broken data; broken
        data may show only while frames are read.
    """
    if container not in DEMUXERS:
        with open_still(path, container) as image:
            yield Source(animation_header(image, container), animation_frames(image))
        return
    with open_container(path, container) as opened:
        stream = only_video_stream(opened)
        header = stream_header(opened, stream)
        yield Source(header, decoded_frames(opened, stream))


@contextmanager
def damage_reported() -> Iterator[None]:
    """Turn what FFmpeg raises about broken data into words."""
    try:
        yield
    except av.FFmpegError as error:
        raise MediaError(DAMAGED.format(detail=error.strerror)) from error


def open_container(path: Path, container: str) -> InputContainer:
    with damage_reported():
        return av.open(
            str(path.resolve()),
            mode="r",
            format=DEMUXERS[container],
            container_options={"protocol_whitelist": "file"},
            metadata_errors="replace",
        )


def only_video_stream(opened: InputContainer) -> VideoStream:
    """The one video stream; cover art does not count."""
    cover = av.stream.Disposition.attached_pic
    streams = [stream for stream in opened.streams.video if not stream.disposition & cover]
    if not streams and opened.streams.audio:
        raise MediaError("This file has sound but no picture. Give the clip with its video track.")
    if len(streams) != 1:
        raise MediaError(
            f"This file has {len(streams)} video tracks; with other than one it is not clear "
            "what raters should see. Export it with one video track."
        )
    return streams[0]


def stream_header(opened: InputContainer, stream: VideoStream) -> Header:
    """Read the header of a stream.

    Raises
    ------
    MediaError
        The codec is not taken.
    """
    context = stream.codec_context
    codec = context.codec.canonical_name if context else "something unknown"
    if codec not in CODECS:
        raise MediaError(
            f"The video is coded as {codec}, which is not taken. "
            "Export it as H.264, HEVC, AV1, VP8 or VP9."
        )
    return Header(
        codec=codec,
        width=context.width,
        height=context.height,
        pixel_format=context.pix_fmt or "unknown",
        sample_aspect=stream.sample_aspect_ratio or Fraction(1),
        fps=stream.average_rate or Fraction(0),
        frames=stream.frames,
        seconds=header_seconds(opened, stream),
        has_audio=bool(opened.streams.audio),
    )


def header_seconds(opened: InputContainer, stream: VideoStream) -> Fraction:
    """The stream's length; the container's only without sound, which may be longer."""
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    if opened.duration and not opened.streams.audio:
        return Fraction(opened.duration, av.time_base)
    return Fraction(0)


def decoded_frames(opened: InputContainer, stream: VideoStream) -> Iterator[TimedFrame]:
    """Every frame of the stream, decoded on one thread so that its errors are ours to hear."""
    decoder = decoder_for(stream)
    decoder.thread_count = 1
    with damage_reported():
        for packet in opened.demux(stream):
            for picture in decoder.decode(packet):
                yield timed(picture, stream)


def decoder_for(stream: VideoStream) -> av.VideoCodecContext:
    """The stream's own decoder, but libvpx for WebM with alpha, which FFmpeg's own ignores."""
    codec = stream.codec_context.codec.canonical_name
    if codec in {"vp8", "vp9"} and stream.metadata.get("alpha_mode") == "1":
        libvpx = av.CodecContext.create("libvpx" if codec == "vp8" else "libvpx-vp9", "r")
        assert isinstance(libvpx, av.VideoCodecContext)  # noqa: S101
        return libvpx
    return stream.codec_context


def timed(picture: av.VideoFrame, stream: VideoStream) -> TimedFrame:
    if picture.color_trc in HDR_TRANSFERS:
        raise MediaError(
            f"The clip is HDR ({HDR_TRANSFERS[ColorTrc(picture.color_trc)]}). Shown on ordinary "
            "screens its colours would be wrong, and the vote with them. Export it as SDR (BT.709)."
        )
    if picture.pts is None or stream.time_base is None:
        raise MediaError(DAMAGED.format(detail="a frame without a time"))
    time_base = picture.time_base or stream.time_base
    return TimedFrame(picture.pts * time_base, (picture.duration or 0) * time_base, picture)


def animation_header(image: Image.Image, container: str) -> Header:
    return Header(
        codec=container,
        width=image.width,
        height=image.height,
        pixel_format=image.mode.lower(),
        sample_aspect=Fraction(1),
        fps=Fraction(0),
        frames=frame_count(image),
        seconds=Fraction(0),
        has_audio=False,
    )


def animation_frames(image: Image.Image) -> Iterator[TimedFrame]:
    """Every frame of an animated WebP or PNG."""
    at = Fraction(0)
    for index in range(frame_count(image)):
        try:
            image.seek(index)
            picture = av.VideoFrame.from_image(image.convert("RGBA"))  # type: ignore[no-untyped-call]
        except UNREADABLE as error:
            raise MediaError(DAMAGED.format(detail=error)) from error
        seconds = shown_for(image)
        yield TimedFrame(at, seconds, picture)
        at += seconds


def shown_for(image: Image.Image) -> Fraction:
    """Seconds the current frame of an animated picture is shown."""
    milliseconds = Fraction(image.info.get("duration", 0))
    return milliseconds / 1000 if milliseconds > 10 else ANIMATION_DEFAULT
