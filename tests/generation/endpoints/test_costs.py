"""Estimates by the endpoint's prices, and the cost that takes their place."""

from __future__ import annotations

from decimal import Decimal

import pytest

from generation.adapters.base import Done, Submitted
from generation.costs import as_money, estimated_cost
from generation.jobs.steps.fetching import fetch_job
from generation.jobs.steps.polling import poll_job
from generation.jobs.steps.submitting import submit_job
from generation.models import Endpoint
from tests.annotations.factories import NOW
from tests.generation.factories import clip_bytes, make_endpoint, make_job

CENTS = Decimal("0.05")


def priced(**values) -> Endpoint:
    values = {"adapter": "openai_videos", "parameters": {"seconds": "4"}, **values}
    return Endpoint(name="Lab", base_url="http://lab.test/v1", **values)


@pytest.mark.parametrize(
    ("values", "cost"),
    [
        ({}, None),
        ({"cost_per_job": Decimal(2)}, Decimal(2)),
        ({"cost_per_second": CENTS}, Decimal("0.2")),
        ({"cost_per_job": Decimal(1), "cost_per_second": CENTS}, Decimal("1.2")),
        ({"cost_per_second": CENTS, "parameters": {}}, None),
        ({"cost_per_second": CENTS, "parameters": {"seconds": "long"}}, None),
        ({"cost_per_second": CENTS, "parameters": {"seconds": 2.5}}, Decimal("0.125")),
        ({"cost_per_second": CENTS, "parameters": {"duration": "8s"}}, Decimal("0.4")),
        (
            {
                "cost_per_second": CENTS,
                "parameters": {"durationSeconds": 8},
                "adapter": "google_vertex",
            },
            Decimal("0.4"),
        ),
        (
            {
                "cost_per_second": CENTS,
                "parameters": {"length": 3},
                "options": {"fields": {"seconds": "length"}},
            },
            Decimal("0.15"),
        ),
    ],
)
def test_a_clip_is_estimated_by_the_prices_of_its_endpoint(values, cost):
    assert estimated_cost(priced(**values)) == cost


def test_a_length_that_is_known_counts_more_than_the_one_asked_for():
    assert estimated_cost(priced(cost_per_second=CENTS), seconds=6) == Decimal("0.3")


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "0.00 USD"),
        ("12.4", "12.40 USD"),
        ("1234.5", "1,234.50 USD"),
        ("0.2", "0.20 USD"),
        ("0.030450", "0.030 USD"),
        ("0.0005", "0.00050 USD"),
    ],
)
def test_money_shows_what_matters_of_it(amount, words):
    assert as_money(Decimal(amount), "USD") == words


def through(adapter, endpoint, clip: bytes):
    """The attempt of a job that went all the way."""
    adapter.fetching = clip
    job = make_job(endpoint=endpoint)
    submit_job(job_id=job.pk, now=NOW)
    poll_job(job_id=job.pk, now=NOW)
    fetch_job(job_id=job.pk, now=NOW)
    return job.attempts.get()


@pytest.mark.django_db
def test_the_clips_own_length_betters_the_estimate(adapter, tmp_path):
    endpoint = make_endpoint(cost_per_second=Decimal(1), parameters={"seconds": "4"})
    attempt = through(adapter, endpoint, clip_bytes(tmp_path, frames=12, fps=24))
    assert (attempt.cost, attempt.is_cost_told) == (Decimal("0.5"), False)


@pytest.mark.django_db
def test_a_cost_that_was_told_stays(adapter, tmp_path):
    adapter.polling = Done(cost=Decimal(7))
    endpoint = make_endpoint(cost_per_second=Decimal(1))
    attempt = through(adapter, endpoint, clip_bytes(tmp_path))
    assert (attempt.cost, attempt.is_cost_told) == (Decimal(7), True)


@pytest.mark.django_db
def test_a_cost_may_come_with_the_answer_to_the_submit(adapter, tmp_path):
    adapter.submitting = Submitted("v1", cost=Decimal("0.04"))
    attempt = through(adapter, make_endpoint(), clip_bytes(tmp_path))
    assert (attempt.cost, attempt.is_cost_told) == (Decimal("0.04"), True)
