"""What a report says of the clips that were wanted: refusals are results, by model."""

from __future__ import annotations

import json

import pytest

from analysis.core.report import build_report
from analysis.core.settings import ReportSettings
from analysis.page.html import render_report
from analysis.services.making import compute_report_now
from analysis.votes.readers import read_votes
from analysis.votes.seen import votes_seen
from annotations.services.clips.outcomes import outcomes_of
from generation.enums import JobState
from generation.jobs.decisions import retry_job
from generation.models import Job
from tests.analysis.studies import EXAMPLES
from tests.annotations.factories import (
    NOW,
    judge,
    make_model,
    make_prompt,
    make_rater,
    running_study,
)
from tests.annotations.factories import make_stimulus as stimulus_of
from tests.generation.factories import make_endpoint, make_job, make_planned_study

pytestmark = pytest.mark.django_db


def first_model(study):
    return study.study_models.first().model


def study_with(*states):
    """A study whose first model has a job in each of these states."""
    study = make_planned_study(prompts=len(states), endpoints=1)
    model = first_model(study)
    for prompt, state in zip(study.prompts.order_by("pk"), states, strict=True):
        job = make_job(state, model.endpoint, prompt=prompt, study=study)
        if state == JobState.DONE:
            clip = stimulus_of(model, prompt, study=study)
            Job.objects.filter(pk=job.pk).update(stimulus=clip)
    return study


def counted(study) -> dict[str, int]:
    found = outcomes_of(study)[0]
    return {name: n for name, n in vars(found).items() if n and name != "model"}


def test_each_model_is_counted_by_what_became_of_its_clips():
    study = study_with(
        JobState.DONE,
        JobState.REJECTED,
        JobState.REJECTED,
        JobState.FAILED,
        JobState.CANCELLED,
        JobState.REMOTE_PENDING,
    )
    assert counted(study) == {
        "wanted": 6,
        "made": 1,
        "refused": 2,
        "failed": 1,
        "given_up": 1,
        "not_yet": 1,
    }
    assert outcomes_of(study)[1].not_yet == 6


def test_a_clip_that_was_imported_after_all_is_not_missing():
    study = study_with(JobState.REJECTED, JobState.FAILED)
    stimulus_of(first_model(study), study.prompts.first(), study=study)
    assert counted(study) == {"wanted": 2, "imported": 1, "failed": 1}


def test_a_refusal_that_was_retried_and_made_is_no_refusal():
    study = study_with(JobState.REJECTED)
    retry_job(job=Job.objects.get(), now=NOW)
    assert counted(study) == {"wanted": 1, "not_yet": 1}


def test_tests_of_endpoints_and_other_studies_do_not_count():
    study = study_with(JobState.DONE)
    make_job(JobState.REJECTED, first_model(study).endpoint, prompt=make_prompt(), is_trial=True)
    make_job(JobState.REJECTED, make_endpoint(make_model()))
    assert counted(study) == {"wanted": 1, "made": 1}


def test_the_number_of_queries_is_fixed(django_assert_num_queries):
    study = study_with(*[JobState.REJECTED] * 5, JobState.DONE)
    with django_assert_num_queries(5):
        outcomes_of(study)


def judged_study():
    """A study with a judgment, whose second model refused a further prompt."""
    study = running_study(comparisons=2)
    judge(make_rater(study))
    comparison = study.comparisons.order_by("pk").last()
    endpoint = make_endpoint(comparison.stimulus_b.model)
    study.study_prompts.create(prompt=make_prompt(), position=9)
    make_job(JobState.REJECTED, endpoint, prompt=study.study_prompts.last().prompt, study=study)
    return study


def test_the_report_tells_it_by_model_as_page_and_as_json():
    study = judged_study()
    report = compute_report_now(study=study)
    clips = {one["model"]: one for one in json.loads(report.content)["settings"]["clips"]}
    refused = {model: one["refused"] for model, one in clips.items()}
    assert sorted(refused.values()) == [0, 1]
    page = report.page.open("rb").read().decode()
    assert "Refused by moderation" in page
    assert "2 of them are missing" in page
    assert 'href="generation.csv"' in page


def test_a_refusal_asks_for_a_new_report():
    study = judged_study()
    before = votes_seen(study).fingerprint
    Job.objects.update(state=JobState.CANCELLED)
    assert votes_seen(study).fingerprint != before


def test_votes_from_elsewhere_say_nothing_of_clips():
    votes = read_votes(EXAMPLES / "judgments.csv").votes
    settings = ReportSettings("Elsewhere", 5, ties_allowed=True, bootstrap_draws=50)
    assert "Clips that were wanted" not in render_report(build_report(votes, settings=settings))
