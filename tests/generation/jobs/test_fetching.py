"""Downloading a clip and keeping it, whatever comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage

from annotations.models import Stimulus
from annotations.services.studies.states import create_study
from generation.adapters.base import (
    AuthOrQuotaError,
    PermanentError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
    VanishedError,
)
from generation.endpoints.limits import AUTH_PAUSE
from generation.enums import JobState
from generation.jobs.decisions import cancel_job, retry_job
from generation.jobs.steps.fetching import MAX_FETCHES, fetch_job
from generation.jobs.steps.submitting import submit_job
from generation.models import Attempt, Endpoint, Job
from tests.annotations.factories import NOW, make_stimulus
from tests.generation.factories import as_row, clip_bytes, make_endpoint, make_job

pytestmark = pytest.mark.django_db


def fetched(job: Job, now=NOW) -> Job:
    fetch_job(job_id=job.pk, now=now)
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def made():
    return make_job(JobState.FETCHING)


@pytest.fixture
def clip(adapter, tmp_path):
    adapter.fetching = clip_bytes(tmp_path)
    return adapter.fetching


def test_a_clip_becomes_the_models_stimulus(adapter, made, clip):
    job = fetched(made)
    stimulus = Stimulus.objects.get()
    assert (job.state, job.stimulus, job.finished_at) == (JobState.DONE, stimulus, NOW)
    assert (job.wake_at, job.error) == (None, "")
    assert (stimulus.model, stimulus.prompt) == (job.endpoint.model, job.prompt)
    assert default_storage.open(stimulus.file.name).read() == clip


def test_the_clip_tells_what_was_sent_even_if_the_endpoint_changed_since(
    adapter, clip, monkeypatch
):
    monkeypatch.setenv("LAB_KEY", "sk-secret-1")
    endpoint = make_endpoint(api_key_env="LAB_KEY", name="Lab", remote_model="lab-1")
    job = make_job(endpoint=endpoint, seed=5)
    submit_job(job_id=job.pk, now=NOW)
    Endpoint.objects.update(remote_model="lab-2", parameters={"seconds": "9"})
    Job.objects.update(state=JobState.FETCHING)
    fetched(job)
    provenance = Stimulus.objects.get().provenance
    assert "sk-secret-1" not in str(provenance)
    assert provenance == {
        "adapter": "openai_videos/1",
        "route": "http://lab.test/v1",
        "endpoint": "Lab",
        "remote_model": "lab-1",
        "prompt": job.prompt.text,
        "seed": 5,
        "seed_sent": True,
        "parameters": {"seconds": "4"},
        "options": {},
        "answer": {"id": "v1"},
        "remote_id": "v1",
        "sent_at": NOW.isoformat(),
    }


@pytest.mark.parametrize("content", [b"", b"<html>Log in</html>", b"\x00" * 5000])
def test_what_is_no_clip_ends_the_job_with_the_reason(adapter, made, content):
    adapter.fetching = content
    job = fetched(made)
    assert job.state == JobState.FAILED
    assert job.error.startswith("What came back cannot be judged: ")
    assert not Stimulus.objects.exists()


def test_a_clip_cut_short_ends_the_job_with_the_reason(adapter, made, clip):
    adapter.fetching = clip[: len(clip) // 2]
    assert fetched(made).state == JobState.FAILED


@pytest.fixture
def study(made):
    """Which asked for it."""
    study = create_study(title="S", slug="s", models=[made.endpoint.model], prompts=[made.prompt])
    Job.objects.filter(pk=made.pk).update(study=study)
    return study


def test_a_clip_is_put_into_the_study_that_asked_for_it(study, made, clip):
    other = create_study(title="O", slug="o", models=[made.endpoint.model], prompts=[made.prompt])
    job = fetched(made)
    entry = study.roster.get()
    assert (entry.stimulus, entry.origin, entry.sample) == (job.stimulus, "made", 1)
    assert other.roster.count() == 0


def test_a_picture_that_others_start_from_is_its_own_studys_clip(study, made, clip):
    make_job(JobState.AWAITING_FIRST, first_step=made)
    fetched(made)
    assert study.roster.count() == 1


def test_a_picture_to_start_from_is_no_clip_of_the_study(study, made, clip):
    study.study_models.all().delete()
    make_job(JobState.AWAITING_FIRST, first_step=made)
    assert fetched(made).state == JobState.DONE
    assert study.roster.count() == 0


def test_a_clip_of_a_trial_is_put_into_no_study(study, made, clip):
    Job.objects.filter(pk=made.pk).update(is_trial=True)
    assert fetched(made).state == JobState.DONE
    assert study.roster.count() == 0


def test_another_clip_in_the_same_place_is_never_replaced(study, made, clip):
    there = make_stimulus(made.endpoint.model, made.prompt, study=study)
    job = fetched(made)
    assert (job.state, Stimulus.objects.get()) == (JobState.FAILED, there)
    assert "already has another clip" in job.error


@pytest.mark.parametrize(
    ("error", "state"),
    [(PermanentError("Too large."), JobState.FAILED), (RejectedError("No."), JobState.REJECTED)],
)
def test_a_refused_download_is_final(adapter, made, error, state):
    adapter.fetching = error
    job = fetched(made)
    assert (job.state, job.error) == (state, str(error))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RetryableError("It did not answer."), "It did not answer."),
        (UnknownOutcomeError("Odd."), "Odd."),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_a_failed_download_is_tried_again_a_few_times(adapter, made, error, words):
    adapter.fetching = error
    job, now = made, NOW
    for _ in range(MAX_FETCHES):
        assert job.state == JobState.FETCHING
        now += timedelta(minutes=10)
        job = fetched(job, now)
    assert (job.state, job.finished_at) == (JobState.FAILED, now)
    assert job.error.endswith(words)


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (RateLimitedError("Slow down.", retry_after=40), timedelta(seconds=40)),
        (AuthOrQuotaError("The key is wrong."), AUTH_PAUSE),
    ],
)
def test_a_pause_that_is_asked_for_is_kept_and_not_counted(adapter, made, error, pause):
    adapter.fetching = error
    job = fetched(made)
    assert (job.state, job.fetches, job.error) == (JobState.FETCHING, 0, str(error))
    assert (job.wake_at, job.endpoint.paused_until) == (NOW + pause, NOW + pause)


def test_a_clip_that_is_gone_is_asked_for_again_but_not_for_ever(adapter, made):
    adapter.fetching = VanishedError("No such video.")
    for count in range(1, MAX_FETCHES):
        job = fetched(made)
        assert (job.state, job.fetches) == (JobState.REMOTE_PENDING, count)
        Job.objects.update(state=JobState.FETCHING, wake_at=NOW)
    job = fetched(made)
    assert (job.state, job.error) == (JobState.FAILED, "No such video.")


def test_a_download_under_way_is_not_begun_twice(adapter, made, clip):
    adapter.meanwhile = lambda: len(adapter.calls) == 1 and fetched(made)
    assert fetched(made).state == JobState.DONE
    assert adapter.calls == ["fetch v1"]


def test_a_download_whose_worker_died_is_begun_anew(adapter, made, clip):
    Job.objects.update(fetches=1, wake_at=NOW + timedelta(seconds=360))
    assert fetched(made).state == JobState.FETCHING
    assert fetched(made, NOW + timedelta(seconds=361)).state == JobState.DONE


def test_downloads_that_kill_their_worker_end(adapter, made):
    Job.objects.update(fetches=MAX_FETCHES)
    job = fetched(made)
    assert (job.state, adapter.calls) == (JobState.FAILED, [])
    assert job.error == "No clip after 6 downloads. The worker was lost each time."


def test_a_job_given_up_during_its_download_leaves_no_clip(adapter, made, clip):
    adapter.meanwhile = lambda: len(adapter.calls) == 1 and cancel_job(job=made, now=NOW)
    assert fetched(made).state == JobState.CANCELLED
    assert not Stimulus.objects.exists()


def test_a_clip_downloaded_again_is_the_same_stimulus(adapter, made, clip):
    fetched(made)
    Job.objects.update(state=JobState.FETCHING, wake_at=NOW)
    assert fetched(made).state == JobState.DONE
    assert Stimulus.objects.count() == 1


def test_a_job_done_anew_after_a_failure_has_its_attempts_kept(adapter, made):
    adapter.fetching = PermanentError("Too large.")
    retry_job(job=fetched(made), now=NOW)
    submit_job(job_id=made.pk, now=NOW)
    assert Attempt.objects.filter(job=made).count() == 2


@pytest.mark.parametrize("state", [state for state in JobState if state != JobState.FETCHING])
def test_a_stale_message_downloads_nothing(adapter, state):
    job = make_job(state)
    before = as_row(job)
    assert (as_row(fetched(job)), adapter.calls) == (before, [])
