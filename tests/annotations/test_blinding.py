"""Nothing that a rater receives names a model or tells two models apart but by content."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse
from django.test import Client

from annotations import walks
from annotations.api import views as api_views
from annotations.blinding import check_blinding
from annotations.enums import CheckRole, PresentationProfile, StudyKind, StudyState
from annotations.errors import TransitionRefused
from annotations.models import (
    Assignment,
    Comparison,
    Judgment,
    Rater,
    Rendition,
    Stimulus,
    Study,
    StudyText,
)
from annotations.services.clips.importing import import_clips
from annotations.services.clips.manifests import read_clips
from annotations.services.clips.registering import import_into_study
from annotations.services.pairs.preparing import (
    lease_due_renditions,
    make_rendition,
    sync_comparisons,
)
from annotations.services.studies.states import start_preparing
from annotations.services.studies.texts import OwnText
from annotations.simulation import read_form
from annotations.views import media
from tests.annotations.factories import (
    NOW,
    make_check,
    make_comparison,
    make_study,
    plan_quality,
)
from tests.annotations.sources import make_prompt_from
from tests.media.clips import make_clip, make_still

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept_media")]

MODELS = ("Secretmodel Alpha", "Hiddenmodel Beta")
PROMPTS = [f"prompt{number}" for number in range(3)]
FIXED = {"fixed_width": 64, "fixed_height": 64, "fixed_fps": 8.0, "fixed_seconds": 1.0}


def make_clips(folder: Path) -> None:
    """Clips of unlike shapes that carry their model's name in path and metadata."""
    for number, model in enumerate(MODELS):
        (folder / model).mkdir()
        for place, prompt in enumerate(PROMPTS):
            make_clip(
                folder / model / f"{prompt}.mp4",
                width=64 + 32 * number,
                height=64,
                fps=8 + 4 * number,
                frames=12 + place,
                audio=True,
                metadata={"title": model, "comment": f"made by {model}"},
            )


def make_pictures(folder: Path) -> None:
    for number, model in enumerate(MODELS):
        (folder / model).mkdir()
        for place, prompt in enumerate(PROMPTS):
            path = folder / model / f"{prompt}.png"
            make_still(path, width=64 + 32 * number, height=64 + 2 * place)


def prepared_study(folder: Path, **settings) -> Study:
    lines = ["prompt_id,prompt", *(f"{prompt},A fox {prompt}" for prompt in PROMPTS)]
    (folder / "prompts.csv").write_text("\n".join(lines))
    result = import_clips(manifest=read_clips(folder))
    study = import_into_study(result=result, slug="blind", title="Which clip is better?")
    Study.objects.update(**settings)
    study.refresh_from_db()
    start_preparing(study=study)
    sync_comparisons(study=study)
    for rendition_id in lease_due_renditions(now=NOW):
        make_rendition(rendition_id=rendition_id, now=NOW)
    assert study.comparisons.ready().count() == len(PROMPTS)
    return study


@pytest.fixture
def study(tmp_path) -> Study:
    make_clips(tmp_path)
    return prepared_study(tmp_path)


@pytest.mark.sqlite
@pytest.mark.parametrize("audio", ["none", "normalised"])
@pytest.mark.parametrize("profile", PresentationProfile.values)
def test_no_byte_of_a_session_over_clips_tells_a_model(tmp_path, profile, audio):
    make_clips(tmp_path)
    check = check_blinding(
        study=prepared_study(tmp_path, presentation_profile=profile, audio=audio, **FIXED)
    )
    assert check.findings == []
    # Two raters by page and two by API: three comparisons of two clips, each asked for three times.
    assert check.answers["clip"] == 4 * 3 * 2 * 3
    # Welcome in four languages, join, examples; ahead, draft refused and taken, submit and claim
    # for each comparison; the last claim; back and revise.
    assert check.answers["API answer"] == 2 * (4 + 2 + 3 * 5 + 1 + 2)
    assert check.answers["page"] > 2 * 3


