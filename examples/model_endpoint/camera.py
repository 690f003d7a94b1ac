"""Move a still picture: it is whole at time 0, and a camera travels over it until time 1."""

from __future__ import annotations

from math import cos, pi, radians, sin

from PIL import Image

from examples.model_endpoint.motion import eased

CLOSER, CLOSEST = 0.35, 0.9
TURN = 24
# Where the camera goes so that what it sees moves as the prompt says.
DIRECTIONS = {"right": (-1, 0), "left": (1, 0), "rise": (0, 1), "fall": (0, -1)}


def view(picture: Image.Image, motion: str, time: float) -> Image.Image:
    """What the camera sees, in the picture's own size."""
    zoom = 1 + (CLOSEST if motion == "grow" else CLOSER) * eased(time)
    right, down = DIRECTIONS.get(motion, (sin(2 * pi * time), 0))
    angle = radians(TURN * eased(time)) if motion == "spin" else 0.0
    room = (1 - 1 / zoom) / 2
    centre_x = picture.width * (0.5 + right * room * eased(time))
    centre_y = picture.height * (0.5 + down * room * eased(time))
    a, b = cos(angle) / zoom, sin(angle) / zoom
    half_width, half_height = picture.width / 2, picture.height / 2
    map_back = (
        *(a, b, centre_x - a * half_width - b * half_height),
        *(-b, a, centre_y + b * half_width - a * half_height),
    )
    size = (picture.width, picture.height)
    return picture.transform(size, Image.Transform.AFFINE, map_back, Image.Resampling.BICUBIC)
