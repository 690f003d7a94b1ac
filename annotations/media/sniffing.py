"""What a file is by its first bytes; its name is not asked."""

from __future__ import annotations

from pathlib import Path

from annotations.media.errors import MediaError

ISO_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
STILL_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"}
CODED_ANEW = "ffmpeg -i {file} -c:v libx264 -crf 12 -pix_fmt yuv420p clip.mp4"
REPACKED = "ffmpeg -i {file} -c copy clip.mp4"
TO_PNG = "ffmpeg -i {file} picture.png"
OTHERS: tuple[tuple[int, bytes, str, str], ...] = (
    (8, b"AVI ", "an AVI film", CODED_ANEW.format(file="clip.avi")),
    (0, b"FLV\x01", "a Flash film (FLV)", CODED_ANEW.format(file="clip.flv")),
    (0, b"\x30\x26\xb2\x75", "a Windows Media film (WMV)", CODED_ANEW.format(file="clip.wmv")),
    (0, b"OggS", "an Ogg film", CODED_ANEW.format(file="clip.ogv")),
    (0, b"\x00\x00\x01\xba", "an MPEG program stream", CODED_ANEW.format(file="clip.mpg")),
    (0, b"\x00\x00\x01\xb3", "bare MPEG video", CODED_ANEW.format(file="clip.m2v")),
    (0, b"\x06\x0e\x2b\x34", "an MXF film", CODED_ANEW.format(file="clip.mxf")),
    (0, b"YUV4MPEG2", "uncoded video (Y4M)", CODED_ANEW.format(file="clip.y4m")),
    (0, b"\x00\x00\x00\x01", "bare H.264 or HEVC", REPACKED.format(file="clip.h264")),
    (0, b"BM", "a BMP picture", TO_PNG.format(file="picture.bmp")),
    (0, b"II*\0", "a TIFF picture", TO_PNG.format(file="picture.tiff")),
    (0, b"MM\0*", "a TIFF picture", TO_PNG.format(file="picture.tiff")),
    (0, b"\xff\x0a", "a JPEG XL picture", TO_PNG.format(file="picture.jxl")),
    (4, b"JXL ", "a JPEG XL picture", TO_PNG.format(file="picture.jxl")),
    (0, b"PK\x03\x04", "a ZIP archive", ""),
)
"""Where what stands, what that is, and what makes of it a file that is taken."""
TS_PACKET, TS_SYNC = 188, 0x47
"""ISO 13818-1; discs put four bytes before each packet."""
HEAD_BYTES = 2 * 192
MATROSKA_MAGIC = b"\x1a\x45\xdf\xa3"


def sniff_container(path: Path) -> str:
    """The container by content.

    Returns
    -------
    str
        ``mp4`` (also QuickTime), ``webm``, ``matroska``, ``gif``, ``webp``, ``png`` or ``jpeg``.

    Raises
    ------
    MediaError
        Anything else: text, playlists, archives, other pictures.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    container = container_of(head)
    if container is None:
        raise MediaError(
            f"This is neither a video nor a picture that can be judged: its content {seen(head)}, "
            "whatever its name says. Give an MP4, WebM, MKV, GIF, WebP, PNG or JPEG file."
            + remedy(head)
        )
    return container


def container_of(head: bytes) -> str | None:
    """The container that starts with these bytes, if it is one that is taken."""
    if head[4:8] in ISO_BOXES:
        return None if head[8:12] in STILL_BRANDS else "mp4"
    if head.startswith(MATROSKA_MAGIC):
        return "webm" if b"webm" in head else "matroska"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    return "jpeg" if head.startswith(b"\xff\xd8\xff") else None


def seen(head: bytes) -> str:
    """What the bytes look like, for a message."""
    if head[4:8] in ISO_BOXES:
        return "is an AVIF or HEIC picture"
    known = other_kind(head)
    if known is not None:
        return f"is {known[0]}"
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head[:64]):
        return "is text"
    return f"starts with the bytes {head[:8].hex(' ')}"


def remedy(head: bytes) -> str:
    """How to make a file that is taken, as a sentence, where it is known."""
    known = other_kind(head)
    if known is None or not known[1]:
        return ""
    return f" For example with: {known[1]}"


def other_kind(head: bytes) -> tuple[str, str] | None:
    """The name of a kind of file that is not taken, and what converts it."""
    for extra in (0, 4):
        packets = head[extra :: TS_PACKET + extra][:2]
        if packets == bytes([TS_SYNC, TS_SYNC]):
            return "an MPEG transport stream (TS)", REPACKED.format(file="clip.ts")
    for at, magic, name, way in OTHERS:
        if head[at : at + len(magic)] == magic:
            return name, way
    return None
