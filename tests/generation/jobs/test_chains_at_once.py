"""Chained jobs under many workers, each in a thread with a connection of its own."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from annotations.services.studies.states import create_study
from generation.adapters.base import Done, Submitted
from generation.adapters.requests import GenerationRequest
from generation.enums import JobState
from generation.jobs.chains import settle_chains
from generation.jobs.planning import plan_jobs
from generation.jobs.steps.fetching import fetch_job
from generation.jobs.steps.polling import poll_job
from generation.jobs.steps.submitting import submit_job
from generation.models import Attempt, Job
from tests.annotations.factories import NOW, make_prompt
from tests.generation.factories import call_through, make_endpoint
from tests.media.clips import make_still

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS, PROMPTS, ROUNDS = 8, 3, 2


class PictureServer:
    """Makes the same picture of everything, and keeps what it was asked."""

    def __init__(self, picture: bytes) -> None:
        self.picture = picture
        self.lock = threading.Lock()
        self.asked: list[tuple[str, str, bytes | None]] = []

    def submit(self, request: GenerationRequest) -> Submitted:
        image = request.image.path.read_bytes() if request.image else None
        with self.lock:
            self.asked.append((request.kind, request.prompt, image))
            return Submitted(f"v{len(self.asked)}", {})

    def poll(self, remote_id: str) -> Done:
        return Done()

    def fetch(self, remote_id: str, target: Path) -> None:
        target.write_bytes(self.picture)


@pytest.fixture
def server(monkeypatch, tmp_path) -> PictureServer:
    server = PictureServer(make_still(tmp_path / "frame.png").read_bytes())
    call_through(monkeypatch, lambda endpoint: server)
    return server


def delivered(message) -> None:
    step, options = message
    try:
        step(now=NOW, **options)
    finally:
        connection.close()


def test_every_second_step_is_sent_once_with_its_picture_and_never_before_it(server):
    first = make_endpoint(adapter="openai_images", parameters={}, max_concurrency=100)
    image_to_video = {"kinds": ["text-to-video", "image-to-video"]}
    seconds = [
        make_endpoint(first_step=first, options=image_to_video, max_concurrency=100)
        for _ in range(2)
    ]
    study = create_study(
        title="Chained",
        slug="chained",
        models=[endpoint.model for endpoint in seconds],
        prompts=[make_prompt() for _ in range(PROMPTS)],
    )
    plan_jobs(study=study, now=NOW)
    steps = (submit_job, poll_job, fetch_job)
    messages = [
        (step, {"job_id": job.pk}) for job in Job.objects.all() for step in steps for _ in range(2)
    ]
    messages += [(settle_chains, {})] * len(messages)
    with ThreadPoolExecutor(WORKERS) as workers:
        for seed in range(ROUNDS * len(steps)):
            random.Random(seed).shuffle(messages)
            list(workers.map(delivered, messages))

    pictures = [asked for asked in server.asked if asked[0] == "text-to-image"]
    clips = [asked for asked in server.asked if asked[0] == "image-to-video"]
    assert len(pictures) == len({prompt for _, prompt, _ in pictures}) == PROMPTS
    assert len(clips) == Attempt.objects.filter(job__endpoint__in=seconds).count() == 2 * PROMPTS
    assert {image for _, _, image in clips} == {server.picture}
    assert not Job.objects.filter(first_step=None).exclude(state=JobState.DONE).exists()
