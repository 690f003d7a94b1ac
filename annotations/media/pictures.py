"""Still pictures through Pillow, brought to what a rater would see: upright, sRGB, opaque."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from annotations.media.errors import MediaError

GREY = (128, 128, 128)
"""What shows through transparent pixels: neutral, so that it favours no picture."""


UNREADABLE = (OSError, EOFError, SyntaxError, ValueError, IndexError, struct.error)
"""What Pillow's readers raise on broken data, GIF's the last two."""
MISSING_PART = "This picture is damaged: part of it would be missing. Export it again."


PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
PNG_TEXT = {b"tEXt", b"zTXt", b"iTXt"}


def open_still(path: Path, container: str) -> Image.Image:
    """Open a picture, its pixels not yet decoded.

    Raises
    ------
    MediaError
        The header is broken.
    """
    try:
        source = io.BytesIO(without_text(path.read_bytes())) if container == "png" else path
        return Image.open(source, formats=[container])
    except Image.DecompressionBombError as error:
        raise MediaError(
            "This picture has more pixels than can be decoded safely. Scale it down."
        ) from error
    except UNREADABLE as error:
        raise MediaError(
            f"This {container.upper()} picture cannot be opened: its header is broken. "
            "Export it again."
        ) from error


def without_text(content: bytes) -> bytes:
    """A PNG less its text chunks: workflows in them may be larger than Pillow reads."""
    kept, at = [PNG_MAGIC], len(PNG_MAGIC)
    while at < len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4])
        if content[at + 4 : at + 8] not in PNG_TEXT:
            kept.append(content[at:end])
        at = end
    return b"".join(kept)


def shown_frames(image: Image.Image) -> range:
    """The numbers of the frames that are shown. A JPEG with a preview inside has one.

    The first picture of an animated PNG may be for programs that know no animation.

    Raises
    ------
    MediaError
        Broken data is met on the way to the last.
    """
    if image.format in {"JPEG", "MPO"}:
        return range(1)
    try:
        frames = getattr(image, "n_frames", 1)
    except UNREADABLE as error:
        raise MediaError(f"This {image.format} picture is damaged. Export it again.") from error
    return range(1 if getattr(image, "default_image", False) else 0, frames)


def still_as_seen(image: Image.Image) -> Image.Image:
    """A picture with one frame, as seen; see `as_seen`."""
    first = shown_frames(image).start
    if first:
        seek(image, first)
    return as_seen(image)


def seek(image: Image.Image, number: int) -> None:
    """Go to a frame.

    Raises
    ------
    MediaError
        It cannot be found.
    """
    try:
        image.seek(number)
    except UNREADABLE as error:
        raise MediaError(MISSING_PART) from error


def as_seen(image: Image.Image) -> Image.Image:
    """The picture upright, in sRGB, over grey, eight bits a channel.

    Raises
    ------
    MediaError
        The pixels cannot be decoded.
    """
    try:
        image.load()
    except UNREADABLE as error:
        raise MediaError(MISSING_PART) from error
    return over_grey(to_srgb(eight_bits(ImageOps.exif_transpose(image))))


def eight_bits(image: Image.Image) -> Image.Image:
    """Sixteen-bit greys scaled down, where Pillow's own conversion would clip them."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))


def to_srgb(image: Image.Image) -> Image.Image:
    """Through the embedded colour profile if there is a usable one."""
    profile = image.info.get("icc_profile")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if not profile or image.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        return image.convert(mode)
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode=mode if image.mode in {"RGB", "RGBA"} else "RGB",
        )
    except ImageCms.PyCMSError:
        return image.convert(mode)
    return converted if converted is not None else image.convert(mode)


def over_grey(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, (*GREY, 255))
    return Image.alpha_composite(ground, image).convert("RGB")
