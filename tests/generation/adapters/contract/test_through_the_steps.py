"""From an endpoint's row to a stimulus, by the steps that the workers take."""

from __future__ import annotations

import pytest
from django.core.files.storage import default_storage

from annotations.models import Stimulus
from generation.enums import JobState
from generation.jobs.steps.fetching import fetch_job
from generation.jobs.steps.polling import poll_job
from generation.jobs.steps.submitting import submit_job
from generation.models import Job
from tests.annotations.factories import NOW, make_prompt
from tests.generation.adapters.contract.shapes import BLOCKING, KEY, QUEUED
from tests.generation.factories import make_endpoint
from tests.generation.stand_in import Answer
from tests.media.clips import make_clip

ALL = [*QUEUED, *BLOCKING]


@pytest.mark.django_db
@pytest.mark.parametrize("subject", ALL, ids=[make.__name__ for make in ALL], indirect=["subject"])
def test_each_kind_of_endpoint_makes_a_stimulus(subject, tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_KEY", KEY)
    clip = make_clip(tmp_path / "made.mp4").read_bytes()
    subject.answering(subject.shape.result, Answer(200, clip, {"Content-Type": "video/mp4"}))
    endpoint = make_endpoint(
        adapter=subject.shape.adapter,
        base_url=subject.provider.url,
        remote_model=subject.shape.remote_model,
        parameters=subject.shape.parameters,
        options=subject.shape.options,
        api_key_env="LAB_KEY",
        is_internal=True,
    )
    endpoint.full_clean()
    job = Job.objects.create(endpoint=endpoint, prompt=make_prompt(), wake_at=NOW)
    submit_job(job_id=job.pk, now=NOW)
    poll_job(job_id=job.pk, now=NOW)
    fetch_job(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.DONE, "")
    stimulus = Stimulus.objects.get()
    assert default_storage.open(stimulus.file.name).read() == clip
    assert KEY not in str(stimulus.provenance)