@pytest.mark.parametrize("kind", StudyKind.values)
def test_no_answer_of_page_or_api_tells_a_model_in_any_kind_of_study(tmp_path, kind):
    study = study_with_lessons(tmp_path, kind)
    check = check_blinding(study=study)
    assert check.findings == []
    # Four raters: an example, practice, test, gold and two pairs. There are too few pairs for the
    # planned repeat.
    assert check.answers["clip"] == 4 * 6 * 2 * 3
    assert bool(check.answers.get("source")) == study.needs_source


def study_with_lessons(folder: Path, kind: str) -> Study:
    """A study with everything that a rater can meet, of clips that are alike but in name."""
    study = make_study(comparisons=0, kind=kind)
    sources = {"needed": study.needs_source, "moving": kind == StudyKind.VIDEO_EXTENSION}
    for number in range(2):
        make_comparison(study, make_prompt_from(folder, number, **sources))
    for role in (CheckRole.EXAMPLE, CheckRole.PRACTICE, CheckRole.QUALIFICATION, CheckRole.GOLD):
        expected = dict.fromkeys(study.axes.values_list("key", flat=True), "a")
        make_check(study, role, expected=expected)
    plan_quality(study, gold_per_rater=1, repeats_per_rater=1)
    return study


@pytest.mark.sqlite
@pytest.mark.parametrize("profile", PresentationProfile.values)
def test_no_byte_of_a_session_over_pictures_tells_a_model(tmp_path, profile):
    make_pictures(tmp_path)
    study = prepared_study(tmp_path, presentation_profile=profile, **FIXED)
    assert study.kind == StudyKind.TEXT_TO_IMAGE
    assert check_blinding(study=study).findings == []


@pytest.mark.sqlite
def test_the_check_leaves_nothing_behind(study):
    check_blinding(study=study)
    study.refresh_from_db()
    assert (study.state, study.max_per_rater) == (StudyState.PREPARING, None)
    assert not Rater.objects.exists()
    assert not Assignment.objects.exists()
    assert not Judgment.objects.exists()
    assert set(Comparison.objects.values_list("open_seats", flat=True)) == {5}


def test_without_a_ready_pair_there_is_nothing_to_check():
    with pytest.raises(TransitionRefused, match="No pair is ready"):
        check_blinding(study=make_study(comparisons=0))


# What the check is for: each leak is found and named.


@pytest.mark.sqlite
def test_a_name_in_the_title_is_found(study):
    Study.objects.update(title="Is Secretmodel Alpha better?")
    study.refresh_from_db()
    assert check_blinding(study=study).findings == [
        "model names: “Secretmodel Alpha” is in a page and a refusal and an API answer."
    ]


@pytest.mark.sqlite
def test_a_name_in_a_translation_is_found(study):
    StudyText.objects.create(study=study, language="ar", key="title", text="Hiddenmodel Beta؟")
    assert check_blinding(study=study).findings == [
        "model names: “Hiddenmodel Beta” is in a page and an API answer."
    ]


@pytest.mark.sqlite
@pytest.mark.parametrize("description", ["ask", "ask_again", "feedback_on", "examples_of"])
def test_a_name_that_only_one_answer_of_the_api_tells_is_found(tmp_path, monkeypatch, description):
    study = study_with_lessons(tmp_path, StudyKind.TEXT_TO_VIDEO)
    name = study.study_models.first().model.name
    real = getattr(api_views, description)

    def leaky(*args, **kwargs):
        told = real(*args, **kwargs)
        if description == "examples_of":
            return tuple(replace(group, label=OwnText(name, "en")) for group in told)
        return replace(told, prompt=name)

    monkeypatch.setattr(api_views, description, leaky)
    assert check_blinding(study=study).findings == [f"model names: “{name}” is in an API answer."]


