"""What an endpoint's answer means: each HTTP status and each reported failure is one outcome."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from generation.adapters.base import (
    MAX_REMOTE_ID,
    AuthOrQuotaError,
    PermanentError,
    RateLimitedError,
    RejectedError,
    RemoteJob,
    RetryableError,
    Submitted,
    UnknownOutcomeError,
    VanishedError,
)
from generation.adapters.traits import PAUSE_SECONDS
from generation.adapters.values import storable

MAX_PAUSE_SECONDS = 3600.0
UNKNOWN_THERE = (404, 410)

LABELS = ("code", "type", "error_type", "failureCode", "failure_code", "failure_type", "status")
WORDS = ("message", "msg", "detail", "details", "title", "failure", "failure_reason", "error")
MODERATION_LABELS = ("moderat", "content_policy", "safety", "nsfw", "prohibited_content")
# For endpoints that report a failure as free text only.
MODERATION_WORDS = (
    "nsfw",
    "moderation",
    "flagged as",
    "content policy",
    "usage guidelines",
    "responsible ai",
    "sensitive content",
    "safety filter",
    "safety system",
    "(e005)",
)
QUOTA_WORDS = (
    "insufficient_quota",
    "exceeded your current quota",
    "enough credits",
    "insufficient credit",
    "insufficient balance",
    "exhausted balance",
)


def raise_for_answer(answer: httpx.Response, *, pause: float = PAUSE_SECONDS) -> None:
    """Each HTTP status is exactly one outcome; a refusal of the prompt may come with any 4xx.

    Parameters
    ----------
    pause
        Seconds, for an endpoint that asks for a pause without saying how long.
    """
    status = answer.status_code
    if answer.is_success:
        return
    words, labels = words_of(answer), labels_of(error_of(answer))
    if answer.is_client_error and any(word in f"{words} {labels}".lower() for word in QUOTA_WORDS):
        raise AuthOrQuotaError(words)
    if status in (429, 503):
        raise RateLimitedError(words, retry_after_of(answer, pause))
    refusal = failure(error_of(answer))
    if answer.is_client_error and isinstance(refusal, RejectedError):
        raise refusal
    if status in (401, 402, 403):
        raise AuthOrQuotaError(words)
    if status in UNKNOWN_THERE:
        raise VanishedError(words)
    if status in (408, 409, 425) or (status >= 500 and status != 501):
        raise RetryableError(words)
    if answer.is_redirect:
        raise PermanentError(f"The endpoint redirects (HTTP {status}); give its final address.")
    raise PermanentError(words)


def raise_for_submit(answer: httpx.Response, *, pause: float = PAUSE_SECONDS) -> None:
    """As any answer, but when in doubt the job may have been accepted."""
    if answer.status_code >= 500 and answer.status_code not in (501, 503):
        raise UnknownOutcomeError(words_of(answer))
    try:
        raise_for_answer(answer, pause=pause)
    except VanishedError as error:
        raise PermanentError(str(error)) from error


def submission_in(raw: Mapping[str, Any], name: str = "id") -> Submitted:
    """A job that was accepted, under the endpoint's id for it."""
    given = raw.get(name)
    is_id = isinstance(given, str | int) and not isinstance(given, bool)
    return submission(raw, str(given) if is_id else "")


def submission(raw: Mapping[str, Any], remote_id: str) -> Submitted:
    if not remote_id:
        raise UnknownOutcomeError("The endpoint accepted the job but gave it no id.")
    if len(remote_id) > MAX_REMOTE_ID:
        raise PermanentError(f"The endpoint gave an id of {len(remote_id)} characters.")
    return Submitted(remote_id=remote_id, raw=raw)


def failure(error: object, *, is_free_text: bool = False) -> RejectedError | PermanentError:
    """A failed job's error; moderation is a refusal of the prompt."""
    words = plain_words(error) or str(error or "The endpoint gave no reason.")
    if any(word in labels_of(error) for word in MODERATION_LABELS):
        return RejectedError(words)
    if is_free_text and any(word in words.lower() for word in MODERATION_WORDS):
        return RejectedError(words)
    return PermanentError(words)


def plain_words(error: object) -> str:
    """The message in an error, wherever the endpoint put it."""
    if isinstance(error, Mapping):
        found = (plain_words(error[name]) for name in WORDS if error.get(name))
        return next((words for words in found if words), "")
    if isinstance(error, Sequence) and not isinstance(error, str | bytes):
        return "; ".join(filter(None, map(plain_words, error)))
    return str(error or "")


def labels_of(error: object) -> str:
    """The codes and types in an error, wherever the endpoint put them."""
    if isinstance(error, Mapping):
        own = [str(error[name]) for name in LABELS if error.get(name)]
        nested = [labels_of(error[name]) for name in ("error", "detail") if error.get(name)]
        return " ".join([*own, *nested]).lower()
    if isinstance(error, Sequence) and not isinstance(error, str | bytes):
        return " ".join(map(labels_of, error))
    return ""


def words_of(answer: httpx.Response) -> str:
    words = plain_words(error_of(answer))[:1000]
    words = words or storable(answer.text[:300]) or answer.reason_phrase
    return f"{words} (HTTP {answer.status_code})"


def error_of(answer: httpx.Response) -> object:
    try:
        body = storable(answer.json())
    except ValueError:
        return storable(answer.text[:300])
    if not isinstance(body, Mapping):
        return body if isinstance(body, list) else str(body)[:300]
    error = body.get("error", body)
    # Some write the words here and the code beside them.
    return error if isinstance(error, Mapping) else body


def retry_after_of(answer: httpx.Response, otherwise: float = PAUSE_SECONDS) -> float:
    """Seconds, from the header's number or date, within reason."""
    header = answer.headers.get("Retry-After", "")
    try:
        asked = float(header)
    except ValueError:
        asked = seconds_until(header)
    if not math.isfinite(asked):
        return otherwise
    return min(max(asked, 1.0), MAX_PAUSE_SECONDS)


def seconds_until(date: str) -> float:
    """NaN for what is no date."""
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, OverflowError):
        return math.nan


class NotJson(RetryableError):
    """Not an answer of this protocol: perhaps a proxy's page."""


def json_object(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = storable(answer.json())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise NotJson(f"The endpoint's answer is not JSON: {storable(answer.text[:200])!r}")
    return body


def rest_is_older(jobs: list[RemoteJob], since: datetime) -> bool:
    """Whether no later page can matter, in a list that is newest first."""
    first, last = jobs[0].created_at, jobs[-1].created_at
    return first is not None and last is not None and last <= first and last < since


def not_older(jobs: list[RemoteJob], since: datetime) -> list[RemoteJob]:
    return [job for job in jobs if job.created_at is None or job.created_at >= since]
