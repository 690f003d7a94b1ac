"""A real Redis, a real worker and beat, a real endpoint; and what may happen to them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import httpx
import pytest
import redis as redis_client

from annotations.models import Stimulus, Study
from annotations.services.studies.states import create_study
from generation.enums import JobState
from generation.jobs.planning import plan_jobs
from generation.models import Attempt, Job
from tests.annotations.factories import make_model, make_prompt
from tests.generation.factories import make_endpoint
from tests.processes import Stack, running_stack

pytestmark = [
    pytest.mark.live,
    pytest.mark.xdist_group("live"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(180),
]

CLIPS = 12
PATIENCE_SECONDS = 90
QUICK = {
    "GENERATION_QUEUE_PATIENCE_SECONDS": "3",
    "GENERATION_SUBMIT_LEASE_SECONDS": "3",
    "GENERATION_FETCH_LEASE_SECONDS": "5",
    "GENERATION_LIST_LAG_SECONDS": "2",
}


@pytest.fixture
def stack(tmp_path):
    with running_stack(tmp_path, endpoint=True, delay=0.5, **QUICK) as stack:
        yield stack


def planned_study(stack: Stack, *, prompts: list[str]) -> Study:
    """A study of the two demo models with all its jobs planned."""
    models = [make_model(slug) for slug in ("demo-aurora", "demo-drift")]
    for model, size in zip(models, ("256x256", "320x180"), strict=True):
        make_endpoint(
            model,
            base_url=f"{stack.endpoint_url}/v1",
            parameters={"seconds": "1", "size": size},
            is_internal=True,
            max_concurrency=2,
        )
    study = create_study(
        title="Live",
        slug="live",
        models=models,
        prompts=[make_prompt(text) for text in prompts],
    )
    plan_jobs(study=study, now=study.created_at)
    return study


def wait_for(is_so: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at, f"{what}: {Job.objects.all().counts_by_state()}"
        time.sleep(0.1)


def remote_jobs(stack: Stack) -> list[tuple[str, str]]:
    """The (model, prompt) of every job that reached the endpoint."""
    answer = httpx.get(f"{stack.endpoint_url}/v1/videos", params={"limit": 100})
    return [(job["model"], job["prompt"]) for job in answer.json()["data"]]


def assert_every_clip_was_made_once(stack: Stack) -> None:
    wait_for(lambda: not Job.objects.moving().exists(), "Jobs still move")
    assert Job.objects.all().counts_by_state() == {JobState.DONE: CLIPS}
    assert Stimulus.objects.count() == CLIPS
    assert set(Counter(remote_jobs(stack)).values()) == {1}
    assert len(remote_jobs(stack)) == CLIPS


def prompts(count: int) -> list[str]:
    return [f"A red ball number {number} rising over the sea" for number in range(count)]


def test_clips_are_made_though_the_worker_is_killed(stack):
    planned_study(stack, prompts=prompts(CLIPS // 2))
    for done in (1, 4):
        wait_for(lambda done=done: Stimulus.objects.count() >= done, "No clip yet")
        stack.kill("worker")
        stack.start_worker()
    assert_every_clip_was_made_once(stack)


def test_clips_are_made_though_redis_is_flushed(stack):
    planned_study(stack, prompts=prompts(CLIPS // 2))
    broker = redis_client.Redis.from_url(stack.redis.url)
    for done in (1, 4, 8):
        wait_for(lambda done=done: Stimulus.objects.count() >= done, "No clip yet")
        broker.flushall()
    assert_every_clip_was_made_once(stack)


def test_a_worker_killed_while_sending_leads_to_one_remote_job(tmp_path):
    """The worst moment: the attempt is written, the endpoint has the job, the answer is lost."""
    with running_stack(tmp_path, worker=False, endpoint=True, **QUICK) as stack:
        planned_study(stack, prompts=prompts(1))
        for job in Job.objects.all():
            send_and_die(stack, job)
        assert len(remote_jobs(stack)) == 2
        stack.start_worker()
        stack.start_beat()
        wait_for(lambda: not Job.objects.moving().exists(), "Jobs still move")
        assert Job.objects.all().counts_by_state() == {JobState.DONE: 2}
        assert len(remote_jobs(stack)) == 2


def send_and_die(stack: Stack, job: Job) -> None:
    """What a worker leaves behind that dies between sending a job and hearing the answer."""
    Attempt.objects.create(job=job, endpoint=job.endpoint, sent_at=job.wake_at)
    Job.objects.filter(pk=job.pk).update(state=JobState.SUBMITTING, submits=1)
    body = {
        **job.endpoint.parameters,
        "model": job.endpoint.remote_model,
        "prompt": job.prompt.text,
        "seed": job.seed,
    }
    httpx.post(f"{stack.endpoint_url}/v1/videos", json=body).raise_for_status()


def test_a_refused_prompt_fails_visibly_with_the_endpoints_words(stack):
    planned_study(stack, prompts=["A forbidden fox"])
    wait_for(lambda: not Job.objects.moving().exists(), "Jobs still move")
    assert [job.state for job in Job.objects.all()] == [JobState.REJECTED] * 2
    for job in Job.objects.all():
        words = "The prompt was blocked by moderation: it contains the word 'forbidden'."
        assert job.error == words
    assert len(remote_jobs(stack)) == 2
