"""What every adapter does alike, each against a stand-in with its provider's own shapes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import pytest

from generation.adapters.base import (
    AuthOrQuotaError,
    Done,
    Pending,
    PermanentError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
    UnsupportedError,
    VanishedError,
)
from generation.adapters.registry import ADAPTERS
from generation.adapters.requests import GenerationRequest, Kind, MediaFile
from scripts.services import free_port
from tests.generation.adapters.contract.conftest import CAP, Subject, adapter_for, error_of
from tests.generation.adapters.contract.server import CLIP
from tests.generation.adapters.contract.shapes import (
    BLOCKING,
    KEY,
    MADE_AT,
    QUEUED,
    comfyui,
    openai_videos,
    openai_videos_by_list,
    runway,
)
from tests.generation.stand_in import DRIP, DROP, HANG, Answer

ALL = [*QUEUED, *BLOCKING]
WORDS = {"error": {"message": "No such size.", "code": "invalid_size"}}
STATUSES = {
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
REFUSALS = [
    {"error": {"message": "Not this.", "code": "moderation_blocked"}},
    {"error": {"message": "Not this.", "type": "content_policy_violation"}},
    {"detail": [{"loc": ["body"], "msg": "Not this.", "type": "content_policy_violation"}]},
    {"error": "Not this.", "failureCode": "SAFETY.INPUT.TEXT"},
]
NO_CREDIT = [
    {"error": {"message": "Billing.", "code": "insufficient_quota"}},
    {"error": "You do not have enough credits to run this task."},
    {"detail": "User is locked. Reason: Exhausted balance."},
]
PAGE = b"<!doctype html><title>Log in</title>"
LINK_LOCAL = "http://169.254.169.254/latest/meta-data/"


def of(*shapes):
    """Parametrise with these providers."""
    names = [make.__name__ for make in shapes]
    return pytest.mark.parametrize("subject", shapes, ids=names, indirect=True)


def cases(shapes, field):
    """Parametrise with each provider and each of its entries in this field, by number."""
    pairs = [
        pytest.param(make, number, id=f"{make.__name__}-{number}")
        for make in shapes
        for number in range(len(getattr(make("http://x/v1"), field)))
    ]
    return pytest.mark.parametrize(("subject", "number"), pairs, indirect=["subject"])


def having(field, *shapes):
    """Parametrise with those of these providers that have it."""
    return of(*(make for make in shapes if getattr(make("http://x/v1"), field)))


def lacking(field, *shapes):
    return of(*(make for make in shapes if not getattr(make("http://x/v1"), field)))


def test_every_kind_of_endpoint_is_in_the_contract(provider):
    covered = {make(provider.url).adapter for make in ALL}
    assert covered | {"upload"} == set(ADAPTERS)


@of(*ALL)
def test_what_is_asked_for_is_sent_once_with_the_key(subject):
    submitted = subject.submit()
    call = subject.provider.last(subject.shape.submit)
    name, value = subject.shape.authorization
    assert (json.loads(call.body), call.headers[name]) == (subject.shape.sent, value)
    assert subject.provider.calls().count(subject.shape.submit) == 1
    assert submitted.remote_id == subject.shape.remote_id


@of(*ALL)
def test_without_a_key_none_is_sent(subject):
    adapter_for(subject.shape, subject.provider.url, api_key="").submit(subject.shape.request)
    assert subject.shape.authorization[0] not in subject.provider.received[-1].headers


@of(*ALL)
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_means_one_error_for_a_submit(subject, status):
    error = error_of(subject.answering(subject.shape.submit, Answer(status, WORDS)).submit)
    assert (type(error), str(error)) == (STATUSES[status], f"No such size. (HTTP {status})")


@of(*QUEUED)
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_means_one_error_for_a_poll(subject, status):
    error = error_of(subject.answering(subject.shape.poll, Answer(status, WORDS)).poll)
    assert (type(error), str(error)) == (STATUSES[status], f"No such size. (HTTP {status})")


@of(*ALL)
@pytest.mark.parametrize("status", [400, 403, 422])
@pytest.mark.parametrize("body", REFUSALS)
def test_a_refused_prompt_is_an_outcome_in_the_providers_words(subject, status, body):
    error = error_of(subject.answering(subject.shape.submit, Answer(status, body)).submit)
    assert (type(error), str(error)) == (RejectedError, "Not this.")


@of(*ALL)
@pytest.mark.parametrize("status", [400, 402, 403, 429])
@pytest.mark.parametrize("body", NO_CREDIT)
def test_an_account_without_money_stops_the_endpoint(subject, status, body):
    error = error_of(subject.answering(subject.shape.submit, Answer(status, body)).submit)
    assert type(error) is AuthOrQuotaError


@of(*ALL)
def test_a_pause_is_as_long_as_the_header_says(subject):
    limited = Answer(429, WORDS, {"Retry-After": "7"})
    error = error_of(subject.answering(subject.shape.submit, limited).submit)
    assert error.retry_after == 7


@of(*ALL)
def test_a_pause_may_be_given_as_a_date(subject):
    at = format_datetime(datetime.now(UTC) + timedelta(minutes=30), usegmt=True)
    limited = Answer(429, WORDS, {"Retry-After": at})
    error = error_of(subject.answering(subject.shape.submit, limited).submit)
    left = (parsedate_to_datetime(at) - datetime.now(UTC)).total_seconds()
    assert left <= error.retry_after <= 1800


@of(*ALL)
@pytest.mark.parametrize(
    "answer", [Answer(500, WORDS), Answer(502, "<h1>Bad gateway</h1>"), Answer(504), DROP, HANG]
)
def test_a_submit_without_a_clear_answer_may_have_been_taken(subject, impatient, answer):
    error = error_of(subject.answering(subject.shape.submit, answer).submit)
    assert type(error) is UnknownOutcomeError
    assert subject.provider.calls().count(subject.shape.submit) == 1


@of(*ALL)
def test_a_slow_answer_to_a_submit_may_have_been_taken(subject, impatient):
    error = error_of(subject.answering(subject.shape.submit, DRIP).submit)
    assert type(error) is UnknownOutcomeError


@of(*QUEUED)
@pytest.mark.parametrize("body", [PAGE, [1], b"", {}, b"x" * (CAP + 1)])
def test_a_job_taken_without_an_id_may_have_been_taken(subject, body):
    error = error_of(subject.answering(subject.shape.submit, Answer(200, body)).submit)
    assert type(error) is UnknownOutcomeError


@of(*ALL)
def test_a_closed_port_is_tried_again(subject):
    nobody = adapter_for(subject.shape, f"http://127.0.0.1:{free_port()}/v1")
    assert type(error_of(lambda: nobody.submit(subject.shape.request))) is RetryableError


@of(*ALL)
def test_an_address_that_is_not_there_is_a_mistake_of_the_endpoints_row(subject):
    error = error_of(subject.answering(subject.shape.submit, Answer(404, WORDS)).submit)
    assert type(error) is PermanentError


@of(*ALL)
def test_a_redirect_of_a_call_is_not_followed(subject):
    away = Answer(307, headers={"Location": LINK_LOCAL})
    error = error_of(subject.answering(subject.shape.submit, away).submit)
    assert (type(error), len(subject.provider.received)) == (PermanentError, 1)


@of(*ALL)
def test_a_private_address_is_not_called(subject):
    outside = adapter_for(subject.shape, subject.provider.url, is_internal=False)
    error = error_of(lambda: outside.submit(subject.shape.request))
    assert (type(error), subject.provider.received) == (PermanentError, [])


@of(*ALL)
def test_the_key_is_never_told(subject):
    told = Answer(401, {"error": {"message": f"Wrong key {KEY}"}})
    error = error_of(subject.answering(subject.shape.submit, told).submit)
    assert str(error) == "Wrong key [key] (HTTP 401)"
    assert KEY not in repr(subject.adapter)


@cases(QUEUED, "pending")
def test_a_job_that_is_not_made_yet_is_pending(subject, number):
    subject.answering(subject.shape.poll, subject.shape.pending[number])
    assert isinstance(subject.poll(), Pending)


@of(*QUEUED)
def test_a_job_that_is_made_is_done(subject):
    standing = subject.poll()
    assert isinstance(standing, Done)
    assert standing.raw


@cases(QUEUED, "failed")
def test_a_job_that_failed_says_why(subject, number):
    body, error_class, words = subject.shape.failed[number]
    error = error_of(subject.answering(subject.shape.poll, body).poll)
    assert type(error) is error_class
    assert words in str(error)


@of(openai_videos, comfyui)
@pytest.mark.parametrize("status", [404, 410])
def test_a_server_of_ones_own_forgets_its_jobs_when_it_starts_again(subject, status):
    error = error_of(subject.answering(subject.shape.poll, Answer(status, WORDS)).poll)
    assert type(error) is VanishedError


@of(*(make for make in QUEUED if make not in (openai_videos, openai_videos_by_list, comfyui)))
@pytest.mark.parametrize("status", [404, 410])
def test_a_job_that_a_paid_service_does_not_know_is_not_paid_for_again(subject, status):
    error = error_of(subject.answering(subject.shape.poll, Answer(status, WORDS)).poll)
    assert type(error) is RetryableError


@of(*QUEUED)
@pytest.mark.parametrize("answer", [Answer(500, WORDS), Answer(200, PAGE), DROP, HANG, DRIP])
def test_a_poll_without_a_clear_answer_is_made_again(subject, impatient, answer):
    error = error_of(subject.answering(subject.shape.poll, answer).poll)
    assert isinstance(error, RetryableError)


@of(*QUEUED)
def test_a_clip_is_written_to_the_file(subject):
    assert subject.fetch() == CLIP


@of(*BLOCKING)
def test_a_clip_that_came_at_once_is_held_until_it_is_fetched(subject):
    subject.submit()
    assert (subject.poll(), subject.fetch(), subject.fetch()) == (Done(), CLIP, CLIP)


@of(*BLOCKING)
def test_a_held_clip_that_is_given_up_is_not_there_any_more(subject):
    subject.submit()
    subject.cancel()
    assert type(error_of(subject.fetch)) is VanishedError


def getting(subject):
    """The call that brings the clip in."""
    return subject.fetch if subject.shape.poll else subject.submit


@of(*ALL)
@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, PAGE, {"Content-Type": "video/mp4"}),
        Answer(200, b"  \n<?xml version='1.0'?><Error/>", {"Content-Type": "video/mp4"}),
        Answer(200, b"Log in, please.", {"Content-Type": "text/html; charset=utf-8"}),
        Answer(200, b'{"error": "gone"}', {"Content-Type": "video/mp4"}),
    ],
)
def test_a_page_named_as_a_clip_is_none(subject, answer):
    error = error_of(getting(subject.answering(subject.shape.result, answer)))
    assert type(error) is PermanentError
    assert "a page, not a clip" in str(error)


@of(*ALL)
@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"x" * (CAP + 1)),
        Answer(200, b"", {"Content-Length": str(3 * 1024**3)}),
    ],
    ids=["sent", "announced"],
)
def test_a_clip_above_the_cap_is_not_read_on(subject, answer):
    error = error_of(getting(subject.answering(subject.shape.result, answer)))
    assert type(error) is PermanentError
    assert "too large" in str(error)


@of(*QUEUED)
@pytest.mark.parametrize("answer", [DRIP, HANG, DROP, Answer(500, WORDS), Answer(503, WORDS)])
def test_a_clip_that_does_not_come_now_is_asked_for_again(subject, impatient, answer):
    error = error_of(subject.answering(subject.shape.result, answer).fetch)
    assert isinstance(error, RetryableError | RateLimitedError)


def addressed(*shapes):
    return having("names_an_address", *shapes)


@addressed(*ALL)
def test_a_clips_address_may_lead_on(subject):
    on = Answer(302, headers={"Location": "/v1/other.mp4"})
    subject.answering(subject.shape.result, on)
    subject.answering("GET /v1/other.mp4", Answer(200, CLIP))
    getting(subject)()
    assert subject.fetch() == CLIP


@addressed(*ALL)
def test_a_clips_address_does_not_lead_into_the_machines_own_network(subject):
    away = Answer(302, headers={"Location": LINK_LOCAL})
    error = error_of(getting(subject.answering(subject.shape.result, away)))
    assert type(error) is PermanentError
    assert "private network" in str(error)


@addressed(*ALL)
def test_a_clips_address_does_not_lead_in_circles(subject):
    on = Answer(302, headers={"Location": "/v1/files/clip.mp4"})
    error = error_of(getting(subject.answering(subject.shape.result, on)))
    assert type(error) is PermanentError


@pytest.mark.parametrize(
    "address",
    [
        "",
        None,
        7,
        "clip.mp4",
        "file:///etc/passwd",
        "ftp://127.0.0.1/clip",
        "http://[::1",
        "http://",
    ],
)
def test_what_is_no_web_address_is_not_fetched(provider, target, address):
    subject = Subject(runway(provider.url), provider, target)
    body = {"status": "SUCCEEDED", "output": [address]}
    error = error_of(subject.answering(subject.shape.poll, body).fetch)
    assert type(error) is PermanentError


def test_an_address_with_odd_characters_is_told(provider, target):
    subject = Subject(runway(provider.url), provider, target)
    body = {"status": "SUCCEEDED", "output": [f"{provider.url}/a\x07b"]}
    error = error_of(subject.answering(subject.shape.poll, body).fetch)
    assert type(error) is PermanentError


def moved(shape, provider, **options):
    """The same answers, with the clip at another host than the endpoint."""
    away = provider.url.replace("127.0.0.1", "localhost")
    for name, answer in list(provider.routes.items()):
        if isinstance(answer, Answer) and not isinstance(answer.body, bytes):
            body = json.loads(
                json.dumps(answer.body).replace(f"{provider.url}/files", f"{away}/files")
            )
            provider.says({name: Answer(answer.status, body)})
    hosts = {"result_hosts": ["localhost"], **options}
    return adapter_for(shape, provider.url, options={**shape.options, **hosts})


@addressed(*ALL)
def test_the_key_is_not_sent_to_where_the_clip_lies(subject):
    subject.adapter = moved(subject.shape, subject.provider)
    getting(subject)()
    call = subject.provider.last(subject.shape.result)
    assert call.headers["host"].startswith("localhost")
    assert KEY not in str(call.headers)


@addressed(*QUEUED)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_address_that_ran_out_does_not_stop_the_endpoint(subject, status):
    subject.adapter = moved(subject.shape, subject.provider)
    error = error_of(subject.answering(subject.shape.result, Answer(status, PAGE)).fetch)
    assert type(error) is VanishedError


@addressed(*ALL)
def test_a_clip_in_the_private_network_is_fetched_only_from_hosts_that_are_named(subject):
    subject.adapter = moved(subject.shape, subject.provider, result_hosts=[])
    error = error_of(getting(subject))
    assert type(error) is PermanentError
    assert subject.shape.result not in subject.provider.calls()


@having("cancel", *QUEUED)
def test_a_job_is_stopped_at_the_provider(subject):
    subject.cancel()
    assert subject.shape.cancel in subject.provider.calls()
    assert subject.adapter.capabilities.can_cancel


@having("cancel", *QUEUED)
def test_a_job_that_is_not_there_is_as_good_as_stopped(subject):
    subject.answering(subject.shape.cancel, Answer(404, WORDS)).cancel()
    assert subject.shape.cancel in subject.provider.calls()


@lacking("cancel", *QUEUED)
def test_a_provider_that_cannot_stop_a_job_says_so(subject):
    assert not subject.adapter.capabilities.can_cancel
    assert type(error_of(subject.cancel)) is PermanentError


@having("listing", *ALL)
def test_the_providers_list_tells_which_jobs_it_has(subject):
    assert subject.adapter.list_since(MADE_AT - timedelta(minutes=1)) == subject.shape.jobs
    assert subject.adapter.capabilities.can_list


@having("listing", *ALL)
def test_jobs_from_before_are_not_listed(subject):
    assert subject.adapter.list_since(MADE_AT + timedelta(minutes=1)) == []


@lacking("listing", *(make for make in ALL if make is not openai_videos_by_list))
def test_a_provider_without_a_list_says_so(subject):
    assert not subject.adapter.capabilities.can_list
    assert type(error_of(lambda: subject.adapter.list_since(MADE_AT))) is PermanentError


@of(*ALL)
def test_what_a_model_cannot_take_is_refused_and_nothing_is_sent(subject, tmp_path):
    known = subject.adapter.capabilities
    asked = {
        "seed": (known.takes_seed, {"seed": 7}, "a seed"),
        "negative": (known.takes_negative_prompt, {"negative_prompt": "rain"}, "a negative prompt"),
        "length": (known.lengths is None, {"seconds": 3600}, "a length of 3600 s"),
        "size": (known.sizes is None, {"size": "7x7"}, "a size of 7x7"),
        "ratio": (known.ratios is None, {"ratio": "7:1"}, "a shape of 7:1"),
        "kind": (False, {"kind": "video-to-music"}, "video-to-music"),
    }
    kind = subject.shape.request.kind
    for is_taken, values, words in asked.values():
        request = GenerationRequest(**{"prompt": "A fox", "kind": kind, **values})
        if is_taken:
            assert known.unsupported(request) == []
        else:
            error = error_of(lambda request=request: subject.adapter.submit(request))
            assert type(error) is UnsupportedError
            assert words in str(error)
    assert subject.provider.received == []


@of(*ALL)
def test_a_model_that_starts_from_a_picture_is_not_called_without_one(subject):
    for kind in (Kind.IMAGE_TO_VIDEO, Kind.IMAGE_EDITING, Kind.VIDEO_EXTENSION):
        options = {**subject.shape.options, "kinds": [kind]}
        adapter = adapter_for(subject.shape, subject.provider.url, options=options)
        request = GenerationRequest(prompt="A fox", kind=kind)
        error = error_of(lambda adapter=adapter, request=request: adapter.submit(request))
        assert isinstance(error, PermanentError)
    assert subject.provider.received == []


@of(*ALL)
def test_a_picture_is_not_dropped_for_a_kind_that_has_none(subject, tmp_path):
    (tmp_path / "fox.png").write_bytes(b"png")
    image = MediaFile(tmp_path / "fox.png", "image/png")
    request = GenerationRequest(prompt="A fox", kind=subject.shape.request.kind, image=image)
    error = error_of(lambda: subject.adapter.submit(request))
    assert (type(error), "an image" in str(error)) == (UnsupportedError, True)


@of(*ALL)
def test_an_option_that_is_not_known_is_named(subject):
    assert subject.adapter.problems() == []
    options = {**subject.shape.options, "colour": "red"}
    wrong = adapter_for(subject.shape, subject.provider.url, options=options)
    assert wrong.problems() == ["It has no option colour."]
