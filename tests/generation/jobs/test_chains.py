"""Text to image to video: the second step follows the first, whatever happens between them."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotations.models import Stimulus
from annotations.services.studies.states import create_study
from generation.adapters.base import PermanentError, RejectedError
from generation.endpoints.suitability import EndpointUnsuited
from generation.enums import JobState
from generation.jobs.chains import settle_chains
from generation.jobs.decisions import cancel_job, give_up_jobs, retry_job, spare_awaited
from generation.jobs.planning import plan_jobs
from generation.jobs.steps import fetching
from generation.jobs.steps.fetching import fetch_job
from generation.jobs.steps.polling import poll_job
from generation.jobs.steps.submitting import submit_job
from generation.jobs.waking import lease_due_jobs
from generation.models import Endpoint, Job
from tests.annotations.factories import NOW, make_model, make_prompt, make_stimulus
from tests.generation.factories import clip_bytes, make_endpoint, make_job
from tests.media.clips import make_still

pytestmark = pytest.mark.django_db

FROM_A_PICTURE = {"kinds": ["text-to-video", "image-to-video"]}


def make_first(**values) -> Endpoint:
    return make_endpoint(adapter="openai_images", parameters={}, **values)


def make_second(first: Endpoint, **values) -> Endpoint:
    return make_endpoint(first_step=first, options=FROM_A_PICTURE, **values)


def make_chained_study(*endpoints: Endpoint, prompts: int = 1):
    models = [endpoint.model for endpoint in endpoints]
    return create_study(
        title="Chained",
        slug=f"chained-{models[0].slug}",
        models=models,
        prompts=[make_prompt() for _ in range(prompts)],
    )


@pytest.fixture
def shared():
    """Two models that start from the same picture, planned for one prompt."""
    first = make_first()
    study = make_chained_study(make_second(first), make_second(first))
    plan_jobs(study=study, now=NOW)
    return study


def first_and_seconds() -> tuple[Job, list[Job]]:
    return Job.objects.get(first_step=None), list(Job.objects.exclude(first_step=None))


def states() -> list[str]:
    """The first step's, then its followers'."""
    first, seconds = first_and_seconds()
    return [first.state, *(job.state for job in seconds)]


def make_picture(adapter, job: Job, tmp_path) -> None:
    """All that workers do for a first step."""
    adapter.fetching = make_still(tmp_path / "frame.png").read_bytes()
    for step in (submit_job, poll_job, fetch_job):
        step(job_id=job.pk, now=NOW)


def test_one_picture_is_planned_for_all_models_that_share_it(shared):
    first, seconds = first_and_seconds()
    assert (first.kind, first.state, first.wake_at) == ("text-to-image", JobState.READY, NOW)
    assert [(job.kind, job.state, job.wake_at) for job in seconds] == [
        ("image-to-video", JobState.AWAITING_FIRST, None)
    ] * 2
    assert {job.first_step for job in seconds} == {first}


def test_models_with_first_steps_of_their_own_start_from_their_own_pictures():
    study = make_chained_study(make_second(make_first()), make_second(make_first()))
    assert plan_jobs(study=study, now=NOW) == 2
    assert Job.objects.filter(kind="text-to-image").count() == 2


def test_planning_again_plans_nothing(shared):
    assert plan_jobs(study=shared, now=NOW) == 0
    assert Job.objects.count() == 3


def test_a_picture_that_is_there_is_not_made_again():
    first = make_first()
    study = make_chained_study(make_second(first))
    make_stimulus(first.model, study.prompts.get(), kind="image")
    plan_jobs(study=study, now=NOW)
    assert states() == [JobState.DONE, JobState.READY]


@pytest.mark.parametrize("message", [submit_job, poll_job, fetch_job])
def test_a_second_step_is_never_sent_before_the_first_is_done(adapter, shared, message):
    _, seconds = first_and_seconds()
    message(job_id=seconds[0].pk, now=NOW)
    assert (adapter.calls, states()[1]) == ([], JobState.AWAITING_FIRST)


def test_the_sweep_hands_out_first_steps_only(shared):
    first, _ = first_and_seconds()
    assert lease_due_jobs(now=NOW) == [(first.pk, JobState.READY)]


def test_all_followers_are_released_when_the_picture_is_there(adapter, shared, tmp_path):
    make_picture(adapter, first_and_seconds()[0], tmp_path)
    assert states() == [JobState.DONE, JobState.READY, JobState.READY]
    assert all(job.wake_at == NOW for job in first_and_seconds()[1])


def test_the_second_step_is_sent_the_first_ones_picture(adapter, shared, tmp_path, monkeypatch):
    first, seconds = first_and_seconds()
    make_picture(adapter, first, tmp_path)
    sent = []
    submit = adapter.submit

    def note(request):
        sent.append((request, request.image.path.read_bytes()))
        return submit(request)

    monkeypatch.setattr(adapter, "submit", note)
    submit_job(job_id=seconds[0].pk, now=NOW)
    [(request, picture)] = sent
    assert (request.kind, request.prompt) == ("image-to-video", first.prompt.text)
    assert picture == (tmp_path / "frame.png").read_bytes()


def test_the_clips_provenance_tells_both_steps(adapter, shared, tmp_path):
    first, seconds = first_and_seconds()
    make_picture(adapter, first, tmp_path)
    frame = Stimulus.objects.get()
    adapter.fetching = clip_bytes(tmp_path)
    for step in (submit_job, poll_job, fetch_job):
        step(job_id=seconds[0].pk, now=NOW)
    made = Stimulus.objects.get(model=seconds[0].endpoint.model).provenance
    assert made["endpoint"] == seconds[0].endpoint.name
    assert made["first_step"]["model"] == first.endpoint.model.name
    assert made["first_step"]["sha256"] == frame.sha256
    assert made["first_step"]["endpoint"] == first.endpoint.name


def test_followers_of_a_crashed_worker_are_released_by_the_sweep(
    adapter, shared, tmp_path, monkeypatch
):
    """The picture is kept, and the worker dies before it looks after the followers."""

    def die(**_):
        raise SystemExit

    with monkeypatch.context() as crash:
        crash.setattr(fetching, "settle_chains", die)
        with pytest.raises(SystemExit):
            make_picture(adapter, first_and_seconds()[0], tmp_path)
    assert states()[1:] == [JobState.AWAITING_FIRST] * 2
    leased = {job_id for job_id, _ in lease_due_jobs(now=NOW)}
    assert leased == {job.pk for job in first_and_seconds()[1]}


@pytest.mark.parametrize(
    ("error", "state"),
    [(PermanentError("No."), JobState.FAILED), (RejectedError("No."), JobState.REJECTED)],
)
def test_followers_fail_with_the_first_and_say_why(adapter, shared, error, state):
    adapter.submitting = error
    submit_job(job_id=first_and_seconds()[0].pk, now=NOW)
    lease_due_jobs(now=NOW)
    assert states() == [state, JobState.FIRST_FAILED, JobState.FIRST_FAILED]
    assert {job.error for job in first_and_seconds()[1]} == {"First frame failed: No."}


def test_followers_of_a_picture_that_was_given_up_say_so(adapter, shared):
    cancel_job(job=first_and_seconds()[0], now=NOW)
    assert {job.error for job in first_and_seconds()[1]} == {
        "First frame failed: Given up by the owner."
    }


def test_a_first_step_that_is_retried_and_succeeds_releases_its_followers(
    adapter, shared, tmp_path
):
    first, _ = first_and_seconds()
    cancel_job(job=first, now=NOW)
    retry_job(job=first, now=NOW)
    awaiting = states()
    make_picture(adapter, first, tmp_path)
    assert awaiting == [JobState.READY, JobState.AWAITING_FIRST, JobState.AWAITING_FIRST]
    assert states() == [JobState.DONE, JobState.READY, JobState.READY]


def test_a_follower_is_retried_from_the_first_step_that_failed(adapter, shared):
    first, seconds = first_and_seconds()
    cancel_job(job=first, now=NOW)
    assert retry_job(job=seconds[1], now=NOW) is True
    assert states() == [JobState.READY, JobState.AWAITING_FIRST, JobState.AWAITING_FIRST]


def test_a_follower_that_failed_by_itself_is_sent_again_from_the_same_picture(
    adapter, shared, tmp_path
):
    first, seconds = first_and_seconds()
    make_picture(adapter, first, tmp_path)
    adapter.submitting = PermanentError("No.")
    submit_job(job_id=seconds[0].pk, now=NOW)
    retry_job(job=seconds[0], now=NOW)
    assert states() == [JobState.DONE, JobState.READY, JobState.READY]


def test_a_follower_that_was_given_up_is_not_woken_by_its_first_step(adapter, shared, tmp_path):
    first, seconds = first_and_seconds()
    cancel_job(job=seconds[0], now=NOW)
    make_picture(adapter, first, tmp_path)
    assert states() == [JobState.DONE, JobState.CANCELLED, JobState.READY]


def test_settling_twice_changes_nothing(adapter, shared, tmp_path):
    first, seconds = first_and_seconds()
    make_picture(adapter, first, tmp_path)
    submit_job(job_id=seconds[0].pk, now=NOW)
    assert settle_chains(now=NOW) == 0
    assert states() == [JobState.DONE, JobState.REMOTE_PENDING, JobState.READY]


@pytest.mark.postgres
def test_the_sweep_never_joins_all_jobs_with_all_jobs(shared):
    """Planned from the statistics of a table that has grown since, it took minutes."""
    with CaptureQueriesContext(connection) as queries:
        settle_chains(now=NOW)
    updates = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    assert len(updates) == 4
    with connection.cursor() as cursor:
        for update in updates:
            cursor.execute(f"EXPLAIN {update}")
            assert not any("Join" in line or "Nested Loop" in line for (line,) in cursor.fetchall())


def test_a_picture_that_was_removed_ends_the_second_step_unsent(adapter, shared, tmp_path):
    first, seconds = first_and_seconds()
    make_picture(adapter, first, tmp_path)
    Stimulus.objects.all().delete()
    adapter.calls.clear()
    submit_job(job_id=seconds[0].pk, now=NOW)
    seconds[0].refresh_from_db()
    assert (seconds[0].state, adapter.calls) == (JobState.FAILED, [])
    assert "was removed" in seconds[0].error


def test_the_first_steps_belong_to_the_study(shared):
    make_job(endpoint=Endpoint.objects.get(adapter="openai_images"))
    assert Job.objects.for_study(shared.pk).count() == 3


def test_giving_a_study_up_gives_up_both_steps(adapter, shared):
    assert give_up_jobs(jobs=Job.objects.for_study(shared.pk), now=NOW)[0] == 3
    assert states() == [JobState.CANCELLED] * 3


def test_a_picture_that_another_study_waits_for_is_made(adapter):
    first = make_first()
    study, other = (make_chained_study(make_second(first)) for _ in range(2))
    other.prompts.set(study.prompts.all())
    for one in (study, other):
        plan_jobs(study=one, now=NOW)
    give_up_jobs(jobs=spare_awaited(Job.objects.for_study(study.pk)), now=NOW)
    assert states() == [JobState.READY, JobState.CANCELLED, JobState.AWAITING_FIRST]


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ({"options": {"kinds": ["image-editing"]}}, {}, "its first frame by"),
        ({"is_active": False}, {}, "it is switched off"),
        ({}, {"options": {}}, "image-to-video"),
    ],
)
def test_a_chain_that_cannot_be_made_is_refused_as_a_whole(first, second, why):
    study = make_chained_study(
        make_endpoint(first_step=make_first(**first), **{"options": FROM_A_PICTURE, **second})
    )
    with pytest.raises(EndpointUnsuited, match=why):
        plan_jobs(study=study, now=NOW)
    assert not Job.objects.exists()


def test_a_study_from_pictures_uses_the_second_step_alone():
    first = make_first()
    study = make_chained_study(make_second(first))
    study.kind = "image-to-video"
    study.save()
    plan_jobs(study=study, now=NOW)
    assert Job.objects.get().first_step is None


@pytest.mark.parametrize(
    ("first", "options", "why"),
    [
        ({"adapter": "openai_videos"}, FROM_A_PICTURE, "makes no picture"),
        ({}, {}, "makes no clip from a picture"),
    ],
)
def test_the_form_refuses_steps_that_do_not_fit(first, options, why):
    endpoint = make_endpoint(
        first_step=make_endpoint(**{"adapter": "openai_images", **first}), options=options
    )
    with pytest.raises(ValidationError, match=why):
        endpoint.full_clean()


def test_a_chain_has_two_steps():
    second = make_second(make_first())
    third = make_endpoint(make_model(), first_step=second, options=FROM_A_PICTURE)
    with pytest.raises(ValidationError, match="two steps"):
        third.full_clean()
