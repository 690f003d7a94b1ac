"""The demo models go on from pictures and clips, draw pictures and edit them."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
from PIL import Image

from tests.examples.demo_server import clip, error_of
from tests.media.clips import make_clip

SIZE = "128x128"
IMAGE_MODELS = ["demo-pastel", "demo-chalk"]
VIDEO_MODELS = [("demo-aurora", 24), ("demo-drift", 12)]


def draw(client: httpx.Client, model: str = "demo-pastel", **fields: object) -> bytes:
    asked = {"model": model, "prompt": "A red balloon", "size": SIZE, "seed": 1} | fields
    return picture_in(client.post("/v1/images/generations", json=asked))


def edit(client: httpx.Client, picture: bytes, instruction: str, model: str = "demo-pastel"):
    asked = {"model": model, "prompt": instruction, "size": SIZE, "seed": "1"}
    files = {"image": ("picture.png", picture, "image/png")}
    return picture_in(client.post("/v1/images/edits", data=asked, files=files))


def picture_in(answer: httpx.Response) -> bytes:
    assert answer.status_code == 200, answer.text
    return base64.b64decode(answer.json()["data"][0]["b64_json"])


def go_on(client: httpx.Client, model: str, content: bytes, media_type: str) -> list[np.ndarray]:
    asked = {"model": model, "prompt": "It flies to the right", "size": SIZE, "seconds": "1"}
    files = {"input_reference": ("source", content, media_type)}
    made = clip(client, client.post("/v1/videos", data=asked, files=files).json())
    with av.open(io.BytesIO(made)) as opened:
        return [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]


def pixels(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Of the channels, on average; 255 at most."""
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_a_picture_has_the_size_asked_for_and_repeats_by_its_seed(client, model):
    once, again, other = (draw(client, model, seed=seed) for seed in (5, 5, 6))
    assert pixels(once).shape == (128, 128, 3)
    assert (once == again, once == other) == (True, False)


def test_the_two_models_of_pictures_differ_visibly(client):
    one, other = (pixels(draw(client, model)) for model in IMAGE_MODELS)
    assert difference(one, other) > 15


@pytest.mark.parametrize("model", IMAGE_MODELS)
@pytest.mark.parametrize("instruction", ["Add a yellow star", "Make it night", "Turn it blue"])
def test_an_edit_changes_the_picture_visibly(client, model, instruction):
    picture = draw(client)
    changed = np.abs(
        pixels(edit(client, picture, instruction, model)).astype(int) - pixels(picture)
    )
    assert (changed.max(axis=2) > 40).mean() > 0.01


def test_an_added_thing_leaves_the_rest_as_it_was(client):
    picture = draw(client)
    rows = slice(92, 128)
    kept = pixels(edit(client, picture, "Add a yellow star"))[rows]
    assert difference(kept, pixels(picture)[rows]) == 0


@pytest.mark.parametrize(("model", "fps"), VIDEO_MODELS)
def test_a_clip_from_a_picture_begins_with_it_and_moves(client, model, fps):
    picture = draw(client)
    frames = go_on(client, model, picture, "image/png")
    assert len(frames) == fps
    assert difference(frames[0], pixels(picture)) < 6
    assert difference(frames[-1], frames[0]) > 8


@pytest.mark.parametrize(("model", "fps"), VIDEO_MODELS)
def test_an_extension_keeps_the_past_clip_and_goes_on_where_it_ends(client, model, fps, tmp_path):
    past = make_clip(tmp_path / "past.mp4", width=128, height=128, fps=24, frames=24)
    frames = go_on(client, model, past.read_bytes(), "video/mp4")
    with av.open(str(past)) as opened:
        given = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
    assert len(frames) == 2 * fps
    assert difference(frames[0], given[0]) < 12
    assert difference(frames[fps], frames[fps - 1]) < difference(frames[-1], frames[fps - 1])


def test_the_same_picture_and_seed_give_the_same_clip(client):
    picture = draw(client)
    once, again = (go_on(client, "demo-drift", picture, "image/png") for _ in range(2))
    assert all((one == other).all() for one, other in zip(once, again, strict=True))


@pytest.mark.parametrize("media_type", ["image/png", "video/mp4"])
def test_a_file_that_cannot_be_read_is_refused_by_name(client, media_type):
    asked = {"model": "demo-aurora", "prompt": "A boat"}
    files = {"input_reference": ("source", b"nothing", media_type)}
    answer = client.post("/v1/videos", data=asked, files=files)
    assert error_of(answer) == (400, "invalid_file", "input_reference")


def test_an_edit_without_a_picture_is_refused(client):
    asked = {"model": "demo-pastel", "prompt": "Add a hat"}
    answer = client.post("/v1/images/edits", data=asked, files={"other": (None, "x")})
    assert error_of(answer) == (400, "missing_image", "image")


def test_a_forbidden_picture_is_refused(client):
    asked = {"model": "demo-pastel", "prompt": "A forbidden dance"}
    answer = client.post("/v1/images/generations", json=asked)
    assert error_of(answer) == (400, "moderation_blocked", None)


def test_a_model_of_clips_draws_no_pictures(client):
    asked = {"model": "demo-aurora", "prompt": "A boat"}
    assert error_of(client.post("/v1/images/generations", json=asked))[:2] == (
        404,
        "model_not_found",
    )


def test_the_readme_names_every_demo_model(client):
    text = (Path(__file__).resolve().parents[2] / "examples/model_endpoint/README.md").read_text()
    ids = [model["id"] for model in client.get("/v1/models").json()["data"]]
    assert all(f"`{name}`" in text for name in ids)
