"""How a job moves, step by step, and that it never moves twice for one cause."""

from __future__ import annotations

from datetime import timedelta

import pytest

from annotations.models import Stimulus
from annotations.services.studies import create_study
from generation import services
from generation.adapters.base import (
    AuthOrQuotaError,
    GenerationRequest,
    PermanentError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from generation.enums import AttemptState, JobState
from generation.models import Attempt, Endpoint, Job
from generation.services import (
    MAX_FETCHES,
    cancel_job,
    fetch_job,
    lease_due_jobs,
    plan_jobs,
    poll_job,
    reconcile_job,
    retry_job,
    submit_job,
)
from generation.transitions import MAX_SUBMITS
from tests.annotations.factories import NOW, make_model, make_prompt, make_stimulus
from tests.generation.fakes import MODEL, FakeEndpoint
from tests.media.clips import make_clip

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
STEPS = {"submit": submit_job, "poll": poll_job, "fetch": fetch_job, "reconcile": reconcile_job}
STEP_OF = {
    JobState.READY: "submit",
    JobState.SUBMITTING: "reconcile",
    JobState.UNKNOWN_OUTCOME: "reconcile",
    JobState.REMOTE_PENDING: "poll",
    JobState.FETCHING: "fetch",
}


@pytest.fixture
def remote(tmp_path, monkeypatch) -> FakeEndpoint:
    fake = FakeEndpoint(clip=make_clip(tmp_path / "clip.mp4"))
    monkeypatch.setattr(services, "adapter_for", lambda endpoint: fake)
    return fake


def make_endpoint(**values) -> Endpoint:
    return Endpoint.objects.create(
        **{
            "model": make_model(),
            "name": "Lab",
            "base_url": "https://lab.example/v1",
            "remote_model": MODEL,
            **values,
        }
    )


def make_job(state: str = JobState.READY, *, endpoint: Endpoint | None = None, **values) -> Job:
    """A job in a state, with the attempt and remote id that belong to it."""
    endpoint = endpoint or make_endpoint()
    needs_error = state in (JobState.FAILED, JobState.REJECTED, JobState.CANCELLED)
    job = Job.objects.create(
        **{
            "endpoint": endpoint,
            "prompt": make_prompt(),
            "state": state,
            "wake_at": NOW,
            "error": "Broken." if needs_error else "",
            **values,
        }
    )
    if state != JobState.READY:
        Attempt.objects.create(job=job, sent_at=NOW, remote_id=job.remote_id)
    return job


def at_endpoint(remote: FakeEndpoint, state: str, **values) -> Job:
    """A job that the endpoint has, in a later state."""
    job = make_job(state, remote_id="remote-1", **values)
    remote.jobs["remote-1"] = GenerationRequest(job.prompt.text, job.seed)
    return job


def now_in(job: Job, *states: str) -> Job:
    job.refresh_from_db()
    assert job.state in states
    return job


# From planned to done


def test_a_job_ends_as_a_stimulus_that_knows_where_it_came_from(remote):
    job = make_job(seed=3)
    submit_job(job_id=job.pk, now=NOW)
    now_in(job, JobState.REMOTE_PENDING)
    assert poll_job(job_id=job.pk, now=NOW) is False
    assert now_in(job, JobState.REMOTE_PENDING).progress == 50
    remote.finish_all()
    assert poll_job(job_id=job.pk, now=NOW) is True
    fetch_job(job_id=job.pk, now=NOW)
    stimulus = now_in(job, JobState.DONE).stimulus
    assert (stimulus.model, stimulus.prompt, stimulus.seed) == (job.endpoint.model, job.prompt, 3)
    assert stimulus.provenance["remote_id"] == "remote-1"
    assert stimulus.provenance["prompt"] == job.prompt.text
    assert stimulus.provenance["answer"] == {"id": "remote-1"}
    assert (job.wake_at, job.error) == (None, "")


def test_the_attempt_is_written_before_anything_is_sent(remote, monkeypatch):
    job = make_job()
    seen = []

    def submit(request):
        seen.append(Attempt.objects.get(job=job).state)
        raise RejectedError("No.")

    monkeypatch.setattr(remote, "submit", submit)
    submit_job(job_id=job.pk, now=NOW)
    assert seen == [AttemptState.SENDING]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("state", JobState.values)
def test_a_step_that_comes_late_or_twice_does_nothing(remote, step, state):
    """The queue may deliver any step at any time."""
    if STEP_OF.get(JobState(state)) == step and state != JobState.SUBMITTING:
        return
    job = make_job(state)
    STEPS[step](job_id=job.pk, now=NOW)
    assert now_in(job, state)
    assert remote.calls == []


def test_a_step_of_a_job_that_was_deleted_does_nothing(remote):
    for step in STEPS.values():
        step(job_id=404, now=NOW)
    assert remote.calls == []


# Limits of an endpoint


def test_no_more_jobs_are_sent_than_the_endpoint_has_places(remote):
    endpoint = make_endpoint(max_concurrency=2)
    jobs = [make_job(endpoint=endpoint) for _ in range(4)]
    for job in jobs:
        submit_job(job_id=job.pk, now=NOW)
    states = [job.state for job in Job.objects.order_by("pk")]
    assert states == [JobState.REMOTE_PENDING] * 2 + [JobState.READY] * 2
    assert len(remote.jobs) == 2


def test_no_more_waiting_jobs_are_woken_than_there_are_places():
    endpoint = make_endpoint(max_concurrency=3)
    for _ in range(5):
        make_job(endpoint=endpoint)
    make_job(JobState.REMOTE_PENDING, endpoint=endpoint, wake_at=NOW + DAY)
    assert len(lease_due_jobs(now=NOW)) == 2


@pytest.mark.parametrize(
    "values", [{"is_active": False}, {"paused_until": NOW + timedelta(minutes=1)}]
)
def test_an_endpoint_that_rests_is_left_alone(remote, values):
    job = make_job(endpoint=make_endpoint(**values))
    assert lease_due_jobs(now=NOW) == []
    submit_job(job_id=job.pk, now=NOW)
    now_in(job, JobState.READY)
    assert remote.calls == []


def test_a_due_job_is_handed_out_once_until_its_patience_ends(settings):
    job = make_job()
    assert lease_due_jobs(now=NOW) == [(job.pk, JobState.READY)]
    assert lease_due_jobs(now=NOW) == []
    later = NOW + timedelta(seconds=settings.GENERATION_QUEUE_PATIENCE_SECONDS)
    assert lease_due_jobs(now=later) == [(job.pk, JobState.READY)]


# What an endpoint may answer to a submit


def test_a_refused_prompt_is_an_outcome_in_the_endpoints_words(remote):
    job = make_job()
    remote.fails["submit"] = [RejectedError("No foxes, please.")]
    submit_job(job_id=job.pk, now=NOW)
    assert now_in(job, JobState.REJECTED).error == "No foxes, please."
    assert lease_due_jobs(now=NOW + DAY) == []


def test_an_impossible_call_ends_the_job(remote):
    job = make_job()
    remote.fails["submit"] = [PermanentError("Bad size.")]
    submit_job(job_id=job.pk, now=NOW)
    assert now_in(job, JobState.FAILED).error == "Bad size."


def test_a_rate_limit_pauses_the_endpoint_and_costs_the_job_nothing(remote):
    job = make_job()
    remote.fails["submit"] = [RateLimitedError("Slow down.", 40)]
    submit_job(job_id=job.pk, now=NOW)
    assert now_in(job, JobState.READY).submits == 0
    endpoint = Endpoint.objects.get()
    assert endpoint.paused_until == NOW + timedelta(seconds=40)
    assert endpoint.paused_why == "Slow down."
    assert lease_due_jobs(now=NOW + timedelta(seconds=39)) == []
    assert lease_due_jobs(now=NOW + timedelta(seconds=41)) == [(job.pk, JobState.READY)]


def test_a_wrong_key_pauses_the_endpoint_and_says_so(remote):
    job = make_job()
    remote.fails["submit"] = [AuthOrQuotaError("Invalid key.")]
    submit_job(job_id=job.pk, now=NOW)
    assert now_in(job, JobState.READY).error == "Invalid key."
    assert Endpoint.objects.get().paused_why == "Invalid key."


def test_a_closed_door_is_tried_a_few_times_and_then_told(remote):
    job = make_job()
    remote.fails["submit"] = [RetryableError("No route.")] * MAX_SUBMITS
    for number in range(MAX_SUBMITS):
        submit_job(job_id=job.pk, now=NOW + number * DAY)
    assert now_in(job, JobState.FAILED).error == "No route."
    assert job.attempts.count() == MAX_SUBMITS


# A lost answer


def lose_answer(remote: FakeEndpoint, *, arrives: bool) -> Job:
    job = make_job()
    if arrives:
        remote.loses_answers = True
    else:
        remote.fails["submit"] = [UnknownOutcomeError("The line went dead.")]
    submit_job(job_id=job.pk, now=NOW)
    remote.loses_answers = False
    return now_in(job, JobState.UNKNOWN_OUTCOME)


def test_a_job_that_arrived_is_adopted_and_not_sent_again(remote):
    job = lose_answer(remote, arrives=True)
    reconcile_job(job_id=job.pk, now=NOW)
    assert now_in(job, JobState.REMOTE_PENDING).remote_id == "remote-1"
    assert job.attempts.get().state == AttemptState.ACCEPTED
    assert remote.calls.count("submit") == 1


def test_a_job_that_is_not_in_the_list_is_waited_for_and_then_sent_again(remote, settings):
    job = lose_answer(remote, arrives=False)
    reconcile_job(job_id=job.pk, now=NOW)
    now_in(job, JobState.UNKNOWN_OUTCOME)
    later = NOW + timedelta(seconds=settings.GENERATION_LIST_LAG_SECONDS)
    reconcile_job(job_id=job.pk, now=later)
    now_in(job, JobState.READY)
    assert job.attempts.get().state == AttemptState.LOST
    submit_job(job_id=job.pk, now=later)
    now_in(job, JobState.REMOTE_PENDING)
    assert len(remote.jobs) == 1


def test_a_job_whose_answer_is_always_lost_ends(remote):
    job = make_job()
    remote.fails["submit"] = [UnknownOutcomeError("The line went dead.")] * 99
    for number in range(MAX_SUBMITS):
        submit_job(job_id=job.pk, now=NOW + number * DAY)
        reconcile_job(job_id=job.pk, now=NOW + number * DAY + DAY / 2)
    assert now_in(job, JobState.FAILED).submits == MAX_SUBMITS
    assert job.error == "The endpoint does not have it."


def test_two_remote_jobs_that_could_be_it_wait_for_a_person(remote):
    job = lose_answer(remote, arrives=True)
    remote.jobs["remote-2"] = remote.jobs["remote-1"]
    reconcile_job(job_id=job.pk, now=NOW)
    assert "2 jobs at the endpoint could be this one" in now_in(job, job.state).error
    assert job.wake_at is None
    assert list(Job.objects.failed()) == [job]


def test_a_remote_job_that_belongs_to_another_is_not_adopted(remote):
    other = at_endpoint(remote, JobState.REMOTE_PENDING)
    job = make_job(
        JobState.UNKNOWN_OUTCOME, endpoint=other.endpoint, prompt=other.prompt, seed=other.seed + 1
    )
    remote.jobs["remote-2"] = GenerationRequest(job.prompt.text, job.seed)
    reconcile_job(job_id=job.pk, now=NOW)
    assert now_in(job, JobState.REMOTE_PENDING).remote_id == "remote-2"


def test_without_a_list_a_lost_answer_waits_for_a_person(remote):
    job = lose_answer(remote, arrives=True)
    remote.fails["list"] = [PermanentError("Not here.")]
    reconcile_job(job_id=job.pk, now=NOW)
    assert now_in(job, JobState.UNKNOWN_OUTCOME).wake_at is None
    assert "has no list" in job.error


def test_a_list_that_cannot_be_read_is_asked_for_until_the_deadline(remote, settings):
    job = lose_answer(remote, arrives=True)
    remote.fails["list"] = [RetryableError("Down.")] * 2
    reconcile_job(job_id=job.pk, now=NOW)
    assert now_in(job, JobState.UNKNOWN_OUTCOME).wake_at > NOW
    late = NOW + timedelta(seconds=settings.GENERATION_DEADLINE_SECONDS + 1)
    reconcile_job(job_id=job.pk, now=late)
    assert now_in(job, JobState.UNKNOWN_OUTCOME).wake_at is None
    assert "Down." in job.error


# A worker that is lost


def test_a_worker_lost_while_sending_leaves_the_outcome_in_doubt():
    job = make_job(JobState.SUBMITTING)
    assert lease_due_jobs(now=NOW) == [(job.pk, JobState.SUBMITTING)]
    now_in(job, JobState.UNKNOWN_OUTCOME)
    assert job.attempts.get().state == AttemptState.UNKNOWN


def test_an_answer_that_comes_after_all_is_taken(remote, monkeypatch):
    """The worker was slow, not dead: another one already doubts the outcome."""
    job = make_job()
    real_submit = remote.submit

    def slow_submit(request):
        lease_due_jobs(now=NOW + DAY)
        now_in(job, JobState.UNKNOWN_OUTCOME)
        return real_submit(request)

    monkeypatch.setattr(remote, "submit", slow_submit)
    submit_job(job_id=job.pk, now=NOW)
    now_in(job, JobState.REMOTE_PENDING)
    assert len(remote.jobs) == 1


@pytest.mark.parametrize(
    "state", [JobState.REMOTE_PENDING, JobState.FETCHING, JobState.UNKNOWN_OUTCOME]
)
def test_a_job_whose_worker_is_lost_is_taken_up_again(state):
    job = make_job(state)
    assert lease_due_jobs(now=NOW - DAY) == []
    assert lease_due_jobs(now=NOW) == [(job.pk, state)]


def test_a_clip_that_kills_its_worker_each_time_ends(remote):
    job = at_endpoint(remote, JobState.FETCHING, fetches=MAX_FETCHES)
    fetch_job(job_id=job.pk, now=NOW)
    assert "downloads were begun and none ended" in now_in(job, JobState.FAILED).error


# Polling


def test_a_server_that_forgot_its_jobs_gets_them_again(remote):
    job = at_endpoint(remote, JobState.REMOTE_PENDING, submits=1)
    remote.forget("remote-1")
    poll_job(job_id=job.pk, now=NOW + DAY)
    now_in(job, JobState.READY)
    submit_job(job_id=job.pk, now=NOW + DAY)
    now_in(job, JobState.REMOTE_PENDING)


def test_a_server_that_always_forgets_ends_the_job(remote):
    job = at_endpoint(remote, JobState.REMOTE_PENDING, submits=MAX_SUBMITS)
    remote.forget("remote-1")
    poll_job(job_id=job.pk, now=NOW + DAY)
    assert now_in(job, JobState.FAILED).error == "No such job."


@pytest.mark.parametrize(
    ("error", "state"),
    [(PermanentError("Out of memory."), "failed"), (RejectedError("No foxes."), "rejected")],
)
def test_a_job_that_failed_remotely_ends_in_its_words(remote, error, state):
    job = at_endpoint(remote, JobState.REMOTE_PENDING)
    remote.fails["poll"] = [error]
    poll_job(job_id=job.pk, now=NOW)
    assert now_in(job, state).error == str(error)


def test_a_question_without_an_answer_is_asked_again_until_the_deadline(remote):
    job = at_endpoint(remote, JobState.REMOTE_PENDING, deadline_at=NOW + DAY)
    remote.fails["poll"] = [RetryableError("Down."), AuthOrQuotaError("Key expired.")]
    poll_job(job_id=job.pk, now=NOW)
    assert now_in(job, JobState.REMOTE_PENDING).wake_at > NOW
    poll_job(job_id=job.pk, now=NOW + 2 * DAY)
    assert now_in(job, JobState.FAILED).error == "Key expired."


def test_a_job_that_is_never_done_ends_at_its_deadline(remote):
    job = at_endpoint(remote, JobState.REMOTE_PENDING, deadline_at=NOW)
    poll_job(job_id=job.pk, now=NOW + DAY)
    assert "in time" in now_in(job, JobState.FAILED).error


def test_a_rate_limit_on_polling_is_kept(remote):
    job = at_endpoint(remote, JobState.REMOTE_PENDING)
    remote.fails["poll"] = [RateLimitedError("Slow down.", 120)]
    poll_job(job_id=job.pk, now=NOW)
    assert now_in(job, JobState.REMOTE_PENDING).wake_at > NOW + timedelta(seconds=120)
    assert Endpoint.objects.get().is_paused(NOW)


# Fetching


def test_what_cannot_be_judged_ends_the_job_and_says_why(remote, tmp_path):
    remote.clip = tmp_path / "page.html"
    remote.clip.write_text("<html>Your link has expired</html>")
    job = at_endpoint(remote, JobState.FETCHING)
    fetch_job(job_id=job.pk, now=NOW)
    assert now_in(job, JobState.FAILED).error.startswith("What came back cannot be judged: ")
    assert Stimulus.objects.count() == 0


def test_a_broken_download_is_tried_again_and_then_told(remote):
    job = at_endpoint(remote, JobState.FETCHING)
    remote.fails["fetch"] = [RetryableError("Cut off.")] * MAX_FETCHES
    for number in range(MAX_FETCHES):
        fetch_job(job_id=job.pk, now=NOW + number * DAY)
    assert now_in(job, JobState.FAILED).error == "Cut off."
    assert job.fetches == MAX_FETCHES


def test_a_clip_that_is_done_but_never_there_ends(remote):
    """Completed when asked, 404 when fetched, for ever."""
    job = at_endpoint(remote, JobState.REMOTE_PENDING)
    remote.finish_all()
    remote.fails["fetch"] = [services.VanishedError("No content.")] * 99
    for number in range(MAX_FETCHES + 1):
        poll_job(job_id=job.pk, now=NOW + number * DAY)
        fetch_job(job_id=job.pk, now=NOW + number * DAY)
    now_in(job, JobState.FAILED)


def test_a_clip_that_is_there_already_is_not_doubled(remote):
    job = at_endpoint(remote, JobState.FETCHING)
    fetch_job(job_id=job.pk, now=NOW)
    Job.objects.filter(pk=job.pk).update(state=JobState.FETCHING, stimulus=None, wake_at=NOW)
    fetch_job(job_id=job.pk, now=NOW)
    assert now_in(job, JobState.DONE).stimulus == Stimulus.objects.get()


# By hand


@pytest.mark.parametrize("state", JobState.values)
def test_retry_takes_up_only_what_ended_badly(state):
    job = make_job(state, submits=3)
    ended_badly = state in (JobState.FAILED, JobState.REJECTED, JobState.CANCELLED)
    assert retry_job(job=job, now=NOW) is ended_badly
    now_in(job, JobState.READY if ended_badly else state)


def test_retry_takes_up_what_waits_for_a_person():
    job = make_job(JobState.UNKNOWN_OUTCOME, wake_at=None)
    assert retry_job(job=job, now=NOW) is True
    now_in(job, JobState.READY)


@pytest.mark.parametrize(
    "state",
    [JobState.READY, JobState.REMOTE_PENDING, JobState.UNKNOWN_OUTCOME, JobState.FETCHING],
)
def test_a_job_given_up_is_stopped_at_the_endpoint_too(remote, state):
    job = at_endpoint(remote, state)
    assert cancel_job(job=job, now=NOW) is True
    now_in(job, JobState.CANCELLED)
    assert remote.cancelled == {"remote-1"}
    assert lease_due_jobs(now=NOW + DAY) == []


def test_a_late_error_does_not_revive_a_job_that_was_given_up(remote, monkeypatch):
    job = make_job()

    def slow_submit(request):
        lease_due_jobs(now=NOW + DAY)
        assert cancel_job(job=job, now=NOW)
        raise RetryableError("No route.")

    monkeypatch.setattr(remote, "submit", slow_submit)
    submit_job(job_id=job.pk, now=NOW)
    now_in(job, JobState.CANCELLED)


def test_a_download_is_queued_once(remote):
    job = at_endpoint(remote, JobState.REMOTE_PENDING)
    remote.finish_all()
    assert poll_job(job_id=job.pk, now=NOW) is True
    assert lease_due_jobs(now=NOW) == []
    assert lease_due_jobs(now=NOW + DAY) == [(job.pk, JobState.FETCHING)]


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED, JobState.REJECTED])
def test_a_job_that_has_ended_is_not_given_up(remote, state):
    job = make_job(state)
    assert cancel_job(job=job, now=NOW) is False
    now_in(job, state)
    assert remote.calls == []


