"""What a file is by its first bytes; its name is not asked."""

from __future__ import annotations

from pathlib import Path

from annotations.media.errors import MediaError

ISO_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
STILL_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"}
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
        head = file.read(64)
    container = container_of(head)
    if container is None:
        raise MediaError(
            f"This is neither a video nor a picture that can be judged: its content {seen(head)}, "
            "whatever its name says. Give an MP4, WebM, MKV, GIF, WebP, PNG or JPEG file."
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
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return "is text"
    return f"starts with the bytes {head[:8].hex(' ')}"
