"""Where a thing is at a time: positions in parts of the picture, time from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import cos, pi, sin

from examples.model_endpoint.scenes import Scene

SMALL_TO_WHOLE = (0.35, 1.0)


@dataclass(frozen=True)
class Pose:
    """Centre in parts of width and height, size as a factor, degrees clockwise, facing."""

    x: float
    y: float
    scale: float = 1.0
    angle: float = 0.0
    mirrored: bool = False


def eased(time: float) -> float:
    """Slow at both ends."""
    return time * time * (3 - 2 * time)


def right(time: float) -> Pose:
    return Pose(0.14 + 0.72 * time, 0.5 + 0.03 * sin(4 * pi * time), angle=4 * sin(4 * pi * time))


def left(time: float) -> Pose:
    return replace(right(time), x=0.86 - 0.72 * time, mirrored=True)


def rise(time: float) -> Pose:
    return Pose(
        0.5 + 0.03 * sin(3 * pi * time), 0.82 - 0.6 * eased(time), angle=4 * sin(3 * pi * time)
    )


def fall(time: float) -> Pose:
    return Pose(0.5 + 0.07 * sin(3 * pi * time), 0.16 + 0.62 * time, angle=22 * sin(3 * pi * time))


def bounce(time: float) -> Pose:
    beat = (time * 3) % 1
    height = 4 * beat * (1 - beat)
    return Pose(0.3 + 0.4 * time, 0.76 - 0.44 * height, angle=200 * time)


def circle(time: float) -> Pose:
    turn = 2 * pi * time
    return Pose(0.5 + 0.24 * cos(turn), 0.46 + 0.2 * sin(turn), angle=14 * sin(turn))


def sway(time: float) -> Pose:
    swing = sin(4 * pi * time)
    return Pose(0.5 + 0.13 * swing, 0.4 + 0.03 * abs(swing), angle=16 * swing)


def grow(time: float) -> Pose:
    low, high = SMALL_TO_WHOLE
    scale = low + (high - low) * eased(time)
    return Pose(0.5, 0.92 - 0.225 * scale, scale=scale, angle=3 * sin(4 * pi * time))


def spin(time: float) -> Pose:
    return Pose(0.5, 0.5, angle=360 * time)


def float_(time: float) -> Pose:
    return Pose(0.5, 0.5 + 0.04 * sin(4 * pi * time), angle=3 * sin(4 * pi * time))


MOTIONS: dict[str, Callable[[float], Pose]] = {
    "right": right,
    "left": left,
    "rise": rise,
    "fall": fall,
    "bounce": bounce,
    "circle": circle,
    "sway": sway,
    "grow": grow,
    "spin": spin,
    "float": float_,
}
UPRIGHT = {"boat", "kite", "balloon", "rocket", "flower", "lantern"}
"""Things that look wrong when they tumble."""


AFLOAT = {"boat": 0.63, "fish": 0.72}
"""How far down things are that belong in the water, when they cross it."""


def poses(scene: Scene, time: float) -> list[Pose]:
    """Where each of the scene's things is: side by side, a little out of step."""
    return [placed(scene, index, time) for index in range(scene.count)]


def placed(scene: Scene, index: int, time: float) -> Pose:
    shift = index - (scene.count - 1) / 2
    spread = 0.0 if scene.count == 1 else 0.6 / scene.count
    along = scene.motion in {"left", "right"}
    lag = (time + 0.05 * index) / (1 + 0.05 * (scene.count - 1))
    pose = MOTIONS[scene.motion](lag)
    afloat = along and "sea" in scene.places and scene.thing in AFLOAT
    base = AFLOAT[scene.thing] if afloat else pose.y
    return replace(
        pose,
        x=pose.x + shift * spread * (0.5 if along else 1.15),
        y=base + shift * (spread * (0.4 if afloat else 0.9) if along else 0.07 * (-1) ** index),
        angle=pose.angle * 0.4 if scene.thing in UPRIGHT else pose.angle,
    )
