"""The `/v1/videos` adapter: every answer of an endpoint has exactly one meaning.

Shapes and statuses are those of OpenAI's Videos API reference and of vLLM-Omni and SGLang, which
speak it.
"""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from generation.adapters.base import (
    AuthOrQuotaError,
    Done,
    GenerationRequest,
    Pending,
    PermanentError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
    VanishedError,
)
from generation.adapters.openai_videos import adapter as openai_videos
from generation.adapters.openai_videos.adapter import OpenAIVideosAdapter
from scripts.services import free_port
from tests.generation.standin import Reply

REQUEST = GenerationRequest(prompt="A fox in the snow", seed=7)
KEY = "sk-very-secret"


def said(message: str, **details: str) -> dict:
    return {"error": {"message": message, **details}}


@pytest.fixture
def adapter(stand_in):
    return make_adapter(stand_in.url)


def make_adapter(url: str, **settings) -> OpenAIVideosAdapter:
    return OpenAIVideosAdapter(
        base_url=url,
        **{
            "remote_model": "wan-2.2",
            "parameters": {"seconds": "4", "size": "512x512"},
            "api_key": KEY,
            "is_internal": True,
            **settings,
        },
    )


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(openai_videos, "TIMEOUT", httpx.Timeout(0.2))


# What every call shares: what the endpoint will not do now, and whose fault it is.
COMMON = [
    (Reply(400, said("Bad size.")), PermanentError),
    (Reply(400, said("No.", code="moderation_blocked")), RejectedError),
    (Reply(400, said("No.", type="content_policy_violation")), RejectedError),
    (Reply(401, said("Who?")), AuthOrQuotaError),
    (Reply(402, said("Pay.")), AuthOrQuotaError),
    (Reply(403, said("No.")), AuthOrQuotaError),
    (Reply(404, said("Gone.")), VanishedError),
    (Reply(408, said("Slow.")), RetryableError),
    (Reply(409, said("Busy.")), RetryableError),
    (Reply(422, said("What?")), PermanentError),
    (Reply(425, said("Early.")), RetryableError),
    (Reply(429, said("Slow down.")), RateLimitedError),
    (Reply(503, said("Full.")), RateLimitedError),
    (Reply(301, "", {"Location": "http://169.254.169.254/"}), PermanentError),
]
SERVER_FAULTS = [
    Reply(500, said("Oops.")),
    Reply(502, "<html>Bad gateway</html>"),
    Reply(504, ""),
    Reply(drops=True),
]


def call(adapter, name, tmp_path):
    return {
        "submit": lambda: adapter.submit(REQUEST),
        "poll": lambda: adapter.poll("v1"),
        "fetch": lambda: adapter.fetch("v1", tmp_path / "clip"),
        "list": lambda: adapter.list_since(datetime.now(UTC)),
    }[name]()


@pytest.mark.parametrize("name", ["submit", "poll", "fetch", "list"])
@pytest.mark.parametrize(("reply", "error"), COMMON, ids=lambda value: str(value)[:40])
def test_each_answer_is_one_error(stand_in, adapter, tmp_path, name, reply, error):
    stand_in.says("POST" if name == "submit" else "GET", reply)
    with pytest.raises(error) as caught:
        call(adapter, name, tmp_path)
    assert type(caught.value) is error
    assert len(stand_in.asked) == 1


@pytest.mark.parametrize("name", ["submit", "poll", "fetch", "list"])
@pytest.mark.parametrize("reply", SERVER_FAULTS, ids=lambda reply: f"{reply.status}{reply.drops}")
def test_a_fault_of_the_server_leaves_only_a_submit_in_doubt(
    stand_in, adapter, tmp_path, name, reply
):
    stand_in.says("POST" if name == "submit" else "GET", reply)
    with pytest.raises(UnknownOutcomeError if name == "submit" else RetryableError):
        call(adapter, name, tmp_path)


