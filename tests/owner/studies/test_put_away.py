"""Studies are archived and deleted by mouse, with what goes said before."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from analysis.models import Report
from analysis.services.making import compute_report_now
from annotations.errors import TransitionRefused
from annotations.models import (
    ClipImport,
    Comparison,
    Judgment,
    Prompt,
    Rater,
    Rendition,
    Stimulus,
    Study,
)
from annotations.services.clips.deleting import archive_study, delete_study
from annotations.services.clips.sharing import clips_of_study, share_clips
from annotations.services.pairs.withdrawing import withdraw_comparison
from annotations.services.studies.states import create_study
from generation.enums import JobState
from generation.models import Job
from tests.annotations.factories import (
    NOW,
    judge,
    make_rater,
    plan_quality,
    put_on_roster,
    running_study,
)
from tests.generation.factories import make_endpoint, make_job
from tests.owner.at_work import first_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    """Closed, with a vote and a withdrawn comparison."""
    study = running_study(comparisons=2)
    plan_quality(study)
    judge(make_rater(study))
    withdraw_comparison(study=study, comparison=study.comparisons.last(), reason="Broken.", now=NOW)
    Study.objects.filter(pk=study.pk).update(state="closed")
    study.refresh_from_db()
    return study


def url_of(study: Study) -> str:
    return reverse("owner-put-away", args=[study.slug])


def act(owner, study: Study, what: str, **values: str) -> str:
    sent = {"what": what, **values}
    return owner.post(url_of(study), sent, follow=True).content.decode()


def test_an_archived_study_leaves_the_list_and_can_be_brought_back(owner, study):
    assert "is archived" in act(owner, study, "archive")
    studies = reverse("owner-studies")
    link = reverse("owner-study", args=[study.slug])
    assert link not in owner.get(studies).content.decode()
    assert "Archived studies (1)" in owner.get(studies).content.decode()
    assert link in owner.get(f"{studies}?archived").content.decode()
    assert owner.get(link).status_code == 200
    act(owner, study, "bring-back")
    assert link in owner.get(studies).content.decode()


def test_what_goes_is_said_before(owner, study):
    page = owner.get(url_of(study)).content.decode()
    for words in ("2 votes of 1 rater", "2 comparisons", "4 clips that came in"):
        assert words in page


@pytest.mark.parametrize("name", ["", "another"])
def test_deleting_asks_for_the_short_name(owner, study, name):
    assert "Nothing was deleted" in act(owner, study, "delete", name=name)
    assert Study.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_deleted_study_takes_its_votes_clips_and_files_with_it(owner, study):
    report = compute_report_now(study=study)
    clip = Stimulus.objects.first()
    default_storage.save(str(clip.file), ContentFile(b"clip"))
    files = [str(clip.file), str(report.page), str(Rendition.objects.first().file)]
    assert all(map(default_storage.exists, files))
    assert "is deleted" in act(owner, study, "delete", name=study.slug)
    for model in (Study, Judgment, Rater, Comparison, Stimulus, Rendition, Report):
        assert not model.objects.exists()
    assert not any(map(default_storage.exists, files))
    assert Prompt.objects.count() == 2


def test_nothing_is_deleted_while_others_use_its_clips(owner, study):
    other = create_study(
        title="The other one",
        slug="other",
        models=list(study.generative_models.all()),
        prompts=list(study.prompts.all()),
    )
    share_clips(study=other, clips=clips_of_study(study))
    assert "Its clips are used by The other one" in owner.get(url_of(study)).content.decode()
    assert "“The other one”. Delete those" in act(owner, study, "delete", name=study.slug)
    assert Study.objects.count() == 2
    act(owner, other, "delete", name="other")
    assert (Study.objects.get(), Stimulus.objects.count()) == (study, 4)
    act(owner, study, "delete", name=study.slug)
    assert not Stimulus.objects.exists()


@pytest.mark.parametrize("state", ["open", "paused"])
@pytest.mark.parametrize("do", [archive_study, delete_study])
def test_a_study_at_work_is_closed_first(study, state, do):
    Study.objects.filter(pk=study.pk).update(state=state)
    study.refresh_from_db()
    with pytest.raises(TransitionRefused, match="Close it"):
        do(study=study, now=NOW)
    assert Study.objects.get().archived_at is None


def test_jobs_of_a_deleted_study_are_given_up(owner):
    study = running_study(comparisons=1)
    Study.objects.filter(pk=study.pk).update(state="closed")
    endpoint = make_endpoint(first_model(study))
    job = make_job(JobState.READY, endpoint, prompt=study.prompts.get(), study=study)
    act(owner, study, "delete", name=study.slug)
    job.refresh_from_db()
    assert (job.state, job.study) == (JobState.CANCELLED, None)
    assert Job.objects.exists()


def test_an_action_that_there_is_not_is_refused(owner, study):
    assert owner.post(url_of(study), {"what": "burn"}).status_code == 400


def closed_twin(study: Study, slug: str) -> Study:
    """Of the same models and prompts."""
    twin = create_study(
        title=slug,
        slug=slug,
        models=list(study.generative_models.all()),
        prompts=list(study.prompts.all()),
    )
    Study.objects.filter(pk=twin.pk).update(state="closed")
    twin.refresh_from_db()
    return twin


def test_a_clip_that_came_into_two_studies_stays_until_both_are_gone(study):
    twin = closed_twin(study, "twin")
    put_on_roster(twin, *clips_of_study(study))
    delete_study(study=study, now=NOW)
    assert (Stimulus.objects.count(), twin.roster.count()) == (4, 4)
    delete_study(study=twin, now=NOW)
    assert not Stimulus.objects.exists()


def test_clips_that_were_imported_for_later_stay(study):
    kept = ClipImport.objects.create(source="for later", state="done")
    Stimulus.objects.update(provenance={"import": kept.pk})
    delete_study(study=study, now=NOW)
    assert Stimulus.objects.count() == 4


def test_pictures_that_clips_of_others_start_from_stay_and_are_made(owner, study):
    first = make_endpoint(first_model(study))
    prompts = list(study.prompts.order_by("pk"))
    made = make_job(JobState.DONE, first, prompt=prompts[0], study=study)
    Job.objects.filter(pk=made.pk).update(stimulus=Stimulus.objects.first())
    moving = make_job(JobState.READY, first, prompt=prompts[1], study=study)
    for picture in (made, moving):
        make_job(JobState.AWAITING_FIRST, first_step=picture)
    act(owner, study, "delete", name=study.slug)
    made.refresh_from_db()
    moving.refresh_from_db()
    assert (made.stimulus is not None, moving.state) == (True, JobState.READY)


def test_a_clip_that_was_replaced_goes_with_its_study(study):
    old = study.comparisons.exclude(withdrawn_by=None).get().stimulus_a
    study.roster.filter(stimulus=old).delete()
    delete_study(study=study, now=NOW)
    assert not Stimulus.objects.exists()
