"""The `/v1/videos` protocol that self-hosted servers share (vLLM-Omni, SGLang, gateways)."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from generation.adapters.base import (
    FETCH_SECONDS,
    MAX_CLIP_BYTES,
    MAX_REMOTE_ID,
    AuthOrQuotaError,
    Done,
    GenerationRequest,
    Pending,
    PermanentError,
    RateLimitedError,
    RejectedError,
    RemoteJob,
    RetryableError,
    Submitted,
    UnknownOutcomeError,
    VanishedError,
)
from generation.addresses import ensure_allowed

TIMEOUT = httpx.Timeout(45, connect=10, write=20)
ANSWER_SECONDS = 60
MAX_ANSWER_BYTES = 8 * 1024**2
DEFAULT_PAUSE_SECONDS = 30.0
MAX_PAUSE_SECONDS = 3600.0
PAGE = 100
MAX_PAGES = 50
UNKNOWN_THERE = (404, 410)
MODERATION_WORDS = ("moderation", "content_policy", "safety")


class OpenAIVideosAdapter:
    """One model of one server.

    Parameters
    ----------
    base_url
        Up to and including `/v1`.
    parameters
        Further fields of the request, such as `seconds` and `size`.
    is_multipart
        Send a form instead of JSON, as vLLM-Omni wants it.
    is_internal
        Allow addresses of private networks.
    """

    def __init__(
        self,
        *,
        base_url: str,
        remote_model: str,
        parameters: Mapping[str, Any],
        api_key: str = "",
        is_multipart: bool = False,
        is_internal: bool = False,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.remote_model = remote_model
        self.parameters = dict(parameters)
        self.is_multipart = is_multipart
        self.is_internal = is_internal
        self.api_key = api_key

    def submit(self, request: GenerationRequest) -> Submitted:
        """Ask for a video; the answer is the server's id of the job.

        Raises
        ------
        RetryableError, RateLimitedError, RejectedError, PermanentError, AuthOrQuotaError
            It was surely not accepted.
        UnknownOutcomeError
            It may have been.
        """
        body = {
            **self.parameters,
            "model": self.remote_model,
            "prompt": request.prompt,
            "seed": request.seed,
        }
        try:
            answer = self._call("POST", "/videos", **self._encode(body))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise RetryableError(f"The endpoint cannot be reached: {error}") from error
        except httpx.HTTPError as error:
            raise UnknownOutcomeError(f"The endpoint did not answer: {error!r}") from error
        return submitted(answer)

    def poll(self, remote_id: str) -> Pending | Done:
        """How the job stands. A status that is not known counts as pending.

        Raises
        ------
        VanishedError
            The server does not know it, for example after a restart.
        RejectedError, PermanentError
            It failed, in the server's words.
        RetryableError, RateLimitedError, AuthOrQuotaError
            The question could not be answered now.
        """
        raw = json_object(self._get(path_of(remote_id)))
        status = raw.get("status")
        if status == "completed":
            return Done(raw=raw)
        if status == "failed":
            raise failure(raw.get("error"))
        if status in ("cancelled", "canceled"):
            raise PermanentError("The endpoint cancelled the job.")
        return Pending(progress=percentage(raw.get("progress")))

    def fetch(self, remote_id: str, target: Path) -> None:
        """Stream the clip into a file, within bounds of size and time.

        Raises
        ------
        PermanentError
            It is too large.
        VanishedError, RetryableError, RateLimitedError, AuthOrQuotaError
            It cannot be had now.
        """
        address = f"{self.base_url}{path_of(remote_id)}/content"
        with self._answering(), self._client() as client, client.stream("GET", address) as answer:
            if not answer.is_success:
                raise_for_answer(self._read(answer))
            with target.open("wb") as file:
                try:
                    for chunk in within_bounds(answer, MAX_CLIP_BYTES, FETCH_SECONDS):
                        file.write(chunk)
                except AnswerTooLarge as error:
                    raise PermanentError(f"The clip is too large. {error}") from error

    def cancel(self, remote_id: str) -> None:
        """Ask the server to stop the job; one that it does not know is as good as stopped."""
        with self._answering():
            answer = self._call("DELETE", path_of(remote_id))
        if answer.status_code not in UNKNOWN_THERE:
            raise_for_answer(answer)

    def list_since(self, since: datetime) -> list[RemoteJob]:
        """The server's jobs made since then, newest first.

        Raises
        ------
        PermanentError
            It has no list, or one without end.
        """
        found: list[RemoteJob] = []
        after: str | None = None
        for _ in range(MAX_PAGES):
            page = self._page(after)
            jobs = [remote_job(raw) for raw in page["data"] if isinstance(raw, Mapping)]
            found += [job for job in jobs if job.created_at is None or job.created_at >= since]
            if not page.get("has_more") or not jobs or rest_is_older(jobs, since):
                return found
            after = jobs[-1].remote_id
        raise PermanentError("The endpoint's list of jobs does not end.")

    def _page(self, after: str | None) -> Mapping[str, Any]:
        try:
            page = json_object(self._get("/videos", limit=PAGE, order="desc", after=after))
        except VanishedError as error:
            raise PermanentError(f"The endpoint has no list of jobs: {error}") from error
        if not isinstance(page.get("data"), list):
            raise PermanentError("The endpoint's list of jobs has no data.")
        return page

    def _get(self, path: str, **parameters: object) -> httpx.Response:
        given = {name: str(value) for name, value in parameters.items() if value is not None}
        with self._answering():
            answer = self._call("GET", path, params=given)
        raise_for_answer(answer)
        return answer

    def _call(self, method: str, path: str, **content: Any) -> httpx.Response:
        address = f"{self.base_url}{path}"
        with self._client() as client, client.stream(method, address, **content) as answer:
            return self._read(answer)

    def _read(self, answer: httpx.Response) -> httpx.Response:
        """The whole answer, within bounds, and without the key should it be repeated there."""
        body = b"".join(within_bounds(answer, MAX_ANSWER_BYTES, ANSWER_SECONDS))
        if self.api_key:
            body = body.replace(self.api_key.encode(), b"[key]")
        kept = ("content-type", "retry-after")
        headers = {name: answer.headers[name] for name in kept if name in answer.headers}
        return httpx.Response(answer.status_code, headers=headers, content=body)

    def _client(self) -> httpx.Client:
        ensure_allowed(self.base_url, is_internal=self.is_internal)
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return httpx.Client(timeout=TIMEOUT, headers=headers, follow_redirects=False)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Calls that may be repeated: a lost one is retried later."""
        try:
            yield
        except httpx.HTTPError as error:
            raise RetryableError(f"The endpoint did not answer: {error!r}") from error

    def _encode(self, body: dict[str, Any]) -> dict[str, Any]:
        if not self.is_multipart:
            return {"json": body}
        texts = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in body.items()
        }
        return {"files": {name: (None, text) for name, text in texts.items()}}


