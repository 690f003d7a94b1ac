"""What the owner of a study does: plan, give up, start anew; and what an endpoint's row may be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from annotations.services.studies.states import create_study
from generation.adapters.base import RetryableError
from generation.endpoints.limits import room_at
from generation.enums import CHAINED, MOVING, AttemptState, JobState
from generation.jobs.decisions import cancel_job, give_up_jobs, retry_job, retry_jobs, stop_attempt
from generation.jobs.planning import plan_jobs
from generation.models import Endpoint, Job
from tests.annotations.factories import NOW, make_stimulus
from tests.generation.factories import (
    DEADLINE_AT,
    ENDED,
    as_row,
    make_attempt,
    make_endpoint,
    make_job,
    make_planned_study,
)

pytestmark = pytest.mark.django_db


def test_a_job_is_planned_for_every_model_and_prompt():
    study = make_planned_study(prompts=3)
    assert plan_jobs(study=study, now=NOW) == 6
    assert Job.objects.due(now=NOW).count() == 6


def test_planning_again_plans_nothing():
    study = make_planned_study()
    plan_jobs(study=study, now=NOW)
    assert plan_jobs(study=study, now=NOW) == 0
    assert Job.objects.count() == 4


@pytest.mark.parametrize("state", [state for state in ENDED if state != JobState.DONE])
def test_jobs_that_ended_are_not_planned_anew(state):
    study = make_planned_study()
    plan_jobs(study=study, now=NOW)
    first = make_job() if state in CHAINED else None
    study_jobs = Job.objects.for_study(study.pk)
    study_jobs.update(state=state, error="Words.", wake_at=None, first_step=first)
    assert plan_jobs(study=study, now=NOW) == 0


def test_models_without_an_endpoint_are_left_out():
    assert plan_jobs(study=make_planned_study(models=3, endpoints=1), now=NOW) == 2


def test_endpoints_switched_off_are_left_out():
    study = make_planned_study()
    Endpoint.objects.update(is_active=False)
    assert plan_jobs(study=study, now=NOW) == 0


def test_clips_that_are_there_are_not_made_again():
    study = make_planned_study(prompts=2)
    model, prompt = study.study_models.first().model, study.study_prompts.first().prompt
    make_stimulus(model, prompt, study=study)
    assert plan_jobs(study=study, now=NOW) == 3
    assert not Job.objects.filter(endpoint__model=model, prompt=prompt).exists()


def test_a_clip_that_was_taken_out_is_made_anew_with_another_seed():
    study = make_planned_study(prompts=1, endpoints=1)
    plan_jobs(study=study, now=NOW)
    Job.objects.update(state=JobState.DONE, wake_at=None)
    assert plan_jobs(study=study, now=NOW) == 1
    assert sorted(Job.objects.values_list("seed", flat=True)) == [0, 1]


def test_what_another_study_asked_for_is_asked_for_anew_with_another_seed():
    study = make_planned_study(prompts=2, endpoints=1)
    other = create_study(
        title="Other",
        slug="other",
        models=list(study.generative_models.all()),
        prompts=list(study.prompts.all()),
    )
    assert [plan_jobs(study=one, now=NOW) for one in (study, other, study)] == [2, 2, 0]
    seeds = {one: set(one.planned_jobs.values_list("seed", flat=True)) for one in (study, other)}
    assert seeds == {study: {0}, other: {1}}


@pytest.mark.parametrize("state", MOVING)
def test_a_moving_job_can_be_given_up(adapter, state):
    job = make_job(state)
    assert cancel_job(job=job, now=NOW) is True
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.CANCELLED, "Given up by the owner.")
    assert (job.wake_at, job.finished_at) == (None, NOW)
    assert adapter.calls == (["cancel v1"] if job.remote_id else [])


@pytest.mark.parametrize("state", ENDED)
def test_a_job_that_ended_cannot_be_given_up(adapter, state):
    job = make_job(state)
    before = as_row(job)
    assert cancel_job(job=job, now=NOW) is False
    assert (as_row(job), adapter.calls) == (before, [])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RetryableError("It did not answer."), "It did not answer."),
        (RuntimeError("odd"), "Unforeseen: RuntimeError: odd"),
    ],
)
def test_an_endpoint_that_could_not_be_told_is_named(adapter, error, words):
    job = make_job(JobState.REMOTE_PENDING)
    adapter.cancelling = error
    assert cancel_job(job=job, now=NOW) is True
    job.refresh_from_db()
    assert job.error == f"Given up by the owner. The endpoint could not be told: {words}"


def test_a_job_started_anew_meanwhile_keeps_its_words(adapter):
    job = make_job(JobState.REMOTE_PENDING)
    adapter.cancelling = RetryableError("It did not answer.")
    adapter.meanwhile = lambda: retry_job(job=job, now=NOW)
    cancel_job(job=job, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.READY, "")


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.REJECTED, JobState.CANCELLED])
def test_a_job_that_ended_badly_can_start_anew(state):
    job = make_job(state, submits=6, fetches=6, polls=9, remote_id="v1", finished_at=NOW)
    assert retry_job(job=job, now=NOW) is True
    job.refresh_from_db()
    assert (job.state, job.wake_at, job.finished_at) == (JobState.READY, NOW, None)
    assert (job.submits, job.fetches, job.polls) == (0, 0, 0)
    assert (job.remote_id, job.error) == ("", "")


def test_a_job_that_waits_for_a_person_can_start_anew():
    job = make_job(JobState.UNKNOWN_OUTCOME, wake_at=None)
    assert retry_job(job=job, now=NOW) is True


@pytest.mark.parametrize("state", [*MOVING, JobState.DONE])
def test_no_other_job_can(state):
    job = make_job(state)
    before = as_row(job)
    assert retry_job(job=job, now=NOW) is False
    assert as_row(job) == before


@pytest.mark.parametrize("name", ["model", "prompt", "seed"])
def test_parameters_that_the_job_sets_are_refused(name):
    endpoint = make_endpoint(parameters={"seconds": "4", name: "x"})
    with pytest.raises(ValidationError, match=f"The job itself sets {name}"):
        endpoint.full_clean()


def test_many_are_given_up_at_once_and_stopped_one_by_one(adapter):
    endpoint = make_endpoint()
    waiting = make_job(JobState.READY, endpoint)
    running = make_job(JobState.REMOTE_PENDING, endpoint)
    ended = make_job(JobState.DONE, endpoint)
    given_up, to_stop = give_up_jobs(jobs=endpoint.jobs.all(), now=NOW)
    assert (given_up, to_stop, adapter.calls) == (2, [running.attempts.get().pk], [])
    assert states_of(waiting, running, ended) == [*[JobState.CANCELLED] * 2, JobState.DONE]


def test_what_was_given_up_keeps_its_place_until_it_is_stopped(adapter):
    endpoint = make_endpoint(max_concurrency=1)
    make_job(JobState.REMOTE_PENDING, endpoint)
    _, [attempt_id] = give_up_jobs(jobs=endpoint.jobs.all(), now=NOW)
    assert room_at(endpoint, NOW).jobs == 0
    stop_attempt(attempt_id=attempt_id, now=NOW)
    stop_attempt(attempt_id=attempt_id, now=NOW)
    assert room_at(endpoint, NOW).jobs == 1
    assert adapter.calls == ["cancel v1"]


def test_many_are_tried_anew_and_those_that_are_made_only_fetched():
    endpoint = make_endpoint()
    broken = make_job(JobState.FAILED, endpoint, remote_id="gone")
    undelivered = make_job(JobState.FAILED, endpoint, remote_id="v2", progress=100)
    make_attempt(undelivered)
    parked = make_job(JobState.UNKNOWN_OUTCOME, endpoint, wake_at=None)
    moving = make_job(JobState.READY, endpoint, wake_at=DEADLINE_AT)
    assert retry_jobs(jobs=endpoint.jobs.all(), now=NOW) == 3
    assert states_of(broken, undelivered, parked, moving) == [
        JobState.READY,
        JobState.REMOTE_PENDING,
        JobState.READY,
        JobState.READY,
    ]
    assert [broken.remote_id, undelivered.remote_id, moving.wake_at] == ["", "v2", DEADLINE_AT]
    assert parked.attempts.get().state == AttemptState.ABANDONED


def states_of(*jobs: Job) -> list[str]:
    for job in jobs:
        job.refresh_from_db()
    return [job.state for job in jobs]


@pytest.mark.parametrize("act", [retry_jobs, give_up_jobs])
def test_the_number_of_queries_does_not_grow_with_the_jobs(act, django_assert_max_num_queries):
    counts = []
    for size in (1, 20):
        endpoint = make_endpoint()
        state = JobState.FAILED if act is retry_jobs else JobState.REMOTE_PENDING
        for _ in range(size):
            make_job(state, endpoint)
        with django_assert_max_num_queries(12) as seen:
            act(jobs=endpoint.jobs.all(), now=NOW)
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_studies_that_plan_at_once_ask_each_for_their_own_clips():
    first = make_planned_study(prompts=2, endpoints=2)
    others = [
        create_study(
            title="Other",
            slug=f"other-{number}",
            models=list(first.generative_models.all()),
            prompts=list(first.prompts.all()),
        )
        for number in range(3)
    ]

    def plan(study) -> int:
        try:
            return plan_jobs(study=study, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(plan, [first, *others])) == [4] * 4
    assert sorted(Job.objects.values_list("seed", flat=True)) == sorted([*range(4)] * 4)
