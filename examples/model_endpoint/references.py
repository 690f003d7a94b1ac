"""What a model starts from: a picture, or a past clip as pictures at the model's own rate."""

from __future__ import annotations

import io
from dataclasses import dataclass

import av
from PIL import Image, ImageOps, UnidentifiedImageError

MOST_SECONDS = 10


class Unreadable(Exception):
    """It is no picture or clip."""


@dataclass(frozen=True)
class Reference:
    """One picture, or the pictures of a clip with the time of each in seconds."""

    pictures: list[Image.Image]
    times: list[float]

    @property
    def last(self) -> Image.Image:
        return self.pictures[-1]

    def before_seam(self, fps: int) -> list[Image.Image]:
        """The past clip's pictures at another rate; none for a single picture."""
        if len(self.pictures) == 1:
            return []
        step = self.times[-1] / (len(self.times) - 1)
        count = round((self.times[-1] + step) * fps)
        return [self._at((index + 0.25) / fps) for index in range(count)]

    def _at(self, time: float) -> Image.Image:
        shown = [index for index, begin in enumerate(self.times) if begin <= time]
        return self.pictures[shown[-1] if shown else 0]


def read_reference(content: bytes, media_type: str) -> Reference:
    """A picture or clip as it was sent.

    Raises
    ------
    Unreadable
    """
    if media_type.startswith("video/"):
        return read_clip(content)
    return Reference([read_picture(content)], [0.0])


def read_picture(content: bytes) -> Image.Image:
    try:
        return ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise Unreadable("The file is no picture that can be read.") from error


def read_clip(content: bytes) -> Reference:
    pictures, times = [], []
    try:
        with av.open(io.BytesIO(content)) as clip:
            for frame in clip.decode(video=0):
                if (frame.time or 0) > MOST_SECONDS:
                    raise Unreadable(f"The clip is longer than {MOST_SECONDS} seconds.")
                pictures.append(frame.to_image())
                times.append(float(frame.time or 0))
    except (av.error.FFmpegError, IndexError) as error:
        raise Unreadable("The file is no clip that can be read.") from error
    if not pictures:
        raise Unreadable("The clip has no pictures.")
    return Reference(pictures, [time - times[0] for time in times])


def fitted(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Scaled to fill the size, what sticks out cut away."""
    return ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
