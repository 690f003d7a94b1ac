"""Prompts that come with an image or a clip, and who sees it when."""

import csv
from datetime import timedelta

import pytest
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotations.errors import ImportRefused
from annotations.models import Prompt, Stimulus
from annotations.rater_session import cookie_name
from annotations.services.clips.prompt_lists import PromptText
from annotations.services.clips.prompts import (
    get_or_create_prompt_with_source,
    import_prompts,
    start_from_pictures,
)
from annotations.services.clips.registering import get_or_create_prompt, prompt_texts
from annotations.services.raters.joining import sign_rater
from annotations.services.rating.asking import ask
from annotations.services.studies.protocol import axis_templates
from annotations.services.studies.states import missing_in_setup
from tests.annotations.factories import (
    NOW,
    claim,
    draft,
    make_comparison,
    make_model,
    make_prompt,
    make_rater,
    make_stimulus,
    make_study,
    quality,
)
from tests.media.clips import make_clip, make_still

pytestmark = pytest.mark.django_db


@pytest.fixture
def picture(tmp_path):
    return make_still(tmp_path / "start.png", width=64, height=48)


def prompt_with(source, text: str = "The boat sails away", key: str = "p1") -> Prompt:
    return get_or_create_prompt_with_source(text=PromptText(key, text), source=source)


def table(tmp_path, *rows: dict[str, str]):
    path = tmp_path / "prompts.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_same_text_with_two_sources_is_two_prompts(tmp_path, picture):
    other = make_still(tmp_path / "other.png", width=32, height=32)
    assert prompt_with(picture).digest != prompt_with(other).digest


def test_the_same_text_and_source_is_one_prompt(picture):
    assert prompt_with(picture) == prompt_with(picture)


def test_raters_get_a_source_made_anew_and_not_the_file_itself(tmp_path):
    picture = make_still(tmp_path / "start.jpg", width=64, height=48)
    prompt = prompt_with(picture)
    shown = default_storage.open(prompt.shown_source.name).read()
    assert [shown[:8], shown == picture.read_bytes()] == [b"\x89PNG\r\n\x1a\n", False]


def test_a_past_clip_keeps_its_length(tmp_path):
    clip = make_clip(tmp_path / "past.mp4", width=64, height=64, fps=16, frames=32)
    prompt = prompt_with(clip)
    assert [prompt.source_kind, prompt.source_seconds] == ["video", 2.0]


def test_clips_imported_by_the_prompts_id_belong_to_the_prompt_with_its_source(picture):
    study = make_study(comparisons=0, state="draft", kind="image-to-video")
    prompt = prompt_with(picture)
    study.prompts.add(prompt)
    assert get_or_create_prompt(prompt_texts(study)["p1"]) == prompt


