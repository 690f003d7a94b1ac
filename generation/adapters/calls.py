"""Make single calls within bounds of size, time and place: what all adapters share."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from annotations.net.patience import patient_client
from annotations.net.pinning import transport_to
from generation.adapters.addresses import ensure_allowed, host_of, join_url, origin_of
from generation.adapters.answers import (
    UNKNOWN_THERE,
    NotJson,
    json_object,
    raise_for_answer,
    raise_for_submit,
)
from generation.adapters.base import (
    FETCH_SECONDS,
    PermanentError,
    RemoteJob,
    RetryableError,
    UnknownOutcomeError,
    VanishedError,
)
from generation.adapters.bodies import within_bounds, write_clip
from generation.adapters.configured import ConfiguredAdapter

TIMEOUT = httpx.Timeout(45, connect=10, write=20)
ANSWER_SECONDS = 60
MAX_REDIRECTS = 5

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class HttpAdapter(ConfiguredAdapter):
    """One model at one endpoint that is called by HTTP."""

    def headers(self) -> dict[str, str]:
        """What proves to the endpoint who we are."""
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    def send(
        self,
        path: str,
        *,
        key: str = "",
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
        **content: Any,
    ) -> dict[str, Any]:
        """Ask for a clip; the endpoint's answer. Never made twice for one attempt.

        Raises
        ------
        RetryableError, RateLimitedError, RejectedError, PermanentError, AuthOrQuotaError
            It was surely not accepted.
        UnknownOutcomeError
            It may have been.
        """
        with self.submitting():
            marked = self.with_key(key, headers)
            answer = self.call("POST", path, headers=marked, seconds=seconds, **content)
        raise_for_submit(answer, pause=self.traits.pause_when_limited)
        try:
            return json_object(answer)
        except NotJson as error:
            raise UnknownOutcomeError(str(error)) from error

    def ask(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        """A call that may be repeated.

        Raises
        ------
        VanishedError
            The endpoint has forgotten what is asked about.
        RejectedError, PermanentError, RetryableError, RateLimitedError, AuthOrQuotaError
        """
        with self.answering():
            answer = self.call(method, path, **content)
        try:
            raise_for_answer(answer, pause=self.traits.pause_when_limited)
        except VanishedError as error:
            if self.options.get("forgets_jobs", self.traits.forgets_jobs):
                raise
            raise RetryableError(str(error)) from error
        return json_object(answer)

    def stop(self, method: str, path: str, **content: Any) -> None:
        """Have a job stopped; one that the endpoint does not know is as good as stopped."""
        with self.answering():
            answer = self.call(method, path, **content)
        if answer.status_code not in UNKNOWN_THERE:
            raise_for_answer(answer, pause=self.traits.pause_when_limited)

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
        **content: Any,
    ) -> httpx.Response:
        """One call and its whole answer, after `seconds` at the latest."""
        give_up_at = time.monotonic() + (seconds or ANSWER_SECONDS)
        address = f"{self.base_url}{path}"
        with (
            self.client(seconds) as client,
            client.stream(method, address, headers=headers, **content) as answer,
        ):
            return self.read(answer, give_up_at)

    def read(self, answer: httpx.Response, give_up_at: float) -> httpx.Response:
        """The whole answer, within bounds, and without the key should it be repeated there."""
        body = b"".join(within_bounds(answer, self.traits.largest_answer, give_up_at))
        if self.api_key:
            body = body.replace(self.api_key.encode(), b"[key]")
        kept = {
            name: answer.headers[name]
            for name in self.traits.kept_headers
            if name in answer.headers
        }
        return httpx.Response(answer.status_code, headers=kept, content=body)

    @contextmanager
    def client(
        self, seconds: float | None = None, *, in_all: float | None = None
    ) -> Iterator[httpx.Client]:
        """Calls to the endpoint itself, with the key, and to no other address.

        Parameters
        ----------
        seconds
            How long the endpoint may be silent.
        in_all
            How long the whole call may take, where that is longer.
        """
        addresses = ensure_allowed(self.base_url, is_internal=self.is_internal)
        with patient_client(
            in_all or seconds or ANSWER_SECONDS,
            transport=transport_to(self.base_url, addresses),
            timeout=httpx.Timeout(seconds, connect=10) if seconds else TIMEOUT,
            headers=self.headers(),
            follow_redirects=False,
        ) as client:
            yield client

    def with_key(self, key: str, headers: Mapping[str, str] | None = None) -> dict[str, str]:
        """The attempt's key, where the endpoint is said to recognise a repeated call by it."""
        mark = self.options.get("key_header")
        return {**(headers or {}), **({str(mark): key} if mark and key else {})}

    @contextmanager
    def submitting(self) -> Iterator[None]:
        """Whether a call without an answer can have been accepted."""
        try:
            yield
        except NOT_SENT as error:
            raise RetryableError(f"The endpoint cannot be reached: {error}") from error
        except httpx.HTTPError as error:
            raise UnknownOutcomeError(f"The endpoint did not answer: {error!r}") from error

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Calls that may be repeated: a lost one is retried later."""
        try:
            yield
        except httpx.InvalidURL as error:
            raise PermanentError(f"This is no address: {error}") from error
        except httpx.HTTPError as error:
            raise RetryableError(f"The endpoint did not answer: {error!r}") from error

    # Files.

    def fetch_own(self, path: str, target: Path, **content: Any) -> None:
        """Stream a clip from the endpoint itself into a file.

        Raises
        ------
        PermanentError
            It is too large, or no clip.
        VanishedError, RetryableError, RateLimitedError, AuthOrQuotaError
            It cannot be had now.
        """
        give_up_at = time.monotonic() + FETCH_SECONDS
        address = f"{self.base_url}{path}"
        with (
            self.answering(),
            self.client(in_all=FETCH_SECONDS) as client,
            client.stream("GET", address, **content) as answer,
        ):
            if not answer.is_success:
                raise_for_answer(
                    self.read(answer, give_up_at), pause=self.traits.pause_when_limited
                )
            write_clip(answer, target, give_up_at)

    def fetch_result(self, url: object, target: Path) -> None:
        """Stream a clip from wherever the endpoint says it lies.

        Every address on the way is checked, also after a redirect, and the key is sent to the
        endpoint itself only.

        Raises
        ------
        VanishedError
            The address is not good any more: ask the endpoint again.
        PermanentError, RetryableError, RateLimitedError, AuthOrQuotaError
        """
        if not isinstance(url, str) or not url:
            raise PermanentError("The endpoint gave no address of a clip.")
        give_up_at = time.monotonic() + FETCH_SECONDS
        for _ in range(MAX_REDIRECTS + 1):
            addresses = self._ensure_allowed(url)
            headers = self.headers() if self.is_keyed(url) else {}
            with (
                self.answering(),
                patient_client(
                    max(give_up_at - time.monotonic(), 0),
                    transport=transport_to(url, addresses),
                    timeout=TIMEOUT,
                    headers=headers,
                    follow_redirects=False,
                ) as client,
                client.stream("GET", url) as answer,
            ):
                if answer.has_redirect_location:
                    url = join_url(url, answer.headers["Location"])
                    continue
                if not answer.is_success:
                    self._raise_for_result(answer, url, give_up_at)
                write_clip(answer, target, give_up_at)
                return
        raise PermanentError(f"The clip's address redirects more than {MAX_REDIRECTS} times.")

    def _ensure_allowed(self, url: str) -> list[str]:
        own = [host_of(self.base_url), *(self.options.get("result_hosts") or [])]
        try:
            return ensure_allowed(url, is_internal=self.is_internal and host_of(url) in own)
        except PermanentError as error:
            hint = " Or name its host in the option result_hosts." if self.is_internal else ""
            raise PermanentError(f"The clip's address is refused: {error}{hint}") from error

    def _raise_for_result(self, answer: httpx.Response, url: str, give_up_at: float) -> None:
        # Signed addresses of a bucket that ran out say 403, and some 400 or 401.
        is_expired = answer.status_code in (400, 401, 403, 404, 410)
        if is_expired and not self.is_keyed(url):
            raise VanishedError(f"The clip's address ran out (HTTP {answer.status_code}).")
        raise_for_answer(self.read(answer, give_up_at), pause=self.traits.pause_when_limited)

    def is_keyed(self, url: str) -> bool:
        """Whether an address is the endpoint's own, which may see the key."""
        return origin_of(url) == origin_of(self.base_url)

    # What endpoints without them do.

    def cancel(self, remote_id: str) -> None:
        raise PermanentError("The endpoint cannot stop a job.")

    def list_since(self, since: datetime) -> list[RemoteJob]:
        raise PermanentError("The endpoint has no list of jobs.")
