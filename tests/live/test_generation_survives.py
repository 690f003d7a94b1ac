"""A real Redis, a real worker and beat, a real endpoint; and what may happen to them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import httpx
import pytest
import redis as redis_client
from django.utils import timezone

from annotations.models import Stimulus, Study
from annotations.services.studies import create_study
from generation.enums import JobState
from generation.models import Attempt, Endpoint, Job
from generation.services import plan_jobs
from tests.annotations.factories import make_model, make_prompt
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
    "GENERATION_GRACE_SECONDS": "4",
}


@pytest.fixture
def stack(tmp_path):
    with running_stack(tmp_path, endpoint=True, delay=0.5, **QUICK) as stack:
        yield stack


@pytest.fixture
def idle_stack(tmp_path):
    """Nobody moves the jobs yet."""
    with running_stack(tmp_path, worker=False, endpoint=True, delay=0.5, **QUICK) as stack:
        yield stack


def planned_study(stack: Stack, *, prompts: list[str]) -> Study:
    """A study of the two demo models with all its jobs planned."""
    models = [make_model(slug) for slug in ("demo-aurora", "demo-drift")]
    for model, size in zip(models, ("256x256", "320x180"), strict=True):
        Endpoint.objects.create(
            model=model,
            name=model.name,
            base_url=f"{stack.endpoint_url}/v1",
            remote_model=model.name,
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


def lose_answer(stack: Stack, job: Job) -> None:
    """Leave what a worker leaves that dies between sending a job and reading the answer."""
    now = timezone.now()
    Attempt.objects.create(job=job, sent_at=now)
    Job.objects.filter(pk=job.pk).update(state=JobState.SUBMITTING, wake_at=now, submits=1)
    body = {"model": job.endpoint.remote_model, "prompt": job.prompt.text, "seed": job.seed}
    address = f"{stack.endpoint_url}/v1/videos"
    httpx.post(address, json={**job.endpoint.parameters, **body}).raise_for_status()


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


def test_a_worker_killed_while_sending_leads_to_one_remote_job(idle_stack):
    """The worst moment: the attempt is written, the endpoint has it, the answer is lost."""
    planned_study(idle_stack, prompts=prompts(1))
    lose_answer(idle_stack, Job.objects.get(endpoint__remote_model="demo-drift"))
    idle_stack.start_worker()
    idle_stack.start_beat()
    wait_for(lambda: not Job.objects.moving().exists(), "Jobs still move")
    assert Job.objects.all().counts_by_state() == {JobState.DONE: 2}
    assert Counter(model for model, _ in remote_jobs(idle_stack)) == {
        "demo-aurora": 1,
        "demo-drift": 1,
    }


def test_a_refused_prompt_fails_visibly_with_the_endpoints_words(stack):
    planned_study(stack, prompts=["A forbidden fox"])
    wait_for(lambda: not Job.objects.moving().exists(), "Jobs still move")
    jobs = Job.objects.all()
    assert {job.state for job in jobs} == {JobState.REJECTED}
    answer = httpx.get(f"{stack.endpoint_url}/v1/videos").json()["data"][0]
    assert {job.error for job in jobs} == {answer["error"]["message"]}
