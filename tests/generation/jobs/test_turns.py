"""Whose job is sent next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from annotations.models import Study
from annotations.services.studies.states import create_study
from generation.enums import JobState, Priority
from generation.jobs.decisions import set_priority
from generation.jobs.planning import plan_jobs
from generation.jobs.steps.submitting import submit_job
from generation.jobs.turns import next_jobs
from generation.models import Endpoint, Job
from tests.annotations.factories import NOW, make_model, make_prompt
from tests.generation.factories import make_endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint() -> Endpoint:
    return make_endpoint(max_concurrency=2)


def study_of(endpoint: Endpoint, slug: str, clips: int) -> Study:
    """A study that asks the endpoint for clips."""
    models = [endpoint.model, make_model()]
    prompts = [make_prompt() for _ in range(clips)]
    study = create_study(title=slug, slug=slug, models=models, prompts=prompts)
    plan_jobs(study=study, now=NOW)
    return study


def work(endpoint: Endpoint, adapter, rounds: int) -> list[str]:
    """Send one job after the other, each made before the next; whose they were."""
    served, now = [], NOW
    for number in range(rounds):
        now += timedelta(seconds=1)
        (job,) = next_jobs(endpoint, 1, now)
        adapter.submitting = type(adapter.submitting)(f"v{number}", {})
        submit_job(job_id=job.pk, now=now)
        Job.objects.filter(pk=job.pk).update(state=JobState.DONE, wake_at=None)
        served.append(job.study.slug)
    return served


def test_ten_clips_do_not_wait_for_hundreds(adapter, endpoint):
    study_of(endpoint, "large", 300)
    study_of(endpoint, "small", 10)
    assert work(endpoint, adapter, 20).count("small") == 10


def test_a_study_that_comes_later_is_served_at_once(adapter, endpoint):
    study_of(endpoint, "large", 100)
    work(endpoint, adapter, 30)
    study_of(endpoint, "small", 5)
    assert work(endpoint, adapter, 5) == ["small"] * 5


def test_the_places_are_shared_between_the_studies(endpoint):
    large, small = study_of(endpoint, "large", 20), study_of(endpoint, "small", 3)
    chosen = [job.study for job in next_jobs(endpoint, 8, NOW)]
    assert (chosen.count(large), chosen.count(small)) == (5, 3)


def test_who_has_jobs_under_way_comes_after_who_has_none(endpoint):
    large, small = study_of(endpoint, "large", 20), study_of(endpoint, "small", 3)
    under_way = Job.objects.filter(study=large)[:2].values("pk")
    Job.objects.filter(pk__in=under_way).update(state=JobState.REMOTE_PENDING)
    assert [job.study for job in next_jobs(endpoint, 2, NOW)] == [small, small]


def test_what_is_urgent_goes_before_any_turn(endpoint):
    study_of(endpoint, "one", 3)
    other = study_of(endpoint, "other", 3)
    assert set_priority(jobs=other.planned_jobs.all(), priority=Priority.FIRST) == 3
    assert [job.study for job in next_jobs(endpoint, 3, NOW)] == [other] * 3


def test_what_can_wait_goes_when_nothing_else_waits(endpoint):
    one, other = study_of(endpoint, "one", 2), study_of(endpoint, "other", 2)
    set_priority(jobs=one.planned_jobs.all(), priority=Priority.LATER)
    assert [job.study for job in next_jobs(endpoint, 4, NOW)] == [other, other, one, one]


def test_jobs_of_a_study_that_was_deleted_have_their_turn(endpoint):
    study_of(endpoint, "gone", 2).delete()
    study = study_of(endpoint, "here", 2)
    assert {job.study for job in next_jobs(endpoint, 2, NOW)} == {None, study}


def test_jobs_that_are_under_way_keep_their_priority(endpoint):
    study = study_of(endpoint, "one", 1)
    Job.objects.update(state=JobState.REMOTE_PENDING)
    assert set_priority(jobs=study.planned_jobs.all(), priority=Priority.FIRST) == 0


@pytest.mark.parametrize("studies", [1, 3])
def test_choosing_asks_the_database_per_study_not_per_job(
    endpoint, studies, django_assert_max_num_queries
):
    for number in range(studies):
        study_of(endpoint, f"study-{number}", 20)
    with django_assert_max_num_queries(3 + studies):
        next_jobs(endpoint, 10, NOW)
