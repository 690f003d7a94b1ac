"""One clip to try an endpoint out: counted by the endpoint, and by no study."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from annotations.enums import StudyKind
from annotations.models import Prompt, Stimulus
from generation.adapters.base import RejectedError
from generation.adapters.requests import Kind
from generation.endpoints.limits import room_at
from generation.endpoints.suitability import EndpointUnsuited
from generation.endpoints.trial import plan_trial
from generation.enums import JobState, Priority
from generation.jobs.mending import advice_on, how_to_mend
from generation.jobs.planning import plan_jobs
from generation.jobs.steps.fetching import fetch_job
from generation.jobs.steps.polling import poll_job
from generation.jobs.steps.submitting import submit_job
from generation.management.commands import test_endpoint as command
from generation.models import Job
from tests.annotations.factories import NOW, make_prompt
from tests.generation.factories import (
    clip_bytes,
    make_endpoint,
    make_job,
    make_planned_study,
)

pytestmark = pytest.mark.django_db
LONG_AFTER = NOW.replace(year=2126)


def test_a_test_is_one_job_that_is_sent_first():
    job = plan_trial(endpoint=make_endpoint(), text="A fox", now=NOW)
    assert (job.is_trial, job.priority, job.wake_at) == (True, Priority.FIRST, NOW)
    assert Job.objects.count() == 1


def test_the_same_test_again_is_another_clip():
    endpoint = make_endpoint()
    jobs = [plan_trial(endpoint=endpoint, text="A fox", now=NOW) for _ in range(3)]
    assert [job.seed for job in jobs] == [0, 1, 2]
    assert Prompt.objects.count() == 1


def test_a_tests_clip_is_no_clip_of_a_study(adapter, tmp_path):
    study = make_planned_study(prompts=1, endpoints=1)
    prompt = study.prompts.get()
    endpoint = study.study_models.first().model.endpoint
    adapter.fetching = clip_bytes(tmp_path)
    job = plan_trial(endpoint=endpoint, text=prompt.text, now=NOW, study=study, like=prompt)
    for step in (submit_job, poll_job, fetch_job):
        step(job_id=job.pk, now=NOW)
    assert Stimulus.objects.get().prompt.text == prompt.text
    assert not Stimulus.objects.for_study(study.pk).exists()
    assert not Job.objects.for_study(study.pk).exists()
    assert plan_jobs(study=study, now=NOW) == 1


def test_a_test_counts_by_the_endpoints_limits_and_budget(adapter):
    endpoint = make_endpoint(
        max_concurrency=5, total_cost=Decimal(3), cost_per_job=Decimal(1), daily_jobs=2
    )
    submit_job(job_id=plan_trial(endpoint=endpoint, text="A fox", now=NOW).pk, now=NOW)
    assert room_at(endpoint, NOW).jobs == 1


def test_a_test_for_a_study_starts_from_the_sources_of_its_prompts():
    study = make_planned_study(prompts=0, endpoints=1)
    type(study).objects.filter(pk=study.pk).update(kind=StudyKind.IMAGE_TO_VIDEO)
    study.refresh_from_db()
    endpoint = study.study_models.first().model.endpoint
    endpoint.options = {"kinds": [Kind.IMAGE_TO_VIDEO]}
    endpoint.save()
    like = make_prompt()
    Prompt.objects.filter(pk=like.pk).update(source="sources/a.png", source_sha256="a" * 64)
    like.refresh_from_db()
    job = plan_trial(endpoint=endpoint, text=like.text, now=NOW, study=study, like=like)
    assert (job.prompt.source.name, job.study) == ("sources/a.png", study)
    assert job.prompt != like


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"is_active": False}, "switched off"),
        ({"adapter": "upload"}, "never called"),
        ({"options": {"kinds": ["image-to-video"]}}, "without a source"),
        ({"parameters": []}, "not a JSON object"),
    ],
)
def test_what_would_end_before_it_is_sent_is_refused(values, words):
    with pytest.raises(EndpointUnsuited, match=words):
        plan_trial(endpoint=make_endpoint(**values), text="A fox", now=NOW)
    assert not Job.objects.exists()


# What to do


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("The environment variable LAB_KEY is not set for the workers.", "Set the variable"),
        ("Invalid API key (HTTP 401)", "Check the key"),
        ("You do not have enough credits. (HTTP 400)", "Put money into the account"),
        ("Model not found (HTTP 404)", "Check the address and the remote model"),
        ("seconds: Input should be 4, 8 or 12 (HTTP 422)", "does not understand"),
        ("gen4 cannot take a length of 11 s (it takes 2, 3).", "not told what it cannot take"),
        ("The endpoint cannot be reached: Connection refused", "Check that the endpoint runs"),
        ("lab.test is not public. Mark the endpoint as internal if it is yours.", "internal"),
        ("What came is a page, not a clip: <html>", "no clip that raters could watch"),
        ("What came back cannot be judged: damaged", "no clip that raters could watch"),
        ("Internal Server Error (HTTP 500)", ""),
    ],
)
def test_an_errors_own_words_say_what_to_do(words, advice):
    assert advice_on(words)[: len(advice) or None] == advice or advice in advice_on(words)
    assert bool(advice_on(words)) == bool(advice)


def test_a_refusal_is_a_result():
    job = make_job(JobState.REJECTED, error="Invalid API key (HTTP 401)")
    assert "never asked for in other words" in how_to_mend(job)


def test_a_clip_that_is_there_wants_nothing():
    assert how_to_mend(make_job(JobState.DONE, error="")) == ""


# The command


@pytest.fixture
def workers(monkeypatch):
    """Each look at a job finds that a worker has taken a step."""

    def work(seconds: float) -> None:
        for job in Job.objects.moving():
            for step in (submit_job, poll_job, fetch_job):
                step(job_id=job.pk, now=NOW)

    monkeypatch.setattr(command.time, "sleep", work)


def ran(slug: str, **options) -> str:
    out = StringIO()
    call_command("test_endpoint", slug, stdout=out, **options)
    return out.getvalue()


def test_the_command_says_what_it_costs_and_that_it_works(adapter, workers, tmp_path):
    adapter.fetching = clip_bytes(tmp_path)
    endpoint = make_endpoint(cost_per_job=Decimal("0.4"), currency="USD")
    said = ran(endpoint.model.slug, prompt="A fox").splitlines()
    assert said[0].endswith("estimated cost: about 0.40 USD")
    assert said[1:] == ["Waiting", "cost: 0.40 USD (estimated)", "It works: 64 x 48, 2.00 s"]


def test_the_command_fails_in_the_endpoints_words(adapter, workers):
    adapter.submitting = RejectedError("No foxes.")
    with pytest.raises(CommandError, match=r"Refused by the endpoint: No foxes\."):
        ran(make_endpoint().model.slug)


def test_the_command_says_why_it_waited_and_leaves_nothing_behind(adapter, workers):
    endpoint = make_endpoint(paused_until=LONG_AFTER, paused_why="No money.")
    with pytest.raises(CommandError, match=r"Given up after 0 s\. Waiting: It rests .* No money\."):
        ran(endpoint.model.slug, timeout=0)
    assert Job.objects.get().state == JobState.CANCELLED


def test_the_command_needs_an_endpoint():
    with pytest.raises(CommandError, match="No model nobody has an endpoint"):
        ran("nobody")
