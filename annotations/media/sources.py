"""Open a clip and read its frames in order of presentation, whatever decodes it.

MP4, Matroska and GIF go through FFmpeg with the demuxer named and only the file protocol
allowed: a playlist or an `http:` reference inside a file leads nowhere. Animated WebP and PNG
go through Pillow, as FFmpeg decodes neither in full. Frames are those that players show: what an
edit list hides is decoded where others need it, and left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from annotations.media.animations import animation_frames, animation_header, with_browsers_delays
from annotations.media.colours import check_colours
from annotations.media.errors import MediaError
from annotations.media.frames import Header, Source, TimedFrame
from annotations.media.pictures import open_still

DEMUXERS = {"mp4": "mov", "webm": "matroska", "matroska": "matroska", "gif": "gif"}
CODECS = {"h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "prores", "mjpeg", "gif"}
DOLBY_VISION_TAGS = {"dvh1", "dvhe", "dva1", "dvav", "dav1"}
DAMAGED = (
    "This file is damaged and cannot be decoded to its end. Raters would see broken frames or "
    "none. Export or download it again."
)


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
        source = Source(stream_header(opened, stream), iter(()), promised=samples(opened, stream))
        frames = decoded_frames(opened, stream, source)
        source.frames = with_browsers_delays(frames) if container == "gif" else frames
        yield source


@contextmanager
def damage_reported() -> Iterator[None]:
    """Turn what FFmpeg raises about broken data into words."""
    try:
        yield
    except av.FFmpegError as error:
        raise MediaError(DAMAGED) from error


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
            "Export it as H.264, HEVC, AV1, VP8 or VP9, for example with: "
            "ffmpeg -i clip -c:v libx264 -crf 12 -pix_fmt yuv420p clip.mp4"
        )
    if context.codec_tag.lower() in DOLBY_VISION_TAGS:
        raise MediaError(
            "The clip is HDR (Dolby Vision). Shown on ordinary screens its colours would be "
            "wrong, and the vote with them. Export it as SDR (BT.709)."
        )
    return Header(
        codec=codec,
        width=context.width,
        height=context.height,
        pixel_format=context.pix_fmt or "unknown",
        sample_aspect=stream.sample_aspect_ratio or Fraction(1),
        rates=tuple(rate for rate in (stream.average_rate, stream.guessed_rate) if rate),
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


def decoded_frames(
    opened: InputContainer, stream: VideoStream, source: Source
) -> Iterator[TimedFrame]:
    """Every frame that is shown, decoded on one thread so that its errors are ours to hear."""
    decoder = decoder_for(stream)
    decoder.thread_count = 1
    whole = 0
    with damage_reported():
        for packet in opened.demux(stream):
            whole += packet.size > 0 and not packet.is_corrupt
            for picture in decoder.decode(packet):
                yield timed(picture, stream)
    source.promised = samples(opened, stream)
    source.missing = source.promised - whole


def samples(opened: InputContainer, stream: VideoStream) -> int:
    """How many samples an MP4's index names by now: that of a fragmented one grows."""
    return len(stream.index_entries) if DEMUXERS["mp4"] in opened.format.name.split(",") else 0


def decoder_for(stream: VideoStream) -> av.VideoCodecContext:
    """The stream's own decoder, but libvpx for WebM with alpha, which FFmpeg's own ignores."""
    codec = stream.codec_context.codec.canonical_name
    if codec in {"vp8", "vp9"} and stream.metadata.get("alpha_mode") == "1":
        libvpx = av.CodecContext.create("libvpx" if codec == "vp8" else "libvpx-vp9", "r")
        assert isinstance(libvpx, av.VideoCodecContext)  # noqa: S101
        return libvpx
    return stream.codec_context


def timed(picture: av.VideoFrame, stream: VideoStream) -> TimedFrame:
    check_colours(picture)
    if picture.pts is None or stream.time_base is None:
        raise MediaError(DAMAGED)
    time_base = picture.time_base or stream.time_base
    return TimedFrame(picture.pts * time_base, (picture.duration or 0) * time_base, picture)
