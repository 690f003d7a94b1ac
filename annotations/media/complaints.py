"""What FFmpeg complains of while it decodes, and whether any frame is the worse for it.

Decoders conceal damage: frames come out whole in number, and only the log tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import av.logging

from annotations.media.frames import Source
from annotations.media.sources import DEMUXERS, only_video_stream, open_container

SLICES = {"h264": range(1, 6), "hevc": range(32)}
"""Types of the units that hold pictures: H.264, table 7-1, and H.265, table 7-1."""
LENGTH_SIZE_AT = {"h264": 4, "hevc": 21}
"""Where avcC and hvcC (ISO 14496-15) say how long the lengths of units are."""

Complaint = tuple[int, str, str]
"""Level, who, what."""


@contextmanager
def listening() -> Iterator[list[Complaint]]:
    """Collect what FFmpeg logs as errors on this thread."""
    level, skips = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture(local=True) as logged:
            yield logged
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skips)


def tell_damage(source: Source, path: Path, container: str, complaints: list[Complaint]) -> bool:
    """Whether complaints are about frames.

    A file with an index tells by itself what is missing, so its demuxer need not be heard.
    """
    unheard = DEMUXERS.get(container, "") if source.promised else ""
    heard = {who for _, who, _ in complaints if unheard not in who.split(",")}
    if heard == {source.header.codec}:
        return slices_are_damaged(path, container)
    return bool(heard)


def slices_are_damaged(path: Path, container: str) -> bool:
    """Decode once more, and hear only what is said of pictures.

    Encoders leave parameter sets and messages that nobody can read; as long as no picture needs
    them, every player shows the clip as it is. Codecs without such units are not tried again.
    """
    with open_container(path, container) as opened:
        stream = only_video_stream(opened)
        decoder = stream.codec_context
        codec = decoder.codec.canonical_name
        setup = decoder.extradata or b""
        if codec not in SLICES or setup[:1] != b"\x01" or len(setup) <= LENGTH_SIZE_AT[codec]:
            return True
        length_size = (setup[LENGTH_SIZE_AT[codec]] & 3) + 1
        decoder.thread_count = 1
        decoder.open(strict=False)
        with listening() as logged:
            for packet in opened.demux(stream):
                others, slices = parted(bytes(packet), codec, length_size)
                with suppress(av.FFmpegError):
                    decode_units(decoder, others)
                logged.clear()
                try:
                    decode_units(decoder, slices)
                except av.FFmpegError:
                    return True
                if logged:
                    return True
    return False


def decode_units(decoder: av.VideoCodecContext, units: bytes) -> None:
    if units:
        decoder.decode(av.Packet(units))


def parted(content: bytes, codec: str, length_size: int) -> tuple[bytes, bytes]:
    """The units of a packet that hold no pictures, and those that do."""
    others: list[bytes] = []
    slices: list[bytes] = []
    at = 0
    while at + length_size < len(content):
        end = at + length_size + int.from_bytes(content[at : at + length_size])
        head = content[at + length_size]
        kind = head & 31 if codec == "h264" else head >> 1 & 63
        (slices if kind in SLICES[codec] else others).append(content[at:end])
        at = end
    return b"".join(others), b"".join(slices)
