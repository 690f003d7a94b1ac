"""What a server of the /v1/videos protocol may answer, and what it means, call by call."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.parser import BytesParser
from email.utils import format_datetime, parsedate_to_datetime

import httpx
import pytest

from annotations.net import patience
from generation.adapters import bodies, calls
from generation.adapters.answers import NotJson
from generation.adapters.base import (
    AdapterError,
    AuthOrQuotaError,
    Done,
    Pending,
    PermanentError,
    RateLimitedError,
    RejectedError,
    RemoteJob,
    RetryableError,
    UnknownOutcomeError,
    VanishedError,
)
from generation.adapters.openai_videos.adapter import OpenAIVideosAdapter
from generation.adapters.requests import GenerationRequest
from scripts.services import free_port
from tests.generation.stand_in import DRIP, DROP, HANG, PIECES, SEEP, Answer

MODERATION = {"error": {"message": "We will not draw this.", "code": "moderation_blocked"}}
WORDS = {"error": {"message": "No such size.", "code": "invalid_size"}}
SINCE = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
REQUEST = GenerationRequest(prompt="A fox", seed=7)

CALLS = {
    "submit": lambda adapter, target: adapter.submit(REQUEST),
    "poll": lambda adapter, target: adapter.poll("v1"),
    "fetch": lambda adapter, target: adapter.fetch("v1", target),
    "cancel": lambda adapter, target: adapter.cancel("v1"),
    "list": lambda adapter, target: adapter.list_since(SINCE),
}
SAME_FOR_ALL = {
    400: PermanentError,
    401: AuthOrQuotaError,
    402: AuthOrQuotaError,
    403: AuthOrQuotaError,
    405: PermanentError,
    408: RetryableError,
    409: RetryableError,
    422: PermanentError,
    425: RetryableError,
    429: RateLimitedError,
    501: PermanentError,
    503: RateLimitedError,
}
OTHER_CALLS = ["poll", "fetch", "cancel", "list"]


@pytest.fixture
def impatient(monkeypatch):
    """For what never answers: a test of anything else would depend on the machine's speed."""
    monkeypatch.setattr(calls, "TIMEOUT", httpx.Timeout(0.3))
    monkeypatch.setattr(calls, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(calls, "FETCH_SECONDS", 0.2)
    monkeypatch.setattr(patience, "SPARE_SECONDS", 0.2)


@pytest.fixture(autouse=True)
def small_caps(monkeypatch):
    small = replace(OpenAIVideosAdapter.traits, largest_answer=50_000)
    monkeypatch.setattr(OpenAIVideosAdapter, "traits", small)
    monkeypatch.setattr(bodies, "MAX_CLIP_BYTES", 50_000)


def adapter_to(url: str, **values: object) -> OpenAIVideosAdapter:
    given = {"remote_model": "lab-1", "parameters": {"seconds": "4"}, "is_internal": True}
    return OpenAIVideosAdapter(base_url=url, **{**given, **values})


@pytest.fixture
def adapter(server):
    return adapter_to(server.url)


@pytest.fixture
def outcome(adapter, tmp_path):
    """The class and words of the error that a call ends with."""

    def call(name: str, to: OpenAIVideosAdapter = adapter) -> tuple[type[AdapterError], str]:
        with pytest.raises(AdapterError) as raised:
            CALLS[name](to, tmp_path / "clip")
        return type(raised.value), str(raised.value)

    return call


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", SAME_FOR_ALL)
def test_a_status_means_one_error(server, outcome, call, status):
    server.will(Answer(status, WORDS))
    assert outcome(call) == (SAME_FOR_ALL[status], f"No such size. (HTTP {status})")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_refused_prompt_is_told_in_the_servers_words(server, outcome, call, status):
    server.will(Answer(status, MODERATION))
    assert outcome(call) == (RejectedError, "We will not draw this.")


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_broken_server_may_have_taken_the_job(server, outcome, status):
    server.will(Answer(status, "<h1>Bad gateway</h1>"))
    assert outcome("submit") == (UnknownOutcomeError, f"<h1>Bad gateway</h1> (HTTP {status})")


@pytest.mark.parametrize("call", OTHER_CALLS)
@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_broken_server_is_asked_again(server, outcome, call, status):
    server.will(Answer(status, WORDS))
    assert outcome(call)[0] is RetryableError


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("submit", PermanentError),
        ("poll", VanishedError),
        ("fetch", VanishedError),
        ("list", PermanentError),
    ],
)
@pytest.mark.parametrize("status", [404, 410])
def test_not_found_means_what_was_asked_for(server, outcome, call, error, status):
    server.will(Answer(status, WORDS))
    assert outcome(call)[0] is error


