"""Using clips that are there already, and taking one out, by mouse."""

import pytest
from django.urls import reverse

from annotations.models import ClipImport, Study
from annotations.services.clips.importing import import_clips
from annotations.services.clips.manifests import read_clips
from annotations.services.studies.states import create_study, start_preparing
from tests.annotations.factories import make_model, make_prompt, make_stimulus
from tests.media.clips import make_clip, make_still
from tests.owner.at_work import first_model, planned_study

pytestmark = pytest.mark.django_db


def url_of(study: Study) -> str:
    return reverse("owner-share", args=[study.slug])


@pytest.fixture
def two_studies() -> tuple[Study, Study]:
    """The first has a clip of each of its two models; the second has its models and prompt."""
    study = planned_study(prompts=1, slug="first")
    models = [row.model for row in study.study_models.all()]
    for model in models:
        make_stimulus(model, study.prompts.get(), study=study)
    prompts = [study.prompts.get()]
    return study, create_study(title="Second", slug="second", models=models, prompts=prompts)


def test_a_study_is_offered_with_counts_and_used_by_a_press(owner, two_studies):
    first, second = two_studies
    page = owner.get(url_of(second)).content.decode()
    assert "2 clips of 2 models for 1 prompt" in page
    assert "Use these 2" in page
    answer = owner.post(url_of(second), {"study": first.pk}, follow=True).content.decode()
    assert "2 clips are now in this study, too." in answer
    assert "Nothing here that this study lacks." in answer
    assert (first.roster.count(), second.roster.count()) == (2, 2)


def test_a_draft_may_take_over_models_and_prompts(owner, two_studies):
    first, _ = two_studies
    empty = create_study(title="Empty", slug="empty")
    assert "Use all, and add their models and prompts" in owner.get(url_of(empty)).content.decode()
    owner.post(url_of(empty), {"study": first.pk, "widen": "yes"})
    assert (empty.study_models.count(), empty.study_prompts.count()) == (2, 1)
    assert empty.roster.count() == 2


def test_what_cannot_be_done_is_said(owner, two_studies):
    first, second = two_studies
    start_preparing(study=second)
    answer = owner.post(url_of(second), {"study": first.pk, "widen": "yes"}, follow=True)
    assert "Put it back to draft to change it." in answer.content.decode()


@pytest.mark.parametrize("sent", [{}, {"study": "x"}])
def test_a_source_that_is_no_number_is_refused_in_words(owner, two_studies, sent):
    answer = owner.post(url_of(two_studies[1]), sent, follow=True)
    assert "whole number" in answer.content.decode()


@pytest.mark.parametrize("sent", [{"study": "999999"}, {"import": "-1"}])
def test_a_source_that_is_not_there_is_not_found(owner, two_studies, sent):
    assert owner.post(url_of(two_studies[1]), sent).status_code == 404


def test_an_import_without_a_study_is_a_set_to_use(owner, tmp_path):
    for model in ("aurora", "drift"):
        (tmp_path / model).mkdir()
        make_clip(tmp_path / model / "fox.mp4", width=64, height=64, fps=8, frames=9)
    (tmp_path / "prompts.csv").write_text("prompt_id,prompt\nfox,A fox\n")
    import_clips(manifest=read_clips(tmp_path), source="run-7")
    study = create_study(title="S", slug="s")
    page = owner.get(url_of(study)).content.decode()
    assert "Import of run-7" in page
    owner.post(url_of(study), {"import": ClipImport.objects.get().pk, "widen": "yes"})
    assert study.roster.count() == 2


def test_without_any_source_the_page_says_what_to_do(owner):
    assert "Import clips" in owner.get(url_of(planned_study())).content.decode()


def test_a_closed_study_gets_nothing_more(owner, two_studies):
    first, second = two_studies
    Study.objects.filter(pk=second.pk).update(state="closed")
    assert "Use these" not in owner.get(url_of(second)).content.decode()
    answer = owner.post(url_of(second), {"study": first.pk}, follow=True).content.decode()
    assert "The study is closed" in answer
    assert second.roster.count() == 0


def clip_url(study: Study) -> str:
    return reverse(
        "owner-clip-of", args=[study.slug, first_model(study).pk, study.prompts.get().pk]
    )


def test_samples_are_shown_each_with_where_it_came_from(owner, two_studies):
    study = two_studies[0]
    make_stimulus(first_model(study), study.prompts.get(), seed=77, study=study)
    page = owner.get(clip_url(study)).content.decode()
    for words in ("Sample 1", "Sample 2", "seed 77", "Imported"):
        assert words in page


def test_a_clip_is_taken_out_of_a_draft_by_a_press(owner, two_studies):
    study = two_studies[0]
    entry = study.roster.get(model=first_model(study))
    take_out = reverse("owner-clip-take-out", args=[study.slug, entry.pk])
    assert take_out in owner.get(clip_url(study)).content.decode()
    answer = owner.post(take_out, follow=True).content.decode()
    assert "is no longer in this study" in answer
    assert study.roster.count() == 1


def test_nothing_can_be_taken_out_later(owner, two_studies):
    study = two_studies[0]
    start_preparing(study=study)
    entry = study.roster.first()
    take_out = reverse("owner-clip-take-out", args=[study.slug, entry.pk])
    assert take_out not in owner.get(clip_url(study)).content.decode()
    assert "Put it back to draft" in owner.post(take_out, follow=True).content.decode()
    assert study.roster.count() == 2


def test_a_clip_of_another_study_cannot_be_taken_out_here(owner, two_studies):
    first, second = two_studies
    entry = first.roster.first()
    url = reverse("owner-clip-take-out", args=[second.slug, entry.pk])
    assert owner.post(url).status_code == 404


def test_clips_of_the_same_place_in_another_study_are_not_shown(owner):
    study = planned_study(prompts=1)
    make_stimulus(first_model(study), study.prompts.get(), source="theirs.mp4")
    make_stimulus(make_model(), make_prompt())
    assert "theirs.mp4" not in owner.get(clip_url(study)).content.decode()


def test_a_clips_page_shows_what_the_models_start_from(owner, client, tmp_path):
    for model in ("aurora", "drift"):
        (tmp_path / model).mkdir()
        make_clip(tmp_path / model / "fox.mp4", width=64, height=64, frames=len(model) + 4)
    (tmp_path / "sources").mkdir()
    make_still(tmp_path / "sources" / "fox.png")
    (tmp_path / "prompts.csv").write_text("prompt_id,prompt\nfox,The fox runs\n")
    study = create_study(title="S", slug="s", kind="image-to-video")
    import_clips(manifest=read_clips(tmp_path), study=study)
    source = reverse("owner-source", args=[study.prompts.get().pk])
    assert f'src="{source}"' in owner.get(clip_url(study)).content.decode()
    answer = owner.get(source)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
    assert client.get(source).status_code == 302
