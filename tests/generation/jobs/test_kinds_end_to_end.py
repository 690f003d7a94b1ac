"""Each kind of study, from the demo's server over HTTP to a page on which a rater judges it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from annotations.models import Assignment, Stimulus
from annotations.services.pairs.preparing import (
    lease_due_renditions,
    make_rendition,
    sync_comparisons,
)
from annotations.services.rating.asking import ask
from annotations.services.studies.states import open_study, start_preparing
from annotations.simulation import read_form
from examples.demo.content import KINDS, DemoStudy, make_endpoints, make_study_of_kind
from examples.model_endpoint.jobs import JobStore
from examples.model_endpoint.server import DemoServer
from generation.enums import JobState
from generation.jobs.planning import plan_jobs
from generation.jobs.steps.fetching import fetch_job
from generation.jobs.steps.polling import poll_job
from generation.jobs.steps.submitting import submit_job
from generation.jobs.waking import lease_due_jobs
from generation.models import Job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept_media")]

STEPS = {
    JobState.READY: submit_job,
    JobState.REMOTE_PENDING: poll_job,
    JobState.FETCHING: fetch_job,
}
QUALITY = {"choice-quality": "left", "reason-quality": ["pixel-sharpness"]}
MOST_SECONDS = 120


@pytest.fixture
def demo_server(tmp_path) -> Iterator[str]:
    """The bundled models, in a thread."""
    store = JobStore(tmp_path, workers=2, delay_seconds=0)
    server = DemoServer(("127.0.0.1", 0), store, api_key="", verbose=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    store.close()


def make_clips() -> None:
    """What sweeps and workers do, until nothing moves."""
    give_up_at = time.monotonic() + MOST_SECONDS
    now = timezone.now()
    while Job.objects.moving().exists():
        assert time.monotonic() < give_up_at
        now += timedelta(seconds=31)
        for job_id, state in lease_due_jobs(now=now):
            STEPS[state](job_id=job_id, now=now)
        time.sleep(0.05)


def prepare(study) -> None:
    start_preparing(study=study)
    sync_comparisons(study=study)
    for rendition_id in lease_due_renditions(now=timezone.now()):
        make_rendition(rendition_id=rendition_id, now=timezone.now())
    open_study(study=study, now=timezone.now())


@pytest.fixture
def ratable(demo_server):
    """Makes a study of the demo, up to where raters come."""

    def make(slug: str):
        make_endpoints(demo_server)
        study = make_study_of_kind(of_slug(slug))
        plan_jobs(study=study, now=timezone.now())
        make_clips()
        assert not [job.error for job in Job.objects.failed()]
        prepare(study)
        return study

    return make


def of_slug(slug: str) -> DemoStudy:
    return next(one for one in KINDS if one.slug == slug)


def first_pair(study) -> tuple[Client, str]:
    """A rater on the first pair, and the page."""
    client = Client()
    start = client.get(f"/s/{study.slug}/")
    form = read_form(start.content.decode())
    page = client.post(form.action or f"/s/{study.slug}/", form.fields, follow=True)
    assert page.status_code == 200
    return client, page.content.decode()


def with_prompt_shown(study) -> tuple[Client, str]:
    """A rater who has answered what is asked before the text is shown."""
    client, page = first_pair(study)
    form = read_form(page)
    answered = client.post(form.action, {**form.fields, **QUALITY}, follow=True)
    assert answered.status_code == 200
    return client, answered.content.decode()


def source_in(client: Client, page: str) -> bytes:
    """What the figure of the source shows."""
    [address] = set(re.findall(r'class="source__picture" src="([^"]+)"', page))
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.getvalue()


def clips_in(client: Client, page: str) -> list[int]:
    return [client.get(address).status_code for address in set(re.findall(r"/m/[^\"]+/", page))]


def prompt_now() -> str:
    return Assignment.objects.get(state="leased", shown_at__isnull=False).comparison.prompt.text


def test_pictures_are_drawn_and_judged(ratable):
    client, page = first_pair(ratable("demo-pictures"))
    assert clips_in(client, page) == [200, 200]
    assert "Which image do you prefer?" in page
    assert set(Stimulus.objects.values_list("kind", flat=True)) == {"image"}


def test_clips_from_a_shared_first_frame_are_judged_as_clips_from_text(ratable):
    study = ratable("demo-two-steps")
    firsts = Job.objects.filter(kind="text-to-image")
    clips = Stimulus.objects.for_study(study.pk)
    frames = {clip.provenance["first_step"]["sha256"] for clip in clips}
    client, page = with_prompt_shown(study)
    assert (firsts.count(), clips.count(), len(frames)) == (2, 4, 2)
    assert clips_in(client, page)[:2] == [200, 200]
    assert "Which video aligns better with the text prompt?" in page
    assert 'class="source__picture"' not in page


def test_clips_from_a_picture_are_judged_beside_it(ratable):
    client, page = with_prompt_shown(ratable("demo-from-pictures"))
    assert source_in(client, page).startswith(b"\x89PNG")
    assert "The starting image" in page
    assert prompt_now() in page


def test_an_extension_shows_the_past_clip_and_keeps_the_seam(ratable):
    client, page = with_prompt_shown(ratable("demo-extensions"))
    assert b"ftyp" in source_in(client, page)[:16]
    assignment = Assignment.objects.filter(shown_at__isnull=False).get()
    lengths = {clip.seconds for clip in Stimulus.objects.all()}
    assert lengths == {2.0}
    assert ask(assignment, now=timezone.now()).seam_seconds == pytest.approx(1.0)
    assert "first part to 1.0 s" in page


def test_an_edit_is_judged_with_its_instruction_and_the_picture_before(ratable):
    client, page = first_pair(ratable("demo-edits"))
    assert source_in(client, page).startswith(b"\x89PNG")
    assert "The image to change" in page
    assert "Which image follows the instruction better?" in page
    assert prompt_now() in page
