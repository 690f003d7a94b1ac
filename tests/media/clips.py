"""Small clips made on the spot, for any test that needs a file."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorRange
from PIL import Image

Paint = Callable[[int, int, int], np.ndarray]
"""Frame number, width, height to RGB of shape (height, width, 3) or RGBA (…, 4)."""

LOSSLESS = {
    "libx264": {"crf": "0", "preset": "ultrafast"},
    "libx265": {"x265-params": "lossless=1:log-level=none"},
}


def moving_box(index: int, width: int, height: int) -> np.ndarray:
    """A gradient with a bright box that moves with the frame number."""
    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.stack(
        [rows * 200 // height, columns * 200 // width, np.full_like(rows, 90)], axis=-1
    ).astype(np.uint8)
    side, left = min(width, height) // 4, (index * 3) % max(1, width - width // 4)
    picture[side : 2 * side, left : left + side] = (240, 220, 60)
    return picture


def numbered(index: int, width: int, height: int) -> np.ndarray:
    """Grey whose level tells the frame number: `number_of` reads it back. Up to 50 frames."""
    return np.full((height, width, 3), 20 + index * 4, np.uint8)


def number_of(picture: np.ndarray) -> int:
    """The frame number painted by `numbered`."""
    return round((float(picture.mean()) - 20) / 4)


def plain(*colour: int) -> Paint:
    """Every frame in one colour, RGB or RGBA."""
    return lambda _index, width, height: np.full((height, width, len(colour)), colour, np.uint8)


def make_clip(
    path: Path,
    *,
    width: int = 64,
    height: int = 48,
    fps: Fraction | int = 8,
    frames: int = 16,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    container: str | None = None,
    paint: Paint = moving_box,
    times: Sequence[Fraction] | None = None,
    rotation: int = 0,
    sample_aspect: Fraction | None = None,
    full_range: bool = False,
    matrix: str | None = None,
    tags: dict[str, int] | None = None,
    metadata: dict[str, str] | None = None,
    audio: bool = False,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a clip and return its path.

    `times` are the frames' presentation times in seconds (a variable rate); `rotation` is in
    degrees clockwise, a multiple of 90, for MP4 only. `matrix` is that of the colours, as PyAV
    names it; `tags` are what the stream says of them (color_trc, colorspace, color_primaries).
    """
    rate = Fraction(fps)
    with av.open(str(path), "w", format=container, container_options=faststart(path)) as output:
        output.metadata.update(metadata or {})
        stream = output.add_stream(codec, rate=rate, options=options or LOSSLESS.get(codec, {}))
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        context = stream.codec_context
        if sample_aspect:
            context.sample_aspect_ratio = sample_aspect
        if full_range:
            context.color_range = ColorRange.JPEG
        for name, value in (tags or {}).items():
            setattr(context, name, value)
        time_base = Fraction(1, 1000) if times else 1 / rate
        context.time_base = time_base
        sound = output.add_stream("aac", rate=16000) if audio else None
        for index in range(frames):
            frame = painted(paint(index, width, height), pixel_format, full_range, matrix)
            frame.pts = round(times[index] / time_base) if times else index
            frame.time_base = time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if sound is not None:
            add_tone(output, sound, seconds=frames / rate)
    if rotation:
        rotate(path, rotation)
    return path


def make_sound(path: Path) -> Path:
    """A file with a tone and no picture."""
    with av.open(str(path), "w") as output:
        add_tone(output, output.add_stream("aac", rate=16000), seconds=Fraction(1))
    return path


def make_animation(path: Path, *, frames: int = 5, milliseconds: int = 100) -> Path:
    """An animated GIF, WebP or PNG of 64x48, by the name's ending."""
    pictures = [Image.fromarray(moving_box(index, 64, 48)) for index in range(frames)]
    options = {"save_all": True, "append_images": pictures[1:], "duration": milliseconds}
    pictures[0].save(path, **options, loop=0)
    return path


def make_still(path: Path, *, width: int = 64, height: int = 48, **options: object) -> Path:
    """A picture, by the name's ending."""
    Image.fromarray(moving_box(0, width, height)).save(path, **options)
    return path


def pictures_of(path: Path) -> list[np.ndarray]:
    """Every frame of a clip as RGB."""
    with av.open(str(path)) as opened:
        return [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]


def faststart(path: Path) -> dict[str, str]:
    return {"movflags": "+faststart"} if path.suffix in {".mp4", ".mov"} else {}


def painted(
    picture: np.ndarray, pixel_format: str, full_range: bool, matrix: str | None = None
) -> av.VideoFrame:
    source = "rgba" if picture.shape[2] == 4 else "rgb24"
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=source)
    to_range = ColorRange.JPEG if full_range else ColorRange.MPEG
    return frame.reformat(format=pixel_format, dst_color_range=to_range, dst_colorspace=matrix)


def add_tone(output: OutputContainer, stream: av.AudioStream, seconds: Fraction) -> None:
    wave = np.sin(np.arange(int(16000 * seconds)) / 6).astype(np.float32) * 0.2
    for start in range(0, len(wave) - 1023, 1024):
        frame = av.AudioFrame.from_ndarray(
            wave[None, start : start + 1024], format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = 16000, start
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def rotate(path: Path, degrees: int) -> None:
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    set_matrix(path, (cosine, sine, -sine, cosine))


def set_matrix(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Set a, b, c, d of the display matrix in the track header (ISO 14496-12, 8.3.2)."""
    a, b, c, d = (part << 16 for part in matrix)
    content = bytearray(path.read_bytes())
    at = content.find(b"tkhd") + 4 + 40
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
