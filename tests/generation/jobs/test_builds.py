"""How often a step builds the adapter of its endpoint: once, whatever the step needs it for."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from generation.adapters.base import Pending, RemoteJob, Submitted
from generation.adapters.configured import ConfiguredAdapter
from generation.enums import AttemptState, JobState
from generation.jobs.decisions import cancel_job
from generation.jobs.steps.fetching import fetch_job
from generation.jobs.steps.polling import poll_job
from generation.jobs.steps.reconciling import reconcile_job
from generation.jobs.steps.submitting import submit_job
from generation.models import Endpoint, Job
from tests.annotations.factories import NOW
from tests.generation.factories import clip_bytes, make_endpoint, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def builds(monkeypatch) -> list[str]:
    """The model of each adapter that is built."""
    built = []
    build = ConfiguredAdapter.__init__

    def count(self, **values):
        built.append(values["remote_model"])
        build(self, **values)

    monkeypatch.setattr(ConfiguredAdapter, "__init__", count)
    return built


def endpoint_with_every_budget() -> Endpoint:
    """Each budget of money asks how long a clip is, and so does the estimate of an attempt."""
    budgets = {"daily_cost": Decimal(100), "total_cost": Decimal(100)}
    return make_endpoint(remote_model="lab-1", cost_per_second=Decimal("0.05"), **budgets)


def job_in(state: JobState, **values) -> Job:
    return make_job(state, endpoint_with_every_budget(), **values)


def test_sending_builds_one_adapter(adapter, builds):
    submit_job(job_id=job_in(JobState.READY).pk, now=NOW)
    assert adapter.calls == ["submit"]
    assert builds == ["lab-1"]


def test_stopping_what_was_given_up_meanwhile_builds_no_other(adapter, builds):
    job = job_in(JobState.READY)
    adapter.meanwhile = lambda: cancel_job(job=job, now=NOW)
    adapter.submitting = Submitted("v1")
    submit_job(job_id=job.pk, now=NOW)
    assert adapter.calls == ["submit", "cancel v1"]
    assert builds == ["lab-1"]


def test_polling_builds_one_adapter(adapter, builds):
    poll_job(job_id=job_in(JobState.REMOTE_PENDING).pk, now=NOW)
    assert builds == ["lab-1"]


def test_ending_what_is_late_builds_no_other(adapter, builds):
    job = job_in(JobState.REMOTE_PENDING, deadline_at=NOW - timedelta(seconds=1))
    adapter.polling = Pending()
    poll_job(job_id=job.pk, now=NOW)
    assert adapter.calls == ["poll v1", "cancel v1"]
    assert builds == ["lab-1"]


def test_fetching_builds_one_adapter(adapter, builds, tmp_path):
    job = job_in(JobState.FETCHING)
    adapter.fetching = clip_bytes(tmp_path)
    fetch_job(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert job.state == JobState.DONE
    assert builds == ["lab-1"]


def test_reconciling_builds_one_adapter(adapter, builds):
    job = job_in(JobState.UNKNOWN_OUTCOME)
    job.attempts.update(state=AttemptState.UNKNOWN)
    adapter.listing = [RemoteJob("v1", "lab-1", job.prompt.text, NOW)]
    reconcile_job(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert job.state == JobState.REMOTE_PENDING
    assert builds == ["lab-1"]
