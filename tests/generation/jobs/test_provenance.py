"""generation.csv and generation.jsonl: how each clip came about."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from annotations.services.studies.states import create_study
from generation.adapters.base import Done, Submitted
from generation.enums import AttemptState, JobState
from generation.jobs.provenance import GENERATION_COLUMNS, generation_rows, revised_prompt_in
from generation.jobs.steps.fetching import fetch_job
from generation.jobs.steps.polling import poll_job
from generation.jobs.steps.submitting import submit_job
from generation.models import Job
from tests.annotations.factories import NOW, make_model, make_prompt, make_stimulus
from tests.generation.factories import clip_bytes, make_attempt, make_endpoint, make_job

pytestmark = pytest.mark.django_db


def study_of(*models, prompts):
    return create_study(title="S", slug="s", models=models, prompts=prompts)


def study_of_job(job):
    """The study that asked for it."""
    study = study_of(job.endpoint.model, make_model(), prompts=[job.prompt])
    Job.objects.filter(pk=job.pk).update(study=study)
    return study


def csv_of(client, study) -> list[dict[str, str]]:
    answer = client.get(reverse("report-generation", args=[study.report_token]))
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode())))


def test_a_clip_that_was_made_tells_all(adapter, tmp_path, client, monkeypatch):
    monkeypatch.setenv("LAB_KEY", "sk-very-secret")
    endpoint = make_endpoint(
        base_url="https://lab.example/v1?key=sk-in-the-address",
        api_key_env="LAB_KEY",
        currency="USD",
        cost_per_job=Decimal(1),
    )
    prompt = make_prompt()
    study = study_of(endpoint.model, make_model(), prompts=[prompt])
    adapter.submitting = Submitted("v7", {"id": "v7"})
    adapter.polling = Done({"revised_prompt": "A red fox"}, cost=Decimal("0.25"))
    adapter.fetching = clip_bytes(tmp_path)
    job = make_job(endpoint=endpoint, prompt=prompt, seed=3, study=study)
    for step in (submit_job, poll_job, fetch_job):
        step(job_id=job.pk, now=NOW)
    [row] = csv_of(client, study)
    assert tuple(row) == GENERATION_COLUMNS
    assert (
        row
        | {
            "model": endpoint.model.name,
            "prompt_sent": prompt.text,
            "revised_prompt": "A red fox",
            "seed": "3",
            "seed_sent": "true",
            "outcome": "made",
            "provider": "OpenAI-compatible /v1/videos",
            "adapter": "openai_videos/1",
            "route": "lab.example",
            "parameters": '{"seconds": "4"}',
            "remote_id": "v7",
            "attempts": "1",
            "sent_at": NOW.isoformat(),
            "cost_recorded": "0.250000",
            "cost_estimated": "",
            "currency": "USD",
            "clip_source": f"endpoint: {endpoint.name}",
        }
        == row
    )
    job.refresh_from_db()
    assert row["clip_sha256"] == job.stimulus.sha256
    assert "sk-" not in str(row)


def test_recorded_and_estimated_costs_have_columns_of_their_own():
    job = make_job(JobState.REMOTE_PENDING)
    job.attempts.update(cost=Decimal(2), is_cost_told=True)
    make_attempt(job, cost=Decimal(1), state=AttemptState.ABANDONED)
    make_attempt(job, cost=Decimal(5), state=AttemptState.REFUSED)
    [row] = generation_rows(study_of_job(job))
    assert (row["cost_recorded"], row["cost_estimated"], row["attempts"]) == (2, 1, 3)


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (JobState.REJECTED, "refused"),
        (JobState.FAILED, "failed"),
        (JobState.CANCELLED, "given up"),
        (JobState.READY, "under way"),
    ],
)
def test_what_was_not_made_has_a_row_with_its_reason(state, outcome):
    job = make_job(state, error="No foxes.")
    [row] = generation_rows(study_of_job(job))
    assert (row["outcome"], row["error"], row["clip_sha256"]) == (outcome, "No foxes.", None)


def test_an_imported_clip_has_a_row():
    model, prompt = make_model(), make_prompt()
    study = study_of(model, make_model(), prompts=[prompt])
    stimulus = make_stimulus(model, prompt, study=study)
    [row] = generation_rows(study)
    assert (row["outcome"], row["clip_sha256"]) == ("imported", stimulus.sha256)
    assert tuple(row) == GENERATION_COLUMNS


def test_an_endpoint_of_ones_own_network_is_not_named(client):
    job = make_job(endpoint=make_endpoint(is_internal=True))
    study = study_of_job(job)
    [row] = csv_of(client, study)
    assert row["route"] == "private network"


def test_tests_of_endpoints_and_other_studies_have_no_row():
    make_job(is_trial=True)
    assert not list(generation_rows(study_of(make_model(), make_model(), prompts=[make_prompt()])))


def test_the_jsonl_holds_every_attempt_and_answer(client):
    job = make_job(JobState.REMOTE_PENDING)
    job.attempts.update(raw={"sent": {"prompt": "A fox"}, "answer": {"id": "v1"}})
    study = study_of_job(job)
    url = reverse("owner-generation", args=[study.slug])
    assert client.get(url).status_code == 302
    client.force_login(User.objects.create_superuser("owner"))
    [line] = client.get(url).getvalue().decode().splitlines()
    record = json.loads(line)
    assert record["tries"][0]["answer"] == {"id": "v1"}
    assert record["model"] == job.endpoint.model.name


def test_the_number_of_queries_does_not_grow(django_assert_num_queries):
    endpoint = make_endpoint()
    prompts = [make_prompt() for _ in range(6)]
    study = study_of(endpoint.model, make_model(), prompts=prompts)
    for prompt in prompts:
        make_job(JobState.REMOTE_PENDING, endpoint, prompt=prompt, study=study)
    with django_assert_num_queries(3):
        assert len(list(generation_rows(study))) == 6


@pytest.mark.parametrize(
    ("answer", "revised"),
    [
        ({"data": [{"revised_prompt": "A red fox"}]}, "A red fox"),
        ({"answer": {}, "made": {"actual_prompt": "A red fox"}}, "A red fox"),
        ({"prompt": "A fox"}, ""),
        ({"revised_prompt": None}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_a_rewritten_prompt_is_found_wherever_it_stands(answer, revised):
    assert revised_prompt_in(answer) == revised
