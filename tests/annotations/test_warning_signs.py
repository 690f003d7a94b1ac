import pytest

from annotations.enums import PresentationProfile
from annotations.models import Study
from annotations.services.pairs.warning_signs import warnings_of
from annotations.services.studies.states import create_study
from tests.annotations.factories import make_model, make_prompt, make_stimulus

pytestmark = pytest.mark.django_db

SHAPES = {"width": 1280, "height": 720, "seconds": 4.0}


def study_of(first: dict, second: dict, **settings) -> Study:
    """Two models with a clip each for one prompt."""
    models, prompt = [make_model("Aurora"), make_model("Drift")], make_prompt()
    study = create_study(title="W", slug="w", models=models, prompts=[prompt], **settings)
    make_stimulus(models[0], prompt, study=study, **first)
    make_stimulus(models[1], prompt, study=study, **second)
    return study


def test_a_fair_pair_has_no_warning():
    assert warnings_of(study_of(SHAPES, {"width": 512, "height": 512, "seconds": 2.0})) == []


def test_identical_clips_are_named():
    study = study_of({"frames_sha256": "f" * 64}, {"frames_sha256": "f" * 64})
    key = study.prompts.get().key
    assert warnings_of(study) == [f"2 clips for prompt {key} are identical, frame by frame."]


def test_of_many_prompts_with_identical_clips_five_are_named():
    models = [make_model("Aurora"), make_model("Drift")]
    prompts = [make_prompt(f"Prompt {number}") for number in range(7)]
    study = create_study(title="W", slug="w", models=models, prompts=prompts)
    for model in models:
        for prompt in prompts:
            make_stimulus(model, prompt, study=study, frames_sha256="f" * 64)
    *named, more = warnings_of(study)
    assert len(named) == 5
    assert more == "More prompts with identical clips: 2."


def test_what_the_presentation_leaves_to_see_is_told():
    square = {"width": 512, "height": 512, "seconds": 2.0, "fps_numerator": 8}
    study = study_of(SHAPES, square, presentation_profile=PresentationProfile.NATIVE)
    assert warnings_of(study) == [
        "Aurora and Drift differ visibly in length.",
        "Aurora and Drift differ visibly in shape.",
        "Aurora and Drift differ visibly in frame rate.",
    ]


def test_bars_show_the_shape():
    study = study_of(SHAPES, {"width": 512, "height": 512, "seconds": 4.0}, fit="letterbox")
    assert warnings_of(study) == ["Aurora and Drift differ visibly in shape."]


def test_what_was_seen_in_clips_is_counted():
    study = study_of({"warnings": ["static", "short"]}, {"warnings": ["static"]})
    assert warnings_of(study) == [
        "2 clips: “Nothing moves in it.”",
        "1 clip: “It is shorter than a second.”",
    ]