class AnswerTooLarge(httpx.ReadError):
    """Nobody sends that much on purpose."""


def within_bounds(answer: httpx.Response, most_bytes: int, seconds: float) -> Iterator[bytes]:
    """The answer's body, piece by piece, as long as it is neither too large nor too slow."""
    give_up_at = time.monotonic() + seconds
    received = 0
    for chunk in answer.iter_bytes():
        received += len(chunk)
        if received > most_bytes:
            raise AnswerTooLarge(f"It has more than {most_bytes // 1024**2} MB.")
        if time.monotonic() > give_up_at:
            raise httpx.ReadTimeout(f"The answer did not end within {seconds} s.")
        yield chunk


def path_of(remote_id: str) -> str:
    return f"/videos/{quote(remote_id, safe='')}"


def submitted(answer: httpx.Response) -> Submitted:
    """What the answer to a new job says; when in doubt, it may have been accepted."""
    if answer.status_code >= 500 and answer.status_code not in (501, 503):
        raise UnknownOutcomeError(words_of(answer))
    try:
        raise_for_answer(answer)
        raw = json_object(answer)
    except VanishedError as error:
        raise PermanentError(str(error)) from error
    except NotJson as error:
        raise UnknownOutcomeError(str(error)) from error
    remote_id = str(raw.get("id") or "")
    if not remote_id:
        raise UnknownOutcomeError("The endpoint accepted the job but gave it no id.")
    if len(remote_id) > MAX_REMOTE_ID:
        raise PermanentError(f"The endpoint gave an id of {len(remote_id)} characters.")
    return Submitted(remote_id=remote_id, raw=raw)


