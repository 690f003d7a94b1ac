"""Paint the frames of a scene."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, radians, sin

from PIL import Image, ImageDraw, ImageFilter

from examples.model_endpoint.motion import Pose, poses
from examples.model_endpoint.places import Place, build_place
from examples.model_endpoint.scenes import COLOURS, Scene
from examples.model_endpoint.sprites import sprite

THING_SIZE = 0.46
"""Side of a thing's square in parts of the picture's shorter side."""


@dataclass(frozen=True)
class Stage:
    """What stays the same through a clip."""

    scene: Scene
    place: Place
    thing: Image.Image
    shadow: Image.Image


def set_stage(scene: Scene, width: int, height: int, seed: int) -> Stage:
    crowding = 1 if scene.count == 1 else 1.2 / scene.count**0.5
    side = round(min(width, height) * THING_SIZE * crowding)
    return Stage(
        scene=scene,
        place=build_place(scene.places, width, height, seed),
        thing=sprite(scene.thing, COLOURS[scene.colour], side),
        shadow=soft_shadow(side),
    )


def soft_shadow(side: int) -> Image.Image:
    shade = Image.new("L", (side, side // 3))
    box = [side * 0.2, side * 0.1, side * 0.8, side * 0.23]
    ImageDraw.Draw(shade).ellipse(box, fill=110)
    shadow = Image.new("RGBA", shade.size, (30, 34, 60, 0))
    shadow.putalpha(shade.filter(ImageFilter.GaussianBlur(side * 0.03)))
    return shadow


def paint_frames(stage: Stage, times: list[float]) -> Iterator[Image.Image]:
    """One picture per time, each from 0 (start) to 1 (end)."""
    for time in times:
        yield paint_frame(stage, time)


def paint_frame(stage: Stage, time: float) -> Image.Image:
    place, scene = stage.place, stage.scene
    picture = place.ground.copy()
    for layer in place.behind:
        layer.lay(picture, time)
    for pose in poses(scene, time):
        if place.floor is not None:
            cast_shadow(picture, stage, pose, place.floor)
        put(picture, stage.thing, pose)
    for layer in place.before:
        layer.lay(picture, time)
    return picture


def put(picture: Image.Image, thing: Image.Image, pose: Pose) -> None:
    """Draw a thing at its pose, to a fraction of a pixel."""
    if pose.mirrored:
        thing = thing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    centre_x, centre_y = pose.x * picture.width, pose.y * picture.height
    left, top = int(centre_x - thing.width / 2), int(centre_y - thing.height / 2)
    moved = thing.transform(
        thing.size,
        Image.Transform.AFFINE,
        inverse(pose, thing, centre_x - left, centre_y - top),
        Image.Resampling.BILINEAR,
    )
    picture.paste(moved, (left, top), moved)


def inverse(
    pose: Pose, thing: Image.Image, x: float, y: float
) -> tuple[float, float, float, float, float, float]:
    """The affine map from the pasted square back to the thing, whose centre goes to (x, y)."""
    angle, scale = radians(-pose.angle), 1 / pose.scale
    a, b, d, e = scale * cos(angle), -scale * sin(angle), scale * sin(angle), scale * cos(angle)
    middle_x, middle_y = thing.width / 2, thing.height / 2
    return a, b, middle_x - a * x - b * y, d, e, middle_y - d * x - e * y


def cast_shadow(picture: Image.Image, stage: Stage, pose: Pose, floor: float) -> None:
    """On the ground below, fainter the higher the thing is."""
    height = max(0.0, floor - pose.y)
    strength = max(0.0, 1 - 1.1 * height)
    size = (round(stage.shadow.width * pose.scale), round(stage.shadow.height * pose.scale))
    shadow = stage.shadow.resize(size)
    shadow.putalpha(shadow.getchannel("A").point(lambda alpha: round(alpha * strength)))
    left = round(pose.x * picture.width - shadow.width / 2)
    picture.paste(shadow, (left, round(floor * picture.height - shadow.height / 2)), shadow)
