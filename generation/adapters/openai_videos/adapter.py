"""The `/v1/videos` protocol that self-hosted servers share (vLLM-Omni, SGLang, gateways)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from generation.adapters.base import (
    FETCH_SECONDS,
    MAX_CLIP_BYTES,
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

TIMEOUT = httpx.Timeout(60, connect=10)
DEFAULT_PAUSE_SECONDS = 30.0
MAX_PAUSE_SECONDS = 3600.0
PAGE = 100
MAX_PAGES = 50
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
        self.headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

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
            with self._client() as client:
                answer = client.post(f"{self.base_url}/videos", **self._encode(body))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise RetryableError(f"The endpoint cannot be reached: {error}") from error
        except httpx.HTTPError as error:
            raise UnknownOutcomeError(f"The endpoint did not answer: {error!r}") from error
        if answer.status_code >= 500 and answer.status_code != 503:
            raise UnknownOutcomeError(words_of(answer))
        raise_for_answer(answer)
        raw = json_object(answer)
        if not raw.get("id"):
            raise UnknownOutcomeError("The endpoint accepted the job but gave it no id.")
        return Submitted(remote_id=str(raw["id"]), raw=raw)

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
        raw = json_object(self._get(f"/videos/{remote_id}"))
        status = raw.get("status")
        if status == "completed":
            return Done(raw=raw)
        if status == "failed":
            raise failure(raw.get("error"))
        if status in ("cancelled", "canceled"):
            raise PermanentError("The endpoint cancelled the job.")
        progress = raw.get("progress")
        return Pending(progress=int(progress) if isinstance(progress, int | float) else None)

    def fetch(self, remote_id: str, target: Path) -> None:
        """Stream the clip into a file, within bounds of size and time."""
        give_up_at = time.monotonic() + FETCH_SECONDS
        received = 0
        address = f"{self.base_url}/videos/{remote_id}/content"
        with self._answering(), self._client() as client, client.stream("GET", address) as answer:
            if answer.is_error:
                answer.read()
            raise_for_answer(answer)
            with target.open("wb") as file:
                for chunk in answer.iter_bytes():
                    received += len(chunk)
                    if received > MAX_CLIP_BYTES:
                        raise PermanentError(
                            f"The clip is larger than {MAX_CLIP_BYTES // 1024**2} MB."
                        )
                    if time.monotonic() > give_up_at:
                        raise RetryableError(f"No clip after {FETCH_SECONDS} s.")
                    file.write(chunk)

    def cancel(self, remote_id: str) -> None:
        """Ask the server to stop the job; one that it does not know is as good as stopped."""
        with self._answering(), self._client() as client:
            answer = client.delete(f"{self.base_url}/videos/{remote_id}")
        if answer.status_code != 404:
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
            page = json_object(self._get("/videos", limit=PAGE, after=after))
            jobs = [remote_job(raw) for raw in page.get("data", [])]
            found += [job for job in jobs if job.created_at >= since]
            if not page.get("has_more") or not jobs or jobs[-1].created_at < since:
                return found
            after = jobs[-1].remote_id
        raise PermanentError("The endpoint's list of jobs does not end.")

    def _get(self, path: str, **parameters: object) -> httpx.Response:
        given = {name: str(value) for name, value in parameters.items() if value is not None}
        with self._answering(), self._client() as client:
            answer = client.get(f"{self.base_url}{path}", params=given)
        raise_for_answer(answer)
        return answer

    def _client(self) -> httpx.Client:
        ensure_allowed(self.base_url, is_internal=self.is_internal)
        return httpx.Client(timeout=TIMEOUT, headers=self.headers, follow_redirects=False)

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
        return {"files": {name: (None, str(value)) for name, value in body.items()}}


def raise_for_answer(answer: httpx.Response) -> None:
    """Each HTTP status is exactly one outcome."""
    status = answer.status_code
    if answer.is_success:
        return
    if status in (429, 503):
        raise RateLimitedError(words_of(answer), retry_after_of(answer))
    if status in (401, 402, 403):
        raise AuthOrQuotaError(words_of(answer))
    if status == 404:
        raise VanishedError(words_of(answer))
    if status in (408, 409, 425) or status >= 500:
        raise RetryableError(words_of(answer))
    if answer.is_redirect:
        raise PermanentError(f"The endpoint redirects (HTTP {status}); give its final address.")
    raise failure(error_of(answer))


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
    return f"{words or answer.text[:300] or answer.reason_phrase} (HTTP {answer.status_code})"


def error_of(answer: httpx.Response) -> object:
    try:
        body = answer.json()
    except ValueError:
        return answer.text[:300]
    return body.get("error", body) if isinstance(body, Mapping) else str(body)[:300]


def retry_after_of(answer: httpx.Response) -> float:
    """Seconds, from the header if it holds a number, within reason."""
    try:
        asked = float(answer.headers.get("Retry-After", ""))
    except ValueError:
        return DEFAULT_PAUSE_SECONDS
    return min(max(asked, 1.0), MAX_PAUSE_SECONDS)


def json_object(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, Mapping):
        raise UnknownOutcomeError(f"The endpoint's answer is not JSON: {answer.text[:200]!r}")
    return body


def remote_job(raw: Mapping[str, Any]) -> RemoteJob:
    seed = raw.get("seed")
    return RemoteJob(
        remote_id=str(raw.get("id", "")),
        model=str(raw.get("model", "")),
        prompt=str(raw.get("prompt", "")),
        created_at=datetime.fromtimestamp(float(raw.get("created_at") or 0), UTC),
        seed=seed if isinstance(seed, int) else None,
    )