def test_the_columns_of_emu_edits_test_set_are_read(tmp_path, picture):
    study = make_study(comparisons=0, state="draft", kind="image-editing")
    path = table(
        tmp_path,
        {
            "instruction": "Add a hat",
            "image": "start.png",
            "task": "add",
            "idx": "7",
            "input_caption": "A boat",
            "output_caption": "A boat with a hat",
        },
    )
    assert import_prompts(study=study, path=path) == 1
    prompt = study.prompts.get()
    assert [prompt.key, prompt.text, prompt.category] == ["7", "Add a hat", "add"]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"prompt": "A boat", "source": "none.png"}, "there is no file none.png"),
        ({"prompt": "A boat", "source": "../start.png"}, "there is no file ../start.png"),
        ({"prompt": "A boat", "source": ""}, "the source is missing"),
        ({"prompt": "", "source": "start.png"}, "the prompt is missing"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_added(tmp_path, picture, row, why):
    study = make_study(comparisons=0, state="draft", kind="image-to-video")
    path = table(tmp_path, {"prompt": "A good one", "source": "start.png"}, row)
    with pytest.raises(ImportRefused) as refused:
        import_prompts(study=study, path=path)
    assert f"Line 3: {why}" in refused.value.problems[0]
    assert not study.prompts.exists()


def test_a_study_from_images_is_not_prepared_before_every_prompt_has_one(picture):
    study = make_study(comparisons=0, state="draft", kind="image-to-video")
    study.prompts.add(Prompt.objects.create(key="x", text="A boat", digest="1"))
    assert any("its image or clip" in one for one in missing_in_setup(study))


@pytest.mark.parametrize(
    ("kind", "keys", "blind"),
    [
        ("image-to-video", ["quality", "faithfulness"], ["quality"]),
        ("video-extension", ["quality", "faithfulness"], ["quality"]),
        ("image-editing", ["instruction", "preservation"], []),
    ],
)
def test_each_kind_starts_with_questions_of_its_own(kind, keys, blind):
    axes = axis_templates(kind)
    assert [axis.key for axis in axes] == keys
    assert [axis.key for axis in axes if not axis.shows_prompt] == blind


def rated_study(prompt: Prompt, kind: str = "image-to-video"):
    study = make_study(comparisons=0, kind=kind)
    make_comparison(study, prompt)
    return study


def source_answer(rater, assignment) -> int:
    address = reverse("rater-source", args=[rater.study.slug, assignment.public_id])
    return client_of(rater).get(address).status_code


def client_of(rater) -> Client:
    client = Client()
    client.cookies[cookie_name(rater.study_id)] = sign_rater(rater)
    return client


def test_the_source_is_shown_with_the_text_and_not_before(picture):
    rater = make_rater(rated_study(prompt_with(picture)))
    assignment = claim(rater)
    before = source_answer(rater, assignment)
    draft(assignment, quality())
    # The lease of these tests began at a fixed moment; a fresh one is under way now.
    claim_now(assignment)
    after = source_answer(rater, assignment)
    assert [before, after] == [404, 200]


def claim_now(assignment) -> None:
    assignment.refresh_from_db()
    assignment.lease_expires_at = timezone.now() + timedelta(minutes=5)
    assignment.save()


def test_an_api_client_gets_the_source_by_its_header(picture):
    rater = make_rater(rated_study(prompt_with(picture)))
    assignment = claim(rater)
    draft(assignment, quality())
    claim_now(assignment)
    address = reverse("rater-source", args=[rater.study.slug, assignment.public_id])
    headers = {"Authorization": f"Rater {sign_rater(rater)}"}
    assert Client().get(address, headers=headers).status_code == 200


def test_another_rater_does_not_get_the_source(picture):
    study = rated_study(prompt_with(picture))
    rater, other = make_rater(study), make_rater(study)
    assignment = claim(rater)
    draft(assignment, quality())
    claim_now(assignment)
    assert source_answer(other, assignment) == 404


def test_the_source_is_named_with_the_text_only(picture):
    rater = make_rater(rated_study(prompt_with(picture)))
    assignment = claim(rater)
    before = ask(assignment, now=NOW).source
    draft(assignment, quality())
    assignment.refresh_from_db()
    after = ask(assignment, now=NOW).source
    assert [before, after.kind] == [None, "image"]


@pytest.mark.parametrize(("start", "seam"), [("0", 2.0), ("1/2", 1.5), ("2", None)])
def test_the_seam_is_where_the_past_clip_ends_in_what_is_shown(tmp_path, start, seam):
    clip = make_clip(tmp_path / "past.mp4", width=64, height=64, fps=16, frames=32)
    rater = make_rater(rated_study(prompt_with(clip), kind="video-extension"))
    assignment = claim(rater)
    assignment.comparison.rendition_a.plan["start"] = start
    assert ask(assignment, now=NOW).seam_seconds == seam


def test_other_kinds_have_no_seam(picture):
    rater = make_rater(rated_study(prompt_with(picture)))
    assert ask(claim(rater), now=NOW).seam_seconds is None


def test_sources_are_no_stimuli(picture):
    prompt_with(picture)
    assert not Stimulus.objects.exists()


def test_prompts_can_start_from_the_pictures_that_a_model_made(picture):
    study = make_study(comparisons=0, state="draft", kind="image-to-video")
    painter, text = make_model(), make_prompt()
    study.prompts.add(text)
    with picture.open("rb") as content:
        name = default_storage.save("originals/picture.png", File(content))
    make_stimulus(painter, text, kind="image", file=name)
    call_command("import_prompts", study.slug, pictures_of=painter.slug)
    prompt = study.prompts.get()
    assert (prompt.key, prompt.text, prompt.source_kind) == (text.key, text.text, "image")


def test_a_prompt_without_a_picture_is_named():
    study = make_study(comparisons=0, state="draft", kind="image-to-video")
    prompt = make_prompt()
    study.prompts.add(prompt)
    with pytest.raises(ImportRefused) as refused:
        start_from_pictures(study=study, model=make_model("Painter"))
    assert refused.value.problems == [f"{prompt.key}: Painter has made no picture for it."]
