"""Make single calls within bounds of size, time and place: what all adapters share."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

import httpx

from generation.adapters.answers import (
    DEFAULT_PAUSE_SECONDS,
    UNKNOWN_THERE,
    NotJson,
    json_object,
    raise_for_answer,
    raise_for_submit,
    storable,
)
from generation.adapters.base import (
    FETCH_SECONDS,
    FROM_A_VIDEO,
    FROM_AN_IMAGE,
    MAX_CLIP_BYTES,
    Capabilities,
    GenerationRequest,
    Kind,
    MediaFile,
    PermanentError,
    RemoteJob,
    RetryableError,
    Rewriting,
    UnknownOutcomeError,
    UnsupportedError,
    VanishedError,
)
from generation.addresses import ensure_allowed

TIMEOUT = httpx.Timeout(45, connect=10, write=20)
ANSWER_SECONDS = 60
MAX_ANSWER_BYTES = 8 * 1024**2
# For endpoints that put the file itself, as text, into their answer.
MAX_ANSWER_WITH_FILE_BYTES = 128 * 1024**2
MAX_REDIRECTS = 5
PAGES = ("text/html", "application/json", "application/xml", "text/plain")

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# What models call their own rewriting of prompts, where they have one.
REWRITING_SWITCHES = (
    "enable_prompt_expansion",
    "enhance_prompt",
    "enhancePrompt",
    "expand_prompt",
    "prompt_enhancer",
    "prompt_extend",
    "prompt_optimizer",
    "prompt_upsampling",
)
COMMON_OPTIONS = frozenset(
    {"fields", "kinds", "lengths", "sizes", "ratios", "seconds_as", "result_hosts", "key_header"}
)
SECONDS_AS = ("number", "text", "text with s")


class HttpAdapter:
    """One model at one endpoint.

    Parameters
    ----------
    base_url
        What all paths begin with.
    parameters
        Further fields of every request, in the endpoint's words; None leaves a field out.
    is_multipart
        Send a form instead of JSON, where the endpoint takes both.
    is_internal
        Allow the endpoint to be in a private network.
    options
        How this adapter talks to it: `fields` names what the model takes, from our words
        (`seed`, `negative_prompt`, `seconds`, `size`, `ratio`, `image`, `video`) to its own.
    """

    version: ClassVar[int] = 1
    possible_kinds: ClassVar[frozenset[Kind]] = frozenset(Kind)
    usual_kinds: ClassVar[tuple[Kind, ...]] = (Kind.TEXT_TO_VIDEO,)
    usual_fields: ClassVar[Mapping[str, str]] = {"prompt": "prompt"}
    own_options: ClassVar[frozenset[str]] = frozenset()
    can_list: ClassVar[bool] = False
    can_cancel: ClassVar[bool] = True
    longest_prompt: ClassVar[int | None] = None
    largest_input: ClassVar[int | None] = 10 * 1024**2
    largest_answer: ClassVar[int] = MAX_ANSWER_BYTES
    pause_when_limited: ClassVar[float] = DEFAULT_PAUSE_SECONDS
    kept_headers: ClassVar[tuple[str, ...]] = ("content-type", "retry-after")

    def __init__(
        self,
        *,
        base_url: str,
        remote_model: str,
        parameters: Mapping[str, Any],
        api_key: str = "",
        is_multipart: bool = False,
        is_internal: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.remote_model = remote_model
        self.parameters = {name: value for name, value in parameters.items() if value is not None}
        self.api_key = api_key
        self.is_multipart = is_multipart
        self.is_internal = is_internal
        self.options = dict(options or {})

    # What the model can be asked for.

    @property
    def fields(self) -> dict[str, str]:
        """From our words to the model's; a word that is not there cannot be said to it."""
        own = self.options.get("fields")
        named = {**self.usual_names(), **(own if isinstance(own, Mapping) else {})}
        return {word: str(name) for word, name in named.items() if name}

    def usual_names(self) -> Mapping[str, str]:
        """The model's names where the endpoint's row does not say."""
        return self.usual_fields

    @property
    def capabilities(self) -> Capabilities:
        fields = self.fields
        has_size = "size" in fields or {"width", "height"} <= fields.keys()
        return Capabilities(
            kinds=self._kinds(),
            takes_seed="seed" in fields,
            takes_negative_prompt="negative_prompt" in fields,
            lengths=self._choices("lengths") if "seconds" in fields else (),
            sizes=self._choices("sizes") if has_size else (),
            ratios=self._choices("ratios") if "ratio" in fields else (),
            can_list=self.can_list,
            can_cancel=self.can_cancel,
            rewrites_prompt=self.rewriting(),
            knows_repeats=bool(self.options.get("key_header")),
            longest_prompt=self.longest_prompt,
            largest_input=self.largest_input,
        )

    def _kinds(self) -> frozenset[Kind]:
        names = self.options.get("kinds") or self.usual_kinds
        return frozenset(kind for kind in self.possible_kinds if kind in names)

    def _choices(self, option: str) -> tuple[Any, ...] | None:
        given = self.options.get(option)
        return tuple(given) if isinstance(given, list) else self.usual_choices(option)

    def usual_choices(self, option: str) -> tuple[Any, ...] | None:
        """What may be chosen of lengths, sizes or ratios where the endpoint's row does not say."""
        return None

    def rewriting(self) -> Rewriting:
        """Told by the model's own switch, if the endpoint's parameters hold one."""
        for switch in REWRITING_SWITCHES:
            if switch in self.parameters:
                is_on = bool(self.parameters[switch])
                return Rewriting.ALWAYS if is_on else Rewriting.SWITCHED_OFF
        return Rewriting.UNKNOWN

    def problems(self) -> list[str]:
        """What is wrong with the endpoint's row, for the form that edits it."""
        known = COMMON_OPTIONS | self.own_options
        found = [f"It has no option {name}." for name in sorted(self.options.keys() - known)]
        for kind in self.options.get("kinds") or ():
            if kind not in self.possible_kinds:
                found.append(f"It cannot do {kind}.")
        if not isinstance(self.options.get("fields", {}), Mapping):
            found.append("The option fields is an object of names.")
        if self.options.get("seconds_as", SECONDS_AS[0]) not in SECONDS_AS:
            found.append(f"The option seconds_as is one of: {', '.join(SECONDS_AS)}.")
        return found

    def refuse_unsupported(self, request: GenerationRequest) -> None:
        """Nothing that is asked for is left out in silence.

        Raises
        ------
        UnsupportedError
        """
        found = self.capabilities.unsupported(request)
        if request.kind in FROM_AN_IMAGE and not request.image:
            found.append(f"{request.kind} without an image")
        if request.kind in FROM_A_VIDEO and not request.video:
            found.append(f"{request.kind} without a clip")
        if found:
            raise UnsupportedError(f"{self.remote_model} cannot take {'; '.join(found)}.")

    def named(self, request: GenerationRequest) -> dict[str, Any]:
        """What the request says, under the model's own names."""
        width, _, height = request.size.partition("x")
        said = {
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            "seed": request.seed,
            "seconds": self.as_length(request.seconds),
            "size": request.size,
            "width": int(width) if width.isdecimal() else None,
            "height": int(height) if height.isdecimal() else None,
            "ratio": request.ratio,
        }
        fields = self.fields
        return {
            fields[word]: value
            for word, value in said.items()
            if word in fields and value is not None and value != ""
        }

    def files_of(self, request: GenerationRequest) -> dict[str, MediaFile]:
        """The request's files, under the model's own names."""
        given = {"image": request.image, "video": request.video}
        return {self.fields.get(word, word): file for word, file in given.items() if file}

    def inlined(self, request: GenerationRequest) -> dict[str, str]:
        """The request's files as data URIs, under the model's own names."""
        return {name: file.as_data_uri() for name, file in self.files_of(request).items()}

    def as_length(self, seconds: float | None) -> object:
        if seconds is None:
            return None
        number = int(seconds) if float(seconds).is_integer() else seconds
        form = self.options.get("seconds_as", self.usual_seconds)
        return number if form == "number" else f"{number}{'s' if form == 'text with s' else ''}"

    usual_seconds: ClassVar[str] = "number"

    # Calls.

    def headers(self) -> dict[str, str]:
        """What proves to the endpoint who we are."""
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    def send(
        self,
        path: str,
        *,
        key: str = "",
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | None = None,
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
            marked = self.marked(key, headers)
            answer = self.call("POST", path, headers=marked, timeout=timeout, **content)
        raise_for_submit(answer, pause=self.pause_when_limited)
        try:
            return json_object(answer)
        except NotJson as error:
            raise UnknownOutcomeError(str(error)) from error

    def ask(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        """A call that may be repeated.

        Raises
        ------
        VanishedError
            The endpoint does not know what is asked about.
        RejectedError, PermanentError, RetryableError, RateLimitedError, AuthOrQuotaError
        """
        with self.answering():
            answer = self.call(method, path, **content)
        raise_for_answer(answer, pause=self.pause_when_limited)
        return json_object(answer)

    def stop(self, method: str, path: str, **content: Any) -> None:
        """Have a job stopped; one that the endpoint does not know is as good as stopped."""
        with self.answering():
            answer = self.call(method, path, **content)
        if answer.status_code not in UNKNOWN_THERE:
            raise_for_answer(answer, pause=self.pause_when_limited)

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | None = None,
        **content: Any,
    ) -> httpx.Response:
        address = f"{self.base_url}{path}"
        with (
            self.client(timeout) as client,
            client.stream(method, address, headers=headers, **content) as answer,
        ):
            return self.read(answer)

    def read(self, answer: httpx.Response) -> httpx.Response:
        """The whole answer, within bounds, and without the key should it be repeated there."""
        body = b"".join(within_bounds(answer, self.largest_answer, ANSWER_SECONDS))
        if self.api_key:
            body = body.replace(self.api_key.encode(), b"[key]")
        kept = {name: answer.headers[name] for name in self.kept_headers if name in answer.headers}
        return httpx.Response(answer.status_code, headers=kept, content=body)

    def client(self, timeout: httpx.Timeout | None = None) -> httpx.Client:
        """Calls to the endpoint itself, with the key, and to no other address."""
        ensure_allowed(self.base_url, is_internal=self.is_internal)
        return httpx.Client(
            timeout=timeout or TIMEOUT, headers=self.headers(), follow_redirects=False
        )

    def marked(self, key: str, headers: Mapping[str, str] | None = None) -> dict[str, str]:
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
        address = f"{self.base_url}{path}"
        with (
            self.answering(),
            self.client() as client,
            client.stream("GET", address, **content) as answer,
        ):
            if not answer.is_success:
                raise_for_answer(self.read(answer), pause=self.pause_when_limited)
            write_clip(answer, target, FETCH_SECONDS)

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
        for _ in range(MAX_REDIRECTS + 1):
            ensure_allowed(url, is_internal=self._may_be_private(url))
            headers = self.headers() if self.is_keyed(url) else {}
            with (
                self.answering(),
                httpx.Client(timeout=TIMEOUT, headers=headers, follow_redirects=False) as client,
                client.stream("GET", url) as answer,
            ):
                if answer.has_redirect_location:
                    url = joined(url, answer.headers["Location"])
                    continue
                if not answer.is_success:
                    self._raise_for_result(answer, url)
                write_clip(answer, target, FETCH_SECONDS)
                return
        raise PermanentError(f"The clip's address redirects more than {MAX_REDIRECTS} times.")

    def _raise_for_result(self, answer: httpx.Response, url: str) -> None:
        # Signed addresses of a bucket that ran out say 403, and some 400 or 401.
        is_expired = answer.status_code in (400, 401, 403, 404, 410)
        if is_expired and not self.is_keyed(url):
            raise VanishedError(f"The clip's address ran out (HTTP {answer.status_code}).")
        raise_for_answer(self.read(answer), pause=self.pause_when_limited)

    def is_keyed(self, url: str) -> bool:
        """Whether an address is the endpoint's own, which may see the key."""
        return origin_of(url) == origin_of(self.base_url)

    def _may_be_private(self, url: str) -> bool:
        own = [urlsplit(self.base_url).hostname, *(self.options.get("result_hosts") or [])]
        return self.is_internal and host_of(url) in own

    # What endpoints without them do.

    def cancel(self, remote_id: str) -> None:
        raise PermanentError("The endpoint cannot stop a job.")

    def list_since(self, since: datetime) -> list[RemoteJob]:
        raise PermanentError("The endpoint has no list of jobs.")


class AnswerTooLarge(httpx.ReadError):
    """Nobody sends that much on purpose."""


def within_bounds(answer: httpx.Response, most_bytes: int, seconds: float) -> Iterator[bytes]:
    """The answer's body, piece by piece, as long as it is neither too large nor too slow."""
    give_up_at = time.monotonic() + seconds
    announced = answer.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise AnswerTooLarge(f"It has more than {most_bytes // 1024**2} MB.")
    received = 0
    for chunk in answer.iter_bytes():
        received += len(chunk)
        if received > most_bytes:
            raise AnswerTooLarge(f"It has more than {most_bytes // 1024**2} MB.")
        if time.monotonic() > give_up_at:
            raise httpx.ReadTimeout(f"The answer did not end within {seconds} s.")
        yield chunk


def write_clip(answer: httpx.Response, target: Path, seconds: float) -> None:
    """Write the body to a file, unless it is too large, too slow or a page for people."""
    try:
        with target.open("wb") as file:
            for chunk in within_bounds(answer, MAX_CLIP_BYTES, seconds):
                if not file.tell():
                    refuse_page(answer, chunk)
                file.write(chunk)
    except AnswerTooLarge as error:
        raise PermanentError(f"The clip is too large. {error}") from error


def refuse_page(answer: httpx.Response, beginning: bytes) -> None:
    """No format of clips or pictures begins as pages and messages do."""
    content_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type in PAGES or beginning.lstrip()[:1] in (b"<", b"{"):
        shown = storable(beginning[:200].decode(errors="replace"))
        raise PermanentError(f"What came is a page, not a clip: {shown}")


def as_form(body: Mapping[str, Any], files: Mapping[str, MediaFile]) -> dict[str, Any]:
    """A multipart form, for httpx."""
    texts = {
        name: (None, value if isinstance(value, str) else json.dumps(value))
        for name, value in body.items()
    }
    sent = {
        name: (file.name, file.path.read_bytes(), file.media_type) for name, file in files.items()
    }
    return {"files": {**texts, **sent}}


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or usual


def host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise PermanentError(f"The clip's address redirects to none: {error}") from error