@pytest.mark.parametrize("status", [200, 204, 404, 410])
def test_a_job_that_is_not_there_is_cancelled(server, adapter, status):
    server.will(Answer(status))
    adapter.cancel("v1")
    assert [(got.method, got.path) for got in server.received] == [("DELETE", "/v1/videos/v1")]


@pytest.mark.parametrize("call", CALLS)
def test_a_redirect_is_not_followed(server, outcome, call):
    server.will(Answer(302, headers={"Location": f"{server.url}/elsewhere"}))
    assert outcome(call) == (
        PermanentError,
        "The endpoint redirects (HTTP 302); give its final address.",
    )
    assert len(server.received) == 1


@pytest.mark.parametrize("call", CALLS)
def test_a_closed_port_is_tried_again(outcome, call):
    nobody = adapter_to(f"http://127.0.0.1:{free_port()}/v1")
    assert outcome(call, nobody)[0] is RetryableError


@pytest.mark.parametrize("fault", [DROP, HANG, DRIP])
def test_without_an_answer_the_job_may_have_been_taken(server, outcome, impatient, fault):
    server.will(fault)
    assert outcome("submit")[0] is UnknownOutcomeError
    assert len(server.received) == 1


@pytest.mark.parametrize("call", ["submit", *OTHER_CALLS])
def test_a_server_that_sends_headers_for_ever_is_cut_off(server, outcome, impatient, call):
    server.will(SEEP)
    assert outcome(call)[0] in (UnknownOutcomeError, RetryableError)
    assert server.dripped < PIECES


@pytest.mark.parametrize("call", OTHER_CALLS)
@pytest.mark.parametrize("fault", [DROP, HANG, DRIP])
def test_other_calls_without_an_answer_are_made_again(server, outcome, impatient, call, fault):
    server.will(fault)
    assert outcome(call)[0] is RetryableError


@pytest.mark.parametrize(
    "body", ["<html>Log in</html>", [1, 2], '"text"', b"\xff\xfe", "", {}, {"id": ""}, {"id": None}]
)
def test_a_job_taken_without_an_id_is_an_unknown_outcome(server, outcome, body):
    server.will(Answer(200, body))
    assert outcome("submit")[0] is UnknownOutcomeError


@pytest.mark.parametrize("call", ["poll", "list"])
@pytest.mark.parametrize("body", ["<html>Log in</html>", [1, 2], '"text"', b"\xff\xfe", ""])
def test_what_is_not_json_is_asked_for_again(server, outcome, call, body):
    server.will(Answer(200, body))
    assert outcome(call)[0] is NotJson
    assert issubclass(NotJson, RetryableError)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("submit", UnknownOutcomeError),
        ("poll", RetryableError),
        ("fetch", PermanentError),
        ("list", RetryableError),
    ],
)
def test_an_answer_too_large_is_not_read_on(server, outcome, call, error):
    server.will(Answer(200, b"x" * 60_000))
    assert outcome(call)[0] is error


def test_an_id_too_long_to_keep_is_refused(server, outcome):
    server.will(Answer(200, {"id": "x" * 201}))
    assert outcome("submit") == (PermanentError, "The endpoint gave an id of 201 characters.")


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_job_is_taken_with_an_id(server, adapter, status):
    server.will(Answer(status, {"id": "v9", "status": "queued"}))
    submitted = adapter.submit(REQUEST)
    assert (submitted.remote_id, submitted.raw) == ("v9", {"id": "v9", "status": "queued"})


def test_a_number_is_an_id_too(server, adapter):
    server.will(Answer(200, {"id": 42}))
    assert adapter.submit(REQUEST).remote_id == "42"


