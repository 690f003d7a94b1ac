"""`/metrics`: for who has the token, in the text format of Prometheus."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from generation.enums import JobState
from operation.timing import REQUESTS, TimedRequests
from tests.owner.at_work import study_with_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "deploy" / "grafana" / "juice.json"
TOKEN = "a-long-random-token"
NAME = re.compile(r"\bjuice_\w+")


@pytest.fixture
def token(settings) -> str:
    settings.METRICS_TOKEN = TOKEN
    REQUESTS.clear()
    return TOKEN


def scrape(token: str = TOKEN) -> str:
    answer = Client(headers={"Authorization": f"Bearer {token}"}).get("/metrics")
    assert answer.status_code == 200
    return answer.content.decode()


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Values by name and the values of labels, in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_without_a_setting_the_address_is_not_there(settings, client):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    "sent", ["", "Bearer", "Bearer no", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN} x", "Bearer é"]
)
def test_who_has_no_token_is_refused(client, token, sent):
    answer = client.get("/metrics", headers={"Authorization": sent})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert b"juice_" not in answer.content


def test_it_is_read_and_never_posted_to(client, token):
    assert client.post("/metrics").status_code == 405


@pytest.mark.usefixtures("token")
def test_figures_are_those_of_the_installation(at_work):
    study_with_jobs((JobState.READY, {}), (JobState.READY, {}))
    at_work.rpush("media", "a task")
    found = samples(scrape())
    assert found["juice_up", "database"] == found["juice_up", "redis"] == 1
    assert (found["juice_faults",], found["juice_jobs", "ready"]) == (0, 2)
    assert found["juice_queue_length", "media"] == found["juice_queue_workers", "media"] == 1
    assert found["juice_sweep_duration_seconds", "generation.tasks.sweep"] == 0.25
    assert found["juice_database_bytes",] > 0


@pytest.mark.usefixtures("token", "no_redis")
def test_what_is_not_known_has_no_sample():
    found = samples(scrape())
    assert (found["juice_up", "redis"], found["juice_up", "database"]) == (0, 1)
    assert {name for name, *_ in found} & {"juice_queue_length", "juice_sweep_failed"} == set()
    assert "secret" not in scrape()


@pytest.mark.usefixtures("token", "redis")
def test_requests_are_counted_by_view_and_class_of_status():
    client = Client()
    for address in ("/healthz", "/healthz", "/s/some-study/", "/no-such-place"):
        client.get(address)
    found, process = samples(scrape()), str(os.getpid())
    count = "juice_request_seconds_count"
    assert found[count, process, "2xx", "healthz"] == 2
    assert found[count, process, "4xx", "rater-welcome"] == 1
    assert found[count, process, "4xx", "none"] == 1
    assert "some-study" not in str(found)


def test_without_the_setting_no_request_passes_by_it(settings, rf):
    settings.METRICS_TOKEN = ""
    client = Client()
    client.get("/healthz")
    chain, names = client.handler._middleware_chain, []
    while chain is not None:
        owner = getattr(chain, "__wrapped__", chain)
        names.append(type(owner).__name__)
        chain = getattr(owner, "get_response", None)
    assert "NamedRequests" in names
    assert TimedRequests.__name__ not in names


@pytest.mark.usefixtures("token", "at_work")
def test_the_dashboard_asks_for_what_is_told_and_for_all_of_it():
    Client().get("/healthz")
    names = {name for name, *_ in samples(scrape())}
    asked = set(NAME.findall(" ".join(expressions())))
    # When a histogram began is told by the library, and nobody asks.
    assert asked == names - {"juice_request_seconds_created"}


def expressions() -> list[str]:
    board = json.loads(DASHBOARD.read_text())
    return [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
