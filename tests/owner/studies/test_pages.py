"""What the buttons of the owner's pages do."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotations.enums import RenditionState, SkipReason, StudyState
from annotations.models import Rendition, Stimulus
from annotations.services.clips.importing import check_row, finish_checked_imports, lease_due_rows
from annotations.services.rating.skipping import skip_assignment
from annotations.services.studies.states import create_study
from generation.models import Job
from tests.annotations.factories import (
    NOW,
    claim,
    judge,
    make_prompt,
    make_rater,
    make_study,
    running_study,
)
from tests.generation.factories import make_endpoint
from tests.generation.stand_in import Answer, running_stand_in
from tests.media.clips import make_clip
from tests.owner.at_work import planned_study

pytestmark = pytest.mark.django_db


def press(owner: Client, study, action: str):
    return owner.post(reverse("owner-action", args=[study.slug]), {"action": action}, follow=True)


def state_of(study) -> str:
    study.refresh_from_db()
    return study.state


def test_the_front_page_leads_to_the_studies(owner):
    study = make_study()
    answer = owner.get("/", follow=True)
    assert answer.request["PATH_INFO"] == reverse("owner-studies")
    assert study.title in answer.content.decode()


def test_a_page_without_an_icon_of_its_own_gets_the_sites(client):
    assert client.get("/favicon.ico").url.endswith("favicon.svg")


def test_a_site_without_studies_says_how_to_begin(owner):
    assert "There is no study yet" in owner.get(reverse("owner-studies")).content.decode()


def test_a_study_goes_from_draft_to_closed_by_its_buttons(owner):
    study = running_study(comparisons=1)
    type(study).objects.filter(pk=study.pk).update(state=StudyState.DRAFT)
    for action, state in [
        ("prepare", StudyState.PREPARING),
        ("open", StudyState.OPEN),
        ("pause", StudyState.PAUSED),
        ("open", StudyState.OPEN),
        ("close", StudyState.CLOSED),
    ]:
        assert f'value="{action}"' in owner.get(f"/studies/{study.slug}/").content.decode()
        press(owner, study, action)
        assert state_of(study) == state


def test_back_to_draft_until_a_rater_was_given_work(owner):
    study = running_study(comparisons=1)
    type(study).objects.filter(pk=study.pk).update(state=StudyState.PREPARING)
    press(owner, study, "draft")
    assert state_of(study) == StudyState.DRAFT

    judged = running_study(comparisons=1)
    judge(make_rater(judged))
    answer = press(owner, judged, "draft")
    assert state_of(judged) == StudyState.OPEN
    assert "frozen" in answer.content.decode()


def test_a_refused_step_says_why_and_changes_nothing(owner):
    study = create_study(title="Empty", slug="empty")
    answer = press(owner, study, "prepare")
    assert state_of(study) == StudyState.DRAFT
    assert "add prompts" in answer.content.decode()


def test_an_unknown_action_is_refused(owner):
    assert press(owner, make_study(), "delete-everything").status_code == 400


def test_generate_plans_a_job_per_missing_clip(owner):
    study = planned_study(prompts=3)
    for model in study.generative_models.all():
        make_endpoint(model)
    answer = press(owner, study, "generate")
    assert "6 clips will be made" in answer.content.decode()
    assert Job.objects.for_study(study.pk).count() == 6


def test_generate_without_an_endpoint_says_what_to_do(owner):
    answer = press(owner, planned_study(), "generate")
    assert "No model of this study has an endpoint" in answer.content.decode()


def test_failed_renditions_are_tried_again(owner):
    study = running_study(comparisons=1)
    Rendition.objects.update(state=RenditionState.FAILED, error="No.")
    press(owner, study, "retry-renditions")
    assert set(Rendition.objects.values_list("state", flat=True)) == {RenditionState.PENDING}


def zipped(**files: bytes) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    content.seek(0)
    content.name = "clips.zip"
    return content


def upload(owner: Client, study, archive: io.BytesIO, **choices: str):
    """Send a file, let workers do their part, and look at the import's page."""
    url = reverse("owner-import", args=[study.slug])
    sent = owner.post(url, {"upload": archive, **choices})
    if sent.status_code != 302:
        return sent
    now = timezone.now()
    assert "clips are checked" in owner.get(sent.url).content.decode()
    for row_id in lease_due_rows(now=now):
        check_row(row_id=row_id, now=now)
    finish_checked_imports(now=now)
    return owner.get(sent.url)


