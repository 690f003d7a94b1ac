"""The colours of a clip's frames: said outright where the file left them open, or refused."""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc
from PIL import Image

from annotations.media.errors import MediaError
from annotations.media.pictures import over_grey

HD_HEIGHT = 720
"""Rows from which browsers take untagged video for BT.709 and not BT.601."""
RGB, BT709, BT601 = 0, 1, 5
"""Matrices here and below are numbered as in ITU-T H.273, table 4."""
MATRICES = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020"}
SPACES = {"bt601": "smpte170m", "bt2020": "bt2020ncl"}
"""Where the filter `colorspace` has another name for a matrix than `scale`."""
STRANGE_MATRICES = {
    8: "YCgCo",
    10: "BT.2020 of constant luminance",
    11: "SMPTE 2085",
    12: "a matrix that follows from its primaries",
    13: "a matrix that follows from its primaries",
    14: "ICtCp",
    15: "IPT",
    16: "YCgCo-Re",
    17: "YCgCo-Ro",
}
HDR_TRANSFERS = {ColorTrc.SMPTE2084: "PQ", ColorTrc.ARIB_STD_B67: "HLG"}
STRANGE_TRANSFERS = {
    ColorTrc.LINEAR: "linear light",
    ColorTrc.LOG: "logarithmic light",
    ColorTrc.LOG_SQRT: "logarithmic light",
}
WIDE_PRIMARIES: dict[int, str] = {
    ColorPrimaries.BT2020: "bt2020",
    ColorPrimaries.SMPTE431: "smpte431",
    ColorPrimaries.SMPTE432: "smpte432",
}
TO_SDR = "ffmpeg -i clip.mp4 -vf zscale=t=linear:npl=100,tonemap=hable,zscale=p=709:t=709:m=709"
TO_709 = "ffmpeg -i clip.mp4 -vf scale=out_color_matrix=bt709,format=yuv420p -colorspace bt709"


def check_colours(picture: av.VideoFrame) -> None:
    """Refuse what cannot be brought to BT.709 without guessing.

    Raises
    ------
    MediaError
        HDR, and codings of colour that players do not agree about; with the way to convert it.
    """
    transfer, matrix = picture.color_trc, int(picture.colorspace)
    if transfer in HDR_TRANSFERS:
        raise MediaError(
            f"The clip is HDR ({HDR_TRANSFERS[ColorTrc(transfer)]}). Shown on ordinary "
            "screens its colours would be wrong, and the vote with them. Export it as SDR "
            f"(BT.709), for example with: {TO_SDR} out.mp4"
        )
    strange = STRANGE_TRANSFERS.get(ColorTrc(transfer)) if transfer in STRANGE_TRANSFERS else None
    if not picture.format.is_rgb:
        strange = strange or STRANGE_MATRICES.get(matrix)
    if strange:
        raise MediaError(
            f"The clip's colours are coded as {strange}, which players show differently. Export "
            f"it as BT.709, for example with: {TO_709} out.mp4"
        )


def described(picture: av.VideoFrame) -> av.VideoFrame:
    """The frame with its range and matrix said outright where the file left them open."""
    if picture.format.is_rgb:
        picture.color_range, picture.colorspace = ColorRange.JPEG, RGB
        return picture
    if picture.color_range == ColorRange.UNSPECIFIED:
        full = picture.format.name.startswith("yuvj")
        picture.color_range = ColorRange.JPEG if full else ColorRange.MPEG
    if picture.colorspace not in MATRICES:
        picture.colorspace = BT709 if picture.height >= HD_HEIGHT else BT601
    return picture


def opaque(picture: av.VideoFrame) -> av.VideoFrame:
    """The frame over grey when it has an alpha channel; else the frame itself."""
    if not has_alpha(picture):
        return picture
    colours = described(picture)
    shown = colours.reformat(format="rgba", src_colorspace=colours.colorspace, threads=1)
    flat = over_grey(Image.fromarray(shown.to_ndarray()))
    replaced = av.VideoFrame.from_ndarray(np.asarray(flat), format="rgb24")
    replaced.pts, replaced.time_base = picture.pts, picture.time_base
    replaced.color_primaries, replaced.color_trc = picture.color_primaries, picture.color_trc
    return replaced


def has_alpha(picture: av.VideoFrame) -> bool:
    return any(component.is_alpha for component in picture.format.components)


def to_bt709(picture: av.VideoFrame, scale: str) -> list[str]:
    """The filters that bring a described frame to BT.709, limited range, as it is scaled.

    Wider primaries are narrowed with the curve kept, so that greys stay as they are.
    """
    own = "" if picture.format.is_rgb else MATRICES[picture.colorspace]
    entry = f":in_color_matrix={own}" if own else ""
    primaries = WIDE_PRIMARIES.get(int(picture.color_primaries))
    if primaries is None:
        return [f"{scale}{entry}:out_color_matrix=bt709:out_range=tv"]
    matrix = own or "bt709"
    curve = "srgb" if picture.color_trc == ColorTrc.IEC61966_2_1 else "bt709"
    return [
        f"{scale}{entry}:out_color_matrix={matrix}:out_range=tv",
        "format=yuv444p10le",
        f"colorspace=ispace={SPACES.get(matrix, matrix)}:iprimaries={primaries}:itrc={curve}"
        f":irange=tv:space=bt709:primaries=bt709:trc={curve}:range=tv:format=yuv444p10",
    ]
