"""Still pictures through Pillow, brought to what a rater would see: upright, sRGB, opaque."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageCms, ImageOps

from annotations.media.errors import MediaError

GREY = (128, 128, 128)
"""What shows through transparent pixels: neutral, so that it favours no picture."""


UNREADABLE = (OSError, EOFError, SyntaxError, ValueError, IndexError, struct.error)
"""What Pillow's readers raise on broken data, GIF's the last two."""


def open_still(path: Path, container: str) -> Image.Image:
    """Open a picture, its pixels not yet decoded.

    Raises
    ------
    MediaError
        The header is broken.
    """
    try:
        return Image.open(path, formats=[container])
    except Image.DecompressionBombError as error:
        raise MediaError(
            f"This picture is too large to decode ({error}). Scale it down."
        ) from error
    except UNREADABLE as error:
        raise MediaError(
            f"This {container.upper()} picture cannot be opened ({error}). Export it again."
        ) from error


def frame_count(image: Image.Image) -> int:
    """How many frames a picture holds. A JPEG with a preview inside has one.

    Raises
    ------
    MediaError
        Broken data is met on the way to the last.
    """
    try:
        return 1 if image.format in {"JPEG", "MPO"} else getattr(image, "n_frames", 1)
    except UNREADABLE as error:
        raise MediaError(
            f"This {image.format} picture is damaged ({error}). Export it again."
        ) from error


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
        raise MediaError(
            f"This picture is damaged ({error}): part of it would be missing. Export it again."
        ) from error
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


def opaque(picture: av.VideoFrame) -> av.VideoFrame:
    """The frame over grey when it has an alpha channel; else the frame itself."""
    if not has_alpha(picture):
        return picture
    flat = over_grey(Image.fromarray(picture.reformat(format="rgba").to_ndarray()))
    replaced = av.VideoFrame.from_ndarray(np.asarray(flat), format="rgb24")
    replaced.pts, replaced.time_base = picture.pts, picture.time_base
    return replaced


def has_alpha(picture: av.VideoFrame) -> bool:
    return any(component.is_alpha for component in picture.format.components)