def test_a_zip_of_folders_fills_a_draft(owner, tmp_path):
    study = create_study(title="Uploaded", slug="uploaded", prompts=[make_prompt()])
    answer = upload(owner, study, zip_of_models(study, tmp_path))
    assert "Imported 2 clips; 0 were already there." in answer.content.decode()
    assert sorted(study.generative_models.values_list("name", flat=True)) == ["one", "two"]
    assert Stimulus.objects.for_study(study.pk).count() == 2
    assert default_storage.listdir("uploads")[1] == []


def zip_of_models(study, folder) -> io.BytesIO:
    """A clip of two models for the study's prompt."""
    key = study.prompts.get().key
    clips = {
        f"{name}/{key}.mp4": make_clip(folder / f"{name}.mp4", width=width).read_bytes()
        for name, width in (("one", 64), ("two", 96))
    }
    return zipped(**clips)


def test_an_upload_can_be_checked_without_being_written(owner, tmp_path):
    study = create_study(title="Uploaded", slug="uploaded", prompts=[make_prompt()])
    answer = upload(owner, study, zip_of_models(study, tmp_path), is_dry_run="on")
    assert "2 clips would be imported" in answer.content.decode()
    assert Stimulus.objects.count() == 0


def manifest_with_bad_rows(folder) -> io.BytesIO:
    good = make_clip(folder / "good.mp4").read_bytes()
    manifest = (
        "prompt_id,prompt,model,path\n"
        "p1,A fox,one,good.mp4\n"
        "p1,A fox,two,gone.mp4\n"
        "p2,,two,good.mp4\n"
        "p3,A bear,two,text.mp4\n"
    )
    return zipped(**{"manifest.csv": manifest.encode(), "good.mp4": good, "text.mp4": b"text"})


def test_a_zip_with_bad_rows_changes_nothing_and_names_each(owner, tmp_path):
    study = create_study(title="Uploaded", slug="uploaded")
    page = upload(owner, study, manifest_with_bad_rows(tmp_path)).content.decode()
    assert "Nothing was imported: 3 clips of 4 cannot be used." in page
    assert "Line 3: there is no file gone.mp4." in page
    assert "Line 4: prompt missing." in page
    assert "Line 5: text.mp4: " in page
    assert Stimulus.objects.count() == 0
    assert study.study_models.count() == 0


def test_the_good_rows_of_an_upload_can_be_kept(owner, tmp_path):
    study = create_study(title="Uploaded", slug="uploaded")
    answer = upload(owner, study, manifest_with_bad_rows(tmp_path), keep_going="on")
    assert "Imported 1 clips" in answer.content.decode()
    assert [prompt.key for prompt in study.prompts.all()] == ["p1"]


def test_a_manifest_of_web_addresses_needs_no_zip(owner, tmp_path, settings):
    settings.IMPORT_INTERNAL_HOSTS = ["127.0.0.1"]
    study = create_study(title="From the web", slug="web")
    clip = make_clip(tmp_path / "clip.mp4").read_bytes()
    with running_stand_in() as server:
        server.will(Answer(200, clip))
        manifest = io.BytesIO(
            f"prompt_id,prompt,model,path\np1,A fox,one,{server.url}/clip.mp4\n".encode()
        )
        manifest.name = "clips.csv"
        answer = upload(owner, study, manifest)
    assert "Imported 1 clips" in answer.content.decode()


def test_what_is_no_zip_is_refused(owner):
    file = io.BytesIO(b"not a zip")
    file.name = "clips.zip"
    answer = upload(owner, make_study(), file)
    assert answer.status_code == 400
    assert "cannot be unpacked as a zip file" in answer.content.decode()


