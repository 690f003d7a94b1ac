import csv
from pathlib import Path

import numpy as np
import pytest

from examples.model_endpoint.models import AURORA, DRIFT, rng_of
from examples.model_endpoint.motion import MOTIONS
from examples.model_endpoint.painting import paint_frame, set_stage
from examples.model_endpoint.scenes import THINGS, Scene, read_scene
from examples.model_endpoint.sprites import PAINTERS

PROMPTS = Path(__file__).resolve().parents[2] / "examples" / "model_endpoint" / "prompts.csv"


def prompts() -> list[str]:
    with PROMPTS.open(newline="") as file:
        return [row["prompt"] for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("prompt", "scene"),
    [
        ("Two orange lanterns rising into the night sky",
         Scene("lantern", "orange", 2, "rise", ("night",))),
        ("Three white birds flying right to left at sunset",
         Scene("bird", "white", 3, "left", ("sunset",))),
        ("A white ship drifting on the ocean at dusk",
         Scene("boat", "white", 1, "right", ("sea", "sunset"))),
        ("Lorem ipsum", Scene("ball", "red", 1, "float", ())),
    ],
)  # fmt: skip
def test_a_prompt_is_read_as_a_scene(prompt, scene):
    assert read_scene(prompt) == scene


def test_there_are_twelve_prompts_and_no_two_alike():
    assert len({read_scene(prompt) for prompt in prompts()}) == 12


def test_every_thing_and_motion_of_the_vocabulary_can_be_drawn():
    assert set(PAINTERS) == set(THINGS)
    assert {read_scene(prompt).motion for prompt in prompts()} <= set(MOTIONS)


def test_aurora_follows_every_prompt():
    scenes = [read_scene(prompt) for prompt in prompts()]
    assert [AURORA.imagine(scene, rng_of()) for scene in scenes] == scenes


def test_drift_gets_some_of_the_prompts_wrong_and_some_right():
    scenes = {prompt: read_scene(prompt) for prompt in prompts()}
    right = [
        DRIFT.imagine(scene, rng_of(DRIFT.name, prompt)) == scene
        for prompt, scene in scenes.items()
    ]
    assert 4 <= sum(right) <= 8


def test_the_thing_is_drawn_where_the_motion_has_it():
    stage = set_stage(read_scene("a red ball drifting left to right"), 96, 96, seed=0)
    empty = np.asarray(stage.place.ground.resize((96, 96)), int)
    reds = [
        np.abs(np.asarray(paint_frame(stage, time), int) - empty).sum(axis=2).sum(axis=0)
        for time in (0.0, 1.0)
    ]
    centres = [float(np.average(np.arange(96), weights=columns)) for columns in reds]
    assert centres[0] < 35
    assert centres[1] > 60
