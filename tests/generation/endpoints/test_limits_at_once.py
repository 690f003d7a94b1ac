"""Many workers at once, each in a thread with a connection of its own: limits stay exact."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection

from generation.adapters.base import Submitted
from generation.adapters.requests import GenerationRequest
from generation.enums import CHAINED, MOVING, JobState
from generation.jobs.steps.submitting import submit_job
from generation.jobs.waking import lease_due_jobs
from generation.models import Attempt, Endpoint, Job
from tests.annotations.factories import NOW
from tests.generation.factories import call_through, make_endpoint, make_job

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS, JOBS = 8, 24


class CountingEndpoint:
    """Takes whatever comes, and counts it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.prompts: list[str] = []

    def submit(self, request: GenerationRequest) -> Submitted:
        with self.lock:
            self.prompts.append(request.prompt)
            return Submitted(f"v{len(self.prompts)}", {})


@pytest.fixture
def counting(monkeypatch) -> CountingEndpoint:
    fake = CountingEndpoint()
    call_through(monkeypatch, lambda endpoint: fake)
    return fake


def submit_all_at_once(endpoint: Endpoint) -> None:
    """Each job's message is delivered to two workers."""
    jobs = [make_job(endpoint=endpoint).pk for _ in range(JOBS)]
    with ThreadPoolExecutor(WORKERS) as workers:
        list(workers.map(submit, [pk for pk in jobs for _ in range(2)]))


def submit(job_id: int) -> None:
    try:
        submit_job(job_id=job_id, now=NOW)
    finally:
        connection.close()


@pytest.mark.parametrize(
    "limit",
    [
        {"max_concurrency": 5},
        {"jobs_per_minute": 5},
        {"daily_jobs": 5},
        {"total_cost": Decimal("1.1"), "cost_per_job": Decimal("0.2")},
    ],
    ids=lambda limit: next(iter(limit)),
)
def test_a_limit_is_met_and_never_passed(counting, limit):
    submit_all_at_once(make_endpoint(**{"max_concurrency": 100, **limit}))
    assert len(counting.prompts) == len(set(counting.prompts)) == 5
    assert Attempt.objects.count() == 5
    assert Job.objects.filter(state=JobState.REMOTE_PENDING).count() == 5


def test_an_endpoint_that_failed_is_tried_by_one_worker(counting):
    submit_all_at_once(make_endpoint(max_concurrency=1, failures=5))
    assert len(counting.prompts) == 1


def test_beats_that_tick_at_once_hand_each_job_out_once():
    endpoint = make_endpoint(max_concurrency=100)
    stepping = [state for state in MOVING if state not in CHAINED]
    jobs = [make_job(state, endpoint=endpoint).pk for state in stepping for _ in range(6)]
    start = threading.Barrier(WORKERS)

    def sweep(_) -> list[int]:
        start.wait()
        try:
            return [pk for pk, _ in lease_due_jobs(now=NOW)]
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as beats:
        handed_out = [pk for found in beats.map(sweep, range(WORKERS)) for pk in found]
    assert sorted(handed_out) == jobs