@pytest.mark.sqlite
def test_the_name_that_a_file_carries_inside_is_found(study):
    """As if renditions were the originals."""
    for rendition in Rendition.objects.all():
        rendition.file = rendition.stimulus.file.name
        rendition.save()
    findings = check_blinding(study=study).findings
    for name in MODELS:
        assert f"model names: “{name}” is in a clip." in findings


@pytest.mark.sqlite
def test_a_header_that_repeats_for_one_model_is_found(study, monkeypatch):
    real = media.stimulus_media

    def leaky(request: HttpRequest, token: str) -> HttpResponse:
        answer = real(request, token)
        stimulus, _ = walks.clip_at(f"/m/{token}/")
        answer.headers["X-Version"] = f"v{stimulus.model_id}"
        return answer

    replace_view(monkeypatch, leaky)
    findings = check_blinding(study=study).findings
    versions = [f"v{pk}" for pk in study.generative_models.values_list("pk", flat=True)]
    assert sorted(findings) == sorted(
        f"Only clips of {model.name} come with the header “X-Version: v{model.pk}”."
        for model in study.generative_models.all()
    )
    assert len(versions) == 2


def replace_view(monkeypatch, view) -> None:
    from annotations.urls import urlpatterns

    pattern = next(one for one in urlpatterns if one.name == "stimulus-media")
    monkeypatch.setattr(pattern, "callback", view)


@pytest.mark.sqlite
def test_a_name_in_the_files_own_address_is_found(study, monkeypatch):
    def redirecting(request: HttpRequest, token: str) -> HttpResponse:
        media.stimulus_media(request, token)
        stimulus, _ = walks.clip_at(f"/m/{token}/")
        return HttpResponse(status=302, headers={"Location": f"/files/{stimulus.sha256}.mp4"})

    replace_view(monkeypatch, redirecting)
    findings = check_blinding(study=study).findings
    hashes = [f"hashes of clips: “{one.sha256}” is in a clip." for one in Stimulus.objects.all()]
    assert set(hashes) <= set(findings)


@pytest.mark.sqlite
def test_text_that_only_one_models_files_carry_is_found(study):
    """Such as the version of an encoder, written beside the pictures."""
    for rendition in Rendition.objects.filter(stimulus__model__name=MODELS[0]):
        box = b"\x00\x00\x00\x18freeEncoder 7.1.2-b "
        with rendition.file.open("rb") as file:
            content = file.read()
        name = default_storage.save(f"tagged/{rendition.pk}.mp4", ContentFile(content + box))
        Rendition.objects.filter(pk=rendition.pk).update(file=name)
    assert check_blinding(study=study).findings == [
        f"Only clips of {MODELS[0]} come with the text “freeEncoder 7.1.2-b ” in the file."
    ]


@pytest.mark.sqlite
def test_further_secrets_can_be_named(study):
    Study.objects.update(instructions="Made at lab.example.")
    study.refresh_from_db()
    check = check_blinding(study=study, secrets={"hosts of endpoints": ["lab.example"]})
    assert check.findings == ["hosts of endpoints: “lab.example” is in a page and an API answer."]
    assert check.searched_for["hosts of endpoints"] == 1


@pytest.mark.sqlite
def test_clip_headers_are_alike_on_both_sides(study):
    Study.objects.update(state=StudyState.OPEN)
    client = Client()
    page = client.get(f"/s/{study.slug}/")
    fields = read_form(page.content.decode()).fields
    page = client.post(f"/s/{study.slug}/", fields, follow=True)
    clips = [client.get(url) for url in read_form(page.content.decode()).media]
    # The request's own id is drawn anew for each.
    own = {"Content-Length", "ETag", "X-Request-ID"}
    assert len({clip.headers["X-Request-ID"] for clip in clips}) == 2
    heads = [
        {name: value for name, value in clip.headers.items() if name not in own} for clip in clips
    ]
    assert heads[0] == heads[1]
