"""The two demo models of clips: one follows the prompt and paints cleanly, the other does neither.

Both make clips from text, go on from a picture, and go on from where a past clip ends. Everything
follows from (model, prompt, seed, size, seconds, what it starts from): asked again, a model gives
the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageFilter

from examples.model_endpoint.camera import view
from examples.model_endpoint.painting import paint_frames, set_stage
from examples.model_endpoint.references import Reference, fitted
from examples.model_endpoint.scenes import COLOURS, Scene, read_scene

Frames = Iterator[Image.Image]


@dataclass(frozen=True)
class Model:
    """A demo model and its native presentation."""

    name: str
    width: int
    height: int
    fps: int
    seconds: int
    quality: str
    """x264's constant rate factor."""
    imagine: Callable[[Scene, np.random.Generator], Scene]
    film: Callable[[Scene, Model, np.random.Generator, list[float]], Frames]
    film_on: Callable[[Image.Image, Scene, np.random.Generator, list[float]], Frames]


def imagine_faithfully(scene: Scene, _rng: np.random.Generator) -> Scene:
    return scene


def imagine_carelessly(scene: Scene, rng: np.random.Generator) -> Scene:
    """About three prompts in five are got wrong: in colour, in motion, or in number."""
    mistake = rng.integers(0, 5)
    if mistake == 0:
        others = [name for name in COLOURS if name != scene.colour]
        return replace(scene, colour=others[rng.integers(0, len(others))])
    if mistake == 1:
        return replace(scene, motion={"right": "left", "left": "right"}.get(scene.motion, "float"))
    if mistake == 2:
        return replace(scene, count=scene.count + 1 if scene.count < 3 else scene.count - 1)
    return scene


def film_cleanly(
    scene: Scene, model: Model, rng: np.random.Generator, times: list[float]
) -> Frames:
    stage = set_stage(scene, model.width, model.height, int(rng.integers(1 << 31)))
    return paint_frames(stage, times)


def film_roughly(
    scene: Scene, model: Model, rng: np.random.Generator, times: list[float]
) -> Frames:
    """Painted small and blown up, with held frames, jumps, flicker and noise."""
    small = (model.width * 2 // 5, model.height * 2 // 5)
    stage = set_stage(scene, *small, int(rng.integers(1 << 31)))
    for picture in paint_frames(stage, stumbling(times, rng)):
        large = picture.filter(ImageFilter.GaussianBlur(0.7))
        yield roughened(large.resize((model.width, model.height), Image.Resampling.BILINEAR), rng)


def film_on_cleanly(
    picture: Image.Image, scene: Scene, _rng: np.random.Generator, times: list[float]
) -> Frames:
    for time in times:
        yield view(picture, scene.motion, time)


def film_on_roughly(
    picture: Image.Image, scene: Scene, rng: np.random.Generator, times: list[float]
) -> Frames:
    """From the picture itself it goes on jerkily, blurred and noisy."""
    yield picture
    for time in stumbling(times, rng)[1:]:
        seen = view(picture, scene.motion, time).filter(ImageFilter.GaussianBlur(1.4))
        yield roughened(seen, rng)


def roughened(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Flat, flickering and noisy."""
    pixels = np.asarray(picture, np.float32)
    noise = rng.normal(0, 11, (picture.height // 2, picture.width // 2, 1))
    noise = noise.repeat(2, 0).repeat(2, 1)
    pixels = (pixels - 128) * 0.84 + 122 + rng.normal(0, 6)
    pixels[: noise.shape[0], : noise.shape[1]] += noise
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def stumbling(times: list[float], rng: np.random.Generator) -> list[float]:
    """The times with every third held and the rest a little off."""
    off = [min(1.0, max(0.0, time + rng.normal(0, 0.011))) for time in times]
    return [off[index - 1] if index % 3 == 2 else time for index, time in enumerate(off)]


AURORA = Model(
    "demo-aurora", 512, 512, 24, 4, "18", imagine_faithfully, film_cleanly, film_on_cleanly
)
DRIFT = Model(
    "demo-drift", 640, 360, 12, 3, "30", imagine_carelessly, film_roughly, film_on_roughly
)
MODELS = {model.name: model for model in (AURORA, DRIFT)}


def generate(
    model: Model,
    prompt: str,
    seed: int,
    target: Path,
    progress: Callable[[int], None],
    reference: Reference | None = None,
) -> None:
    """Write the model's clip for a prompt as H.264 in MP4.

    From a picture, the first frame is that picture. From a past clip, the clip comes first and
    goes on where it ends: the model's seconds are those after the seam. `progress` is told the
    percentage after each frame and may raise to stop the work.
    """
    before = reference.before_seam(model.fps) if reference else []
    count = len(before) + model.fps * model.seconds
    frames = chain(
        (fitted(picture, model.width, model.height) for picture in before),
        imagined(model, prompt, seed, reference),
    )
    with av.open(
        str(target), "w", format="mp4", container_options={"movflags": "+faststart"}
    ) as out:
        out.metadata["comment"] = f"Made by {model.name}, a demo model that draws; not AI."
        stream = out.add_stream(
            "libx264", rate=model.fps, options={"crf": model.quality, "preset": "veryfast"}
        )
        stream.width, stream.height, stream.pix_fmt = model.width, model.height, "yuv420p"
        stream.codec_context.thread_count = 1
        for index, picture in enumerate(frames):
            out.mux(stream.encode(av.VideoFrame.from_image(picture)))
            progress(100 * (index + 1) // count)
        out.mux(stream.encode(None))


def imagined(model: Model, prompt: str, seed: int, reference: Reference | None) -> Frames:
    """The frames that are the model's own work."""
    scene = model.imagine(read_scene(prompt), rng_of(model.name, prompt))
    count = model.fps * model.seconds
    times = [index / max(1, count - 1) for index in range(count)]
    rng = rng_of(model.name, prompt, seed)
    if reference is None:
        return model.film(scene, model, rng, times)
    return model.film_on(fitted(reference.last, model.width, model.height), scene, rng, times)


def rng_of(*parts: object) -> np.random.Generator:
    """Random numbers that depend on the parts alone."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8]))
