"""Many raters at once, each in a thread with a connection of its own, through the real URLs."""

from __future__ import annotations

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from annotations.models import Assignment, Judgment, Study
from tests.annotations.factories import make_study

COMPARISONS = 40
RATERS_EACH = 5
PATIENCE_SECONDS = 240


def rate_until_done(study: Study) -> int:
    """Join as a new rater and judge all that is offered; count the judgments sent."""
    client = Client()
    try:
        url = f"/api/v1/studies/{study.slug}"
        credential = client.post(
            f"{url}/join/", {"external_id": uuid.uuid4().hex}, content_type="application/json"
        ).json()["credential"]
        headers = {"Authorization": f"Rater {credential}"}
        sent = 0
        while True:
            claimed = client.post(f"{url}/claim/", headers=headers)
            assert claimed.status_code == 200, claimed.content
            turn = claimed.json()
            if turn["turn"] != "pair":
                return sent
            sent += judge_over_api(client, headers, turn["assignment"]["id"])
    finally:
        connection.close()


def judge_over_api(client: Client, headers: dict[str, str], assignment: str) -> int:
    quality = {"axis": "quality", "choice": "left", "reasons": ["pixel-sharpness"]}
    faithfulness = {
        "axis": "faithfulness",
        "choice": "right",
        "reasons": ["spatial-text-alignment"],
    }
    address = f"/api/v1/assignments/{assignment}"
    post = {"content_type": "application/json", "headers": headers}
    assert client.post(f"{address}/draft/", {"answers": [quality]}, **post).status_code == 200
    body = {"submission_id": str(uuid.uuid4()), "answers": [faithfulness]}
    assert client.post(f"{address}/submit/", body, **post).status_code == 200
    return 2


@pytest.fixture
def patience(monkeypatch):
    """Let all threads wait for a connection, or SQLite's one writer, as long as it takes.

    Rather than try again after an error, which would hide a deadlock.
    """
    if connection.vendor == "sqlite":
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", PATIENCE_SECONDS)
        yield
        return
    connection.close_pool()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"]["pool"], "timeout", PATIENCE_SECONDS)
    yield
    connection.close_pool()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("patience")
def test_many_raters_at_once_fill_every_seat_exactly_once():
    # SQLite has one writer; the claim is the same code, so fewer raters show as much.
    raters = 200 if connection.vendor == "postgresql" else 16
    study = make_study(comparisons=COMPARISONS, raters_per_comparison=RATERS_EACH)
    with ThreadPoolExecutor(raters) as threads:
        sent = sum(threads.map(rate_until_done, [study] * raters))

    pairs = list(Assignment.objects.submitted().values_list("comparison", "rater"))
    assert set(Counter(comparison for comparison, _ in pairs).values()) == {RATERS_EACH}
    assert len(pairs) == len(set(pairs)) == COMPARISONS * RATERS_EACH
    assert Judgment.objects.count() == sent == COMPARISONS * RATERS_EACH * 2
    assert set(study.comparisons.values_list("open_seats", flat=True)) == {0}