def test_what_no_database_keeps_is_left_out(server, adapter):
    server.will(Answer(200, '{"id": "v1", "a": "x\\u0000y\\ud800", "b": [NaN, Infinity, 1.5]}'))
    assert adapter.submit(REQUEST).raw == {"id": "v1", "a": "xy?", "b": [None, None, 1.5]}


def test_the_body_is_json_with_what_the_job_says_last(server):
    server.will(Answer(200, {"id": "v1"}))
    parameters = {"seconds": "4", "seed": 1, "prompt": "A cat", "model": "other"}
    adapter_to(server.url, parameters=parameters).submit(REQUEST)
    sent = {"seconds": "4", "seed": 7, "prompt": "A fox", "model": "lab-1"}
    assert json.loads(server.received[0].body) == sent


def test_a_form_holds_the_same_as_text(server):
    server.will(Answer(200, {"id": "v1"}))
    parameters = {"seconds": "4", "enhance": False, "extra": {"a": 1}}
    adapter_to(server.url, parameters=parameters, is_multipart=True).submit(REQUEST)
    assert form_of(server.received[0].headers["content-type"], server.received[0].body) == {
        "seconds": "4",
        "enhance": "false",
        "extra": '{"a": 1}',
        "model": "lab-1",
        "prompt": "A fox",
        "seed": "7",
    }


def form_of(content_type: str, body: bytes) -> dict[str, str]:
    message: Message = BytesParser().parsebytes(
        f"Content-Type: {content_type}\r\n\r\n".encode() + body
    )
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload().strip()
        for part in message.get_payload()
    }


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "999999"}, 3600),
        ({"Retry-After": "soon"}, 30),
        ({"Retry-After": "nan"}, 30),
        ({"Retry-After": "inf"}, 30),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 1),
        ({}, 30),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_is_as_long_as_asked_within_reason(server, adapter, status, header, seconds):
    server.will(Answer(status, WORDS, headers=header))
    with pytest.raises(RateLimitedError) as raised:
        adapter.submit(REQUEST)
    assert raised.value.retry_after == seconds


def test_a_pause_may_be_given_as_a_date(server, adapter):
    at = format_datetime(datetime.now(UTC) + timedelta(minutes=30), usegmt=True)
    server.will(Answer(429, WORDS, headers={"Retry-After": at}))
    with pytest.raises(RateLimitedError) as raised:
        adapter.poll("v1")
    left = (parsedate_to_datetime(at) - datetime.now(UTC)).total_seconds()
    assert left <= raised.value.retry_after <= 1800


@pytest.mark.parametrize(
    ("body", "standing"),
    [
        ({"status": "queued"}, Pending()),
        ({"status": "in_progress", "progress": 40}, Pending(40)),
        ({"status": "in_progress", "progress": 40.9}, Pending(40)),
        ({"status": "in_progress", "progress": -3}, Pending(0)),
        ({"status": "in_progress", "progress": 1e9}, Pending(100)),
        ({"status": "in_progress", "progress": float("inf")}, Pending()),
        ({"status": "in_progress", "progress": "half"}, Pending()),
        ({"status": "a new word"}, Pending()),
        ({"status": ["odd"]}, Pending()),
        ({}, Pending()),
        ({"status": "completed"}, Done(raw={"status": "completed"})),
    ],
)
def test_a_poll_tells_how_the_job_stands(server, adapter, body, standing):
    server.will(Answer(200, body))
    assert adapter.poll("v1") == standing


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ({"status": "failed", **MODERATION}, RejectedError, "We will not draw this."),
        (
            {"status": "failed", "error": {"message": "No.", "type": "content_policy_violation"}},
            RejectedError,
            "No.",
        ),
        ({"status": "failed", **WORDS}, PermanentError, "No such size."),
        ({"status": "failed", "error": "out of memory"}, PermanentError, "out of memory"),
        ({"status": "failed"}, PermanentError, "The endpoint gave no reason."),
        ({"status": "failed", "error": None}, PermanentError, "The endpoint gave no reason."),
        ({"status": "cancelled"}, PermanentError, "The endpoint cancelled the job."),
        ({"status": "canceled"}, PermanentError, "The endpoint cancelled the job."),
    ],
)
def test_a_failed_job_says_why(server, outcome, body, error, words):
    server.will(Answer(200, body))
    assert outcome("poll") == (error, words)