def raise_for_answer(answer: httpx.Response) -> None:
    """Each HTTP status is exactly one outcome; a refusal of the prompt may come with any 4xx."""
    status = answer.status_code
    if answer.is_success:
        return
    if status in (429, 503):
        raise RateLimitedError(words_of(answer), retry_after_of(answer))
    refusal = failure(error_of(answer))
    if answer.is_client_error and isinstance(refusal, RejectedError):
        raise refusal
    if status in (401, 402, 403):
        raise AuthOrQuotaError(words_of(answer))
    if status in UNKNOWN_THERE:
        raise VanishedError(words_of(answer))
    if status in (408, 409, 425) or (status >= 500 and status != 501):
        raise RetryableError(words_of(answer))
    if answer.is_redirect:
        raise PermanentError(f"The endpoint redirects (HTTP {status}); give its final address.")
    raise PermanentError(words_of(answer))


def failure(error: object) -> RejectedError | PermanentError:
    """A failed job's error; moderation is a refusal of the prompt."""
    details = error if isinstance(error, Mapping) else {}
    words = str(details.get("message") or error or "The endpoint gave no reason.")
    label = f"{details.get('code') or ''} {details.get('type') or ''}".lower()
    if any(word in label for word in MODERATION_WORDS):
        return RejectedError(words)
    return PermanentError(words)


def words_of(answer: httpx.Response) -> str:
    error = error_of(answer)
    words = error.get("message") if isinstance(error, Mapping) else error
    words = words or storable(answer.text[:300]) or answer.reason_phrase
    return f"{words} (HTTP {answer.status_code})"


def error_of(answer: httpx.Response) -> object:
    try:
        body = storable(answer.json())
    except ValueError:
        return storable(answer.text[:300])
    return body.get("error", body) if isinstance(body, Mapping) else str(body)[:300]


def retry_after_of(answer: httpx.Response) -> float:
    """Seconds, from the header's number or date, within reason."""
    header = answer.headers.get("Retry-After", "")
    try:
        asked = float(header)
    except ValueError:
        asked = seconds_until(header)
    if not math.isfinite(asked):
        return DEFAULT_PAUSE_SECONDS
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


def storable(value: Any) -> Any:
    """Without what a database refuses: NUL characters, halves of characters, NaN."""
    if isinstance(value, str):
        return value.replace("\0", "").encode(errors="replace").decode()
    if isinstance(value, dict):
        return {storable(key): storable(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [storable(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def percentage(value: object) -> int | None:
    return min(max(int(value), 0), 100) if isinstance(value, int | float) else None


def remote_job(raw: Mapping[str, Any]) -> RemoteJob:
    seed = raw.get("seed")
    return RemoteJob(
        remote_id=str(raw.get("id") or ""),
        model=str(raw.get("model") or ""),
        prompt=str(raw.get("prompt") or ""),
        created_at=time_of(raw.get("created_at")),
        seed=seed if isinstance(seed, int) else None,
    )


def time_of(value: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(str(value)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def rest_is_older(jobs: list[RemoteJob], since: datetime) -> bool:
    """Whether no later page can matter, in a list that is newest first."""
    first, last = jobs[0].created_at, jobs[-1].created_at
    return first is not None and last is not None and last <= first and last < since