def test_a_study_under_way_takes_only_its_own_clips(owner, tmp_path):
    study = planned_study(prompts=1)
    type(study).objects.filter(pk=study.pk).update(state=StudyState.PREPARING)
    model, prompt = study.generative_models.first(), study.prompts.get()
    clip = make_clip(tmp_path / "clip.mp4").read_bytes()
    strange = upload(owner, study, zipped(**{f"stranger/{prompt.key}.mp4": clip}))
    assert "stranger is not a model of this study" in strange.content.decode()
    upload(owner, study, zipped(**{f"{model.name}/{prompt.key}.mp4": clip}))
    assert Stimulus.objects.for_study(study.pk).count() == 1


def test_the_import_of_another_study_is_not_shown_here(owner, tmp_path):
    study, other = create_study(title="A", slug="a"), create_study(title="B", slug="b")
    upload(owner, study, manifest_with_bad_rows(tmp_path))
    run = study.clip_imports.get()
    url = reverse("owner-import-run", args=[other.slug, run.pk])
    assert owner.get(url).status_code == 404


def test_the_blinding_check_tells_what_was_looked_at(owner):
    study = running_study(comparisons=2)
    make_endpoint(study.generative_models.first(), base_url="https://lab.example/v1")
    url = reverse("owner-blinding", args=[study.slug])
    assert "What was looked at" not in owner.get(url).content.decode()
    page = owner.post(url).content.decode()
    assert "Nothing was found that names a model" in page
    assert "Answers: clip" in page
    assert "Hosts of endpoints" in page


def test_the_blinding_check_names_a_leak(owner):
    study = running_study(comparisons=1)
    make_endpoint(study.generative_models.first(), base_url="https://lab.example/v1")
    type(study).objects.filter(pk=study.pk).update(instructions="Made at lab.example.")
    page = owner.post(reverse("owner-blinding", args=[study.slug])).content.decode()
    assert "1 thing tells a model." in page
    assert "hosts of endpoints: “lab.example” is in a page and an API answer." in page


def test_the_blinding_check_needs_a_pair(owner):
    study = planned_study()
    page = owner.post(reverse("owner-blinding", args=[study.slug])).content.decode()
    assert "No pair is ready yet" in page


def test_what_raters_skipped_reaches_the_owner(owner):
    study = running_study(comparisons=1)
    assignment = claim(make_rater(study, "P-1"))
    skip_assignment(
        rater=assignment.rater,
        public_id=assignment.public_id,
        reason=SkipReason.UPSETTING,
        note="There is blood.",
        now=NOW,
    )
    page = owner.get(reverse("owner-study", args=[study.slug])).content.decode()
    assert "Skipped by raters: 1" in page
    assert "It shows something upsetting" in page
    assert "There is blood." in page


def test_a_rater_is_excluded_with_a_reason(owner):
    study = running_study(comparisons=1)
    rater = make_rater(study, "P-1")
    judge(rater)
    url = reverse("owner-exclude", args=[study.slug, rater.pk])
    assert "Say why" in owner.post(url, {"why": ""}, follow=True).content.decode()
    page = owner.post(url, {"why": "Always left."}, follow=True).content.decode()
    assert "P-1 is excluded; 1 seats are open for others." in page
    assert "excluded: Always left." in page
    elsewhere = reverse("owner-exclude", args=[make_study().slug, rater.pk])
    assert owner.post(elsewhere, {"why": "x"}).status_code == 404


def test_what_fails_in_the_background_is_told_with_a_way_out(owner):
    study = create_study(title="Broken", slug="broken")
    now = timezone.now()
    study.troubles.create(work="comparisons", error="no space left", since=now, last_at=now)
    page = owner.get(f"/studies/{study.slug}/").content.decode()
    assert "Making comparisons" in page
    assert "no space left" in page
    assert "It is tried again" in page


def test_an_import_that_does_not_end_can_be_given_up(owner, tmp_path):
    study = create_study(title="Uploaded", slug="uploaded", prompts=[make_prompt()])
    sent = owner.post(f"/studies/{study.slug}/import/", {"upload": zip_of_models(study, tmp_path)})
    assert "Give this import up" in owner.get(sent.url).content.decode()
    answer = owner.post(f"{sent.url}give-up/", follow=True).content.decode()
    assert "The import was given up" in answer
    assert (Stimulus.objects.count(), default_storage.listdir("uploads")[1]) == (0, [])