def test_no_answer_leaves_a_submit_in_doubt_and_nothing_else(stand_in, adapter, impatient):
    for method in ("POST", "GET"):
        stand_in.says(method, Reply(waits=1.0))
    with pytest.raises(UnknownOutcomeError):
        adapter.submit(REQUEST)
    with pytest.raises(RetryableError):
        adapter.poll("v1")


@pytest.mark.parametrize("name", ["submit", "poll", "fetch", "list"])
def test_a_closed_door_is_tried_again(tmp_path, name):
    adapter = make_adapter(f"http://127.0.0.1:{free_port()}/v1")
    with pytest.raises(RetryableError):
        call(adapter, name, tmp_path)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_job_is_sent_with_all_that_shapes_it(stand_in, adapter, status):
    stand_in.says("POST", Reply(status, {"id": "v1", "status": "queued"}))
    assert adapter.submit(REQUEST).remote_id == "v1"
    [asked] = stand_in.asked
    assert (asked.method, asked.path) == ("POST", "/v1/videos")
    assert asked.json() == {
        "model": "wan-2.2",
        "prompt": "A fox in the snow",
        "seed": 7,
        "seconds": "4",
        "size": "512x512",
    }
    assert asked.headers["Authorization"] == f"Bearer {KEY}"


def test_a_form_is_sent_where_the_server_wants_one(stand_in):
    stand_in.says("POST", Reply(200, {"id": "v1"}))
    make_adapter(stand_in.url, is_multipart=True).submit(REQUEST)
    [asked] = stand_in.asked
    assert asked.headers["Content-Type"].startswith("multipart/form-data")
    assert b'name="prompt"\r\n\r\nA fox in the snow' in asked.body


def test_parameters_cannot_take_the_place_of_prompt_model_or_seed(stand_in):
    stand_in.says("POST", Reply(200, {"id": "v1"}))
    parameters = {"prompt": "Another", "model": "other", "seed": 1}
    make_adapter(stand_in.url, parameters=parameters).submit(REQUEST)
    sent = stand_in.asked[0].json()
    assert sent == {"prompt": "A fox in the snow", "model": "wan-2.2", "seed": 7}


@pytest.mark.parametrize("body", [{}, {"id": ""}, [], "<html>", "7"])
def test_an_accepted_job_without_an_id_is_in_doubt(stand_in, adapter, body):
    stand_in.says("POST", Reply(200, body))
    with pytest.raises(UnknownOutcomeError):
        adapter.submit(REQUEST)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("7", 7), ("0", 1), ("1e9", 3600), ("Wed, 21 Oct 2026 07:28:00 GMT", 30), ("soon", 30)],
)
def test_the_pause_asked_for_is_kept_within_reason(stand_in, adapter, asked, seconds):
    stand_in.says("POST", Reply(429, said("Slow down."), {"Retry-After": asked}))
    with pytest.raises(RateLimitedError, match="Slow down") as caught:
        adapter.submit(REQUEST)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("body", "standing"),
    [
        ({"status": "queued"}, Pending()),
        ({"status": "in_progress", "progress": 40}, Pending(40)),
        ({"status": "in_progress", "progress": 40.6}, Pending(40)),
        ({"status": "in_progress", "progress": "half"}, Pending()),
        ({"status": "warming-up"}, Pending()),
        ({}, Pending()),
        ({"status": "completed"}, Done(raw={"status": "completed"})),
    ],
)
def test_a_standing_job(stand_in, adapter, body, standing):
    stand_in.says("GET", Reply(200, body))
    assert adapter.poll("v1") == standing
    assert stand_in.asked[0].path == "/v1/videos/v1"


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ({"status": "failed", **said("Out of memory.")}, PermanentError, "Out of memory."),
        ({"status": "failed", **said("No.", code="moderation_blocked")}, RejectedError, "No."),
        ({"status": "failed", "error": "It broke."}, PermanentError, "It broke."),
        ({"status": "failed"}, PermanentError, "gave no reason"),
        ({"status": "failed", "error": None}, PermanentError, "gave no reason"),
        ({"status": "cancelled"}, PermanentError, "cancelled"),
        ({"status": "canceled"}, PermanentError, "cancelled"),
    ],
)
def test_a_failed_job_says_why(stand_in, adapter, body, error, words):
    stand_in.says("GET", Reply(200, body))
    with pytest.raises(error, match=words):
        adapter.poll("v1")


