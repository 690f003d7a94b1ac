"""What an inspection says of a file."""

from __future__ import annotations

from dataclasses import dataclass

from annotations.media.profiles import MediaSpec


@dataclass(frozen=True)
class MediaInfo(MediaSpec):
    """What a file is. `fps`, `frames` and `seconds` are counted; see `MediaSpec`."""

    container: str
    codec: str
    pixel_format: str
    bytes: int
    sha256: str
    """Of the file."""
    frames_sha256: str
    """Of the decoded frames as 8-bit RGB: equal for equal pictures in different files."""
    warnings: tuple[str, ...] = ()
    """Codes of what an owner may want to look at; see `annotations.media.warnings`."""