def test_a_clip_is_written_to_the_file(server, adapter, tmp_path):
    server.will(Answer(200, b"clip" * 1000))
    adapter.fetch("v1", tmp_path / "clip")
    assert (tmp_path / "clip").read_bytes() == b"clip" * 1000


def test_an_id_cannot_lead_to_another_path(server, adapter):
    server.will(Answer(200, {"status": "queued"}))
    adapter.poll("../models?x=")
    assert server.received[0].path == "/v1/videos/..%2Fmodels%3Fx%3D"


def raw_job(number: int, **values: object) -> dict[str, object]:
    made = {"id": f"v{number}", "model": "lab-1", "prompt": "A fox", "seed": 7}
    return {**made, "created_at": SINCE.timestamp() - number, **values}


def test_the_list_is_read_page_by_page_until_it_gets_too_old(server, adapter):
    pages = [
        {"data": [raw_job(-3), raw_job(-2)], "has_more": True},
        {"data": [raw_job(-1), raw_job(1)], "has_more": True},
    ]
    server.will(*(Answer(200, page) for page in pages))
    listed = adapter.list_since(SINCE)
    assert [job.remote_id for job in listed] == ["v-3", "v-2", "v-1"]
    assert [got.query.get("after") for got in server.received] == [None, "v-2"]


def test_a_list_that_is_oldest_first_is_read_to_its_end(server, adapter):
    pages = [
        {"data": [raw_job(9), raw_job(8)], "has_more": True},
        {"data": [raw_job(1), raw_job(-1)], "has_more": False},
    ]
    # Ascending within the page, though the last of the first page is too old already.
    server.will(*(Answer(200, page) for page in pages))
    assert [job.remote_id for job in adapter.list_since(SINCE)] == ["v-1"]


def test_a_listed_job_says_what_was_asked_for(server, adapter):
    server.will(Answer(200, {"data": [raw_job(0)]}))
    assert adapter.list_since(SINCE) == [RemoteJob("v0", "lab-1", "A fox", SINCE, 7)]


@pytest.mark.parametrize("created_at", [None, "yesterday", 1e15, "nan", [1]])
def test_a_job_of_unknown_age_counts_as_new(server, adapter, created_at):
    server.will(Answer(200, {"data": [raw_job(0, created_at=created_at), "odd", None]}))
    assert [job.created_at for job in adapter.list_since(SINCE)] == [None]


def test_a_list_without_end_is_given_up(server, outcome):
    server.will(Answer(200, {"data": [raw_job(-1)], "has_more": True}))
    assert outcome("list") == (PermanentError, "The endpoint's list of jobs does not end.")


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {"id": "v1"}}, {"videos": []}])
def test_an_answer_without_jobs_is_no_empty_list(server, outcome, body):
    server.will(Answer(200, body))
    assert outcome("list") == (PermanentError, "The endpoint's list of jobs has no data.")


@pytest.mark.parametrize("call", CALLS)
def test_the_key_is_sent_and_never_told(server, outcome, call):
    keyed = adapter_to(server.url, api_key="sk-secret-1")
    server.will(Answer(401, {"error": {"message": "Wrong key sk-secret-1"}}))
    assert outcome(call, keyed) == (AuthOrQuotaError, "Wrong key [key] (HTTP 401)")
    assert server.received[0].headers["authorization"] == "Bearer sk-secret-1"
    assert "sk-secret-1" not in repr(keyed)


def test_without_a_key_no_header_is_sent(server, adapter):
    server.will(Answer(200, {"id": "v1"}))
    adapter.submit(REQUEST)
    assert "authorization" not in server.received[0].headers


@pytest.mark.parametrize("call", CALLS)
def test_a_private_address_is_not_called(server, outcome, call):
    outside = adapter_to(server.url, is_internal=False)
    assert outcome(call, outside)[0] is PermanentError
    assert server.received == []