def test_the_words_of_the_endpoint_come_through(stand_in, adapter):
    stand_in.says("POST", Reply(400, said("The size 9x9 is not supported.")))
    with pytest.raises(PermanentError, match=r"^The size 9x9 is not supported\.$"):
        adapter.submit(REQUEST)


def test_a_clip_is_streamed_to_a_file(stand_in, adapter, tmp_path):
    content = bytes(range(256)) * 1000
    stand_in.says("GET", Reply(200, content))
    adapter.fetch("v1", tmp_path / "clip")
    assert (tmp_path / "clip").read_bytes() == content
    assert stand_in.asked[0].path == "/v1/videos/v1/content"


def test_a_clip_that_is_too_large_is_refused(stand_in, adapter, tmp_path, monkeypatch):
    monkeypatch.setattr(openai_videos, "MAX_CLIP_BYTES", 1000)
    stand_in.says("GET", Reply(200, b"x" * 5000))
    with pytest.raises(PermanentError, match="larger than"):
        adapter.fetch("v1", tmp_path / "clip")


def test_a_clip_that_drips_is_given_up(stand_in, adapter, tmp_path, monkeypatch):
    monkeypatch.setattr(openai_videos, "FETCH_SECONDS", 0)
    stand_in.says("GET", Reply(200, b"x" * 5000))
    with pytest.raises(RetryableError, match="No clip after"):
        adapter.fetch("v1", tmp_path / "clip")


@pytest.mark.parametrize("status", [200, 204, 404])
def test_a_job_can_be_stopped_also_one_that_is_gone(stand_in, adapter, status):
    stand_in.says("DELETE", Reply(status, b"" if status == 204 else {}))
    adapter.cancel("v1")
    assert (stand_in.asked[0].method, stand_in.asked[0].path) == ("DELETE", "/v1/videos/v1")


def test_a_refusal_to_stop_is_told(stand_in, adapter):
    stand_in.says("DELETE", Reply(409, said("Too late.")))
    with pytest.raises(RetryableError, match="Too late"):
        adapter.cancel("v1")


def listed(number: int, created_at: float) -> dict:
    return {
        "id": f"v{number}",
        "model": "wan-2.2",
        "prompt": "A fox",
        "seed": number,
        "created_at": created_at,
    }


def test_the_list_is_read_page_by_page_until_it_is_old_enough(stand_in, adapter):
    since = datetime(2026, 11, 23, 12, tzinfo=UTC)
    new, old = since.timestamp() + 10, since.timestamp() - 10
    stand_in.says(
        "GET",
        Reply(200, {"data": [listed(4, new), listed(3, new)], "has_more": True}),
        Reply(200, {"data": [listed(2, new), listed(1, old)], "has_more": True}),
    )
    found = adapter.list_since(since)
    assert [(job.remote_id, job.seed) for job in found] == [("v4", 4), ("v3", 3), ("v2", 2)]
    assert [asked.path for asked in stand_in.asked] == [
        "/v1/videos?limit=100",
        "/v1/videos?limit=100&after=v3",
    ]


def test_a_list_without_end_is_refused(stand_in, adapter):
    now = datetime.now(UTC)
    stand_in.says("GET", Reply(200, {"data": [listed(1, now.timestamp())], "has_more": True}))
    with pytest.raises(PermanentError, match="does not end"):
        adapter.list_since(now.replace(year=2000))


@pytest.mark.parametrize("reply", [reply for reply, _ in COMMON] + SERVER_FAULTS[:3])
def test_no_error_shows_the_key(stand_in, adapter, reply):
    stand_in.says("POST", reply)
    with pytest.raises(Exception) as caught:
        adapter.submit(REQUEST)
    assert KEY not in repr(caught.value)
