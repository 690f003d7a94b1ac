"""The two demo models of pictures: from text, and edits of a picture by an instruction.

One follows the instruction and leaves the rest alone, the other does it half and spoils the rest.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from examples.model_endpoint.models import (
    imagine_carelessly,
    imagine_faithfully,
    rng_of,
    roughened,
)
from examples.model_endpoint.motion import Pose
from examples.model_endpoint.painting import paint_frame, put, set_stage
from examples.model_endpoint.references import fitted
from examples.model_endpoint.scenes import COLOURS, THINGS, Scene, read_scene, words_of
from examples.model_endpoint.sprites import sprite

MOMENTS = (0.3, 0.6)
"""Between these a still shows the motion."""

LIGHTS = {
    "night": ((14, 20, 66), 0.62),
    "sunset": ((255, 120, 50), 0.42),
    "snow": ((240, 246, 255), 0.58),
    "sea": ((20, 104, 190), 0.45),
    "meadow": ((70, 170, 70), 0.42),
    "desert": ((236, 186, 110), 0.48),
}
"""What a place's light does to a picture: its colour, and how strong."""


@dataclass(frozen=True)
class ImageModel:
    """A demo model of pictures; `strength` is how much of an edit it carries out."""

    name: str
    width: int
    height: int
    imagine: Callable[[Scene, np.random.Generator], Scene]
    finish: Callable[[Image.Image, np.random.Generator], Image.Image]
    strength: float


def leave(picture: Image.Image, _rng: np.random.Generator) -> Image.Image:
    return picture


def smear(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Blurred, pale and noisy, edges and colours lost."""
    pale = ImageEnhance.Color(picture.filter(ImageFilter.GaussianBlur(2.2))).enhance(0.55)
    return roughened(pale, rng)


PASTEL = ImageModel("demo-pastel", 512, 512, imagine_faithfully, leave, 1.0)
CHALK = ImageModel("demo-chalk", 512, 512, imagine_carelessly, smear, 0.5)
IMAGE_MODELS = {model.name: model for model in (PASTEL, CHALK)}


def paint(model: ImageModel, prompt: str, seed: int) -> bytes:
    """The model's picture for a prompt, as PNG."""
    rng = rng_of(model.name, prompt, seed)
    scene = model.imagine(read_scene(prompt), rng_of(model.name, prompt))
    stage = set_stage(scene, model.width, model.height, int(rng.integers(1 << 31)))
    return as_png(model.finish(paint_frame(stage, float(rng.uniform(*MOMENTS))), rng))


def edit(model: ImageModel, instruction: str, picture: Image.Image, seed: int) -> bytes:
    """The picture as the model changes it by the instruction, as PNG of the model's size."""
    rng = rng_of(model.name, instruction, seed)
    scene = model.imagine(read_scene(instruction), rng_of(model.name, instruction))
    source = fitted(picture, model.width, model.height)
    return as_png(model.finish(edited(source, instruction, scene, model.strength, rng), rng))


def edited(
    picture: Image.Image,
    instruction: str,
    scene: Scene,
    strength: float,
    rng: np.random.Generator,
) -> Image.Image:
    """A thing that is named is added; else the light or the colours change."""
    words = words_of(instruction)
    if "black" in words and "white" in words:
        return Image.blend(picture, ImageOps.grayscale(picture).convert("RGB"), strength)
    if any(word in THINGS for word in words):
        return with_things(picture, scene, strength, rng)
    light, share = (
        LIGHTS.get(scene.places[0], LIGHTS["sunset"])
        if scene.places
        else (
            COLOURS[scene.colour],
            0.5,
        )
    )
    return Image.blend(picture, Image.new("RGB", picture.size, light), share * strength)


def with_things(
    picture: Image.Image, scene: Scene, strength: float, rng: np.random.Generator
) -> Image.Image:
    """The things side by side above the middle, where scenes have room; smaller by a weak model."""
    picture = picture.copy()
    thing = sprite(scene.thing, COLOURS[scene.colour], round(min(picture.size) * 0.34))
    for index in range(scene.count):
        across = (index + 1) / (scene.count + 1) + float(rng.normal(0, 0.02))
        put(picture, thing, Pose(across, 0.3, scale=0.4 + 0.6 * strength))
    return picture


def as_png(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, "PNG")
    return target.getvalue()