def test_an_endpoint_that_cannot_be_told_is_named(remote):
    job = at_endpoint(remote, JobState.REMOTE_PENDING)
    remote.fails["cancel"] = [RetryableError("Down.")]
    assert cancel_job(job=job, now=NOW) is True
    assert "could not be told: Down." in now_in(job, JobState.CANCELLED).error


# Planning


def test_one_job_is_planned_per_missing_clip_and_only_once():
    model, without_endpoint = make_model(), make_model()
    endpoint = make_endpoint(model=model)
    prompts = [make_prompt() for _ in range(3)]
    study = create_study(
        title="Plan", slug="plan", models=[model, without_endpoint], prompts=prompts
    )
    make_stimulus(model, prompts[0])
    assert plan_jobs(study=study, now=NOW) == 2
    assert plan_jobs(study=study, now=NOW) == 0
    jobs = Job.objects.for_study(study.pk)
    assert {(job.endpoint, job.prompt) for job in jobs} == {
        (endpoint, prompts[1]),
        (endpoint, prompts[2]),
    }


def test_a_failed_job_is_not_planned_again():
    failed = make_job(JobState.FAILED)
    study = create_study(
        title="Plan", slug="plan", models=[failed.endpoint.model], prompts=[failed.prompt]
    )
    assert plan_jobs(study=study, now=NOW) == 0
