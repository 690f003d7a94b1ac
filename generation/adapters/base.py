"""What an adapter does: one folder per kind of endpoint behind these few values and errors.

An adapter makes single HTTP calls. It never waits for a result, never retries, and never
touches the database.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

MAX_CLIP_BYTES = 512 * 1024**2
FETCH_SECONDS = 240
MAX_REMOTE_ID = 200


class Kind(StrEnum):
    """What is made of what."""

    TEXT_TO_VIDEO = "text-to-video"
    TEXT_TO_IMAGE = "text-to-image"
    IMAGE_TO_VIDEO = "image-to-video"
    IMAGE_EDITING = "image-editing"
    VIDEO_EXTENSION = "video-extension"


FROM_AN_IMAGE = (Kind.IMAGE_TO_VIDEO, Kind.IMAGE_EDITING)
FROM_A_VIDEO = (Kind.VIDEO_EXTENSION,)


class Rewriting(StrEnum):
    """Whether somebody else rewrites a prompt before the model sees it."""

    NONE = "none"
    SWITCHED_OFF = "switched off"
    UNKNOWN = "depends on the model"
    ALWAYS = "always"


@dataclass(frozen=True)
class MediaFile:
    """A picture or clip that a model starts from."""

    path: Path
    media_type: str

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    @property
    def name(self) -> str:
        """Of its content, so that it tells nothing and two files never share one."""
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        return f"{digest[:32]}{self.path.suffix}"

    def as_base64(self) -> str:
        return base64.b64encode(self.path.read_bytes()).decode()

    def as_data_uri(self) -> str:
        return f"data:{self.media_type};base64,{self.as_base64()}"


@dataclass(frozen=True)
class GenerationRequest:
    """What is asked of a model; what is None or empty is left to the endpoint.

    Parameters
    ----------
    size
        In pixels, such as `1280x720`.
    ratio
        Width to height, such as `16:9`.
    key
        Of this attempt and no other, for endpoints that recognise a repeated call by it.
    """

    prompt: str
    seed: int | None = None
    kind: Kind = Kind.TEXT_TO_VIDEO
    negative_prompt: str = ""
    seconds: float | None = None
    size: str = ""
    ratio: str = ""
    image: MediaFile | None = None
    video: MediaFile | None = None
    key: str = ""


@dataclass(frozen=True)
class Capabilities:
    """What an endpoint's model can be asked for.

    `lengths`, `sizes` and `ratios` are what may be chosen: None is anything, empty is nothing.
    `longest_prompt` is in UTF-16 units, `largest_input` in bytes.
    """

    kinds: frozenset[Kind]
    takes_seed: bool = False
    takes_negative_prompt: bool = False
    lengths: tuple[float, ...] | None = ()
    sizes: tuple[str, ...] | None = ()
    ratios: tuple[str, ...] | None = ()
    can_list: bool = False
    can_cancel: bool = False
    rewrites_prompt: Rewriting = Rewriting.UNKNOWN
    knows_repeats: bool = False
    longest_prompt: int | None = None
    largest_input: int | None = None

    def in_words(self) -> str:
        """What the model makes and takes, in a line for people."""
        makes = ", ".join(sorted(self.kinds)) or "Nothing is called"
        takes = [
            "a seed" if self.takes_seed else "no seed",
            "a negative prompt" if self.takes_negative_prompt else "no negative prompt",
        ]
        choices = {"lengths": self.lengths, "sizes": self.sizes, "shapes": self.ratios}
        offered = [f"{name}: {listed(given)}" for name, given in choices.items()]
        rewriting = f"Rewriting of prompts: {self.rewrites_prompt}."
        return f"{makes}. Takes {', '.join(takes)}; {'; '.join(offered)}. {rewriting}"

    def unsupported(self, request: GenerationRequest) -> list[str]:
        """What of a request the model cannot take, in words; empty when it can take all of it."""
        return [*self._unknown_options(request), *self._wrong_inputs(request)]

    def _unknown_options(self, request: GenerationRequest) -> Iterator[str]:
        if request.kind not in self.kinds:
            yield f"{request.kind} (it does {', '.join(sorted(self.kinds)) or 'nothing'})"
        if request.seed is not None and not self.takes_seed:
            yield "a seed"
        if request.negative_prompt and not self.takes_negative_prompt:
            yield "a negative prompt"
        if request.seconds is not None and not_among(request.seconds, self.lengths):
            yield f"a length of {request.seconds:g} s{instead(self.lengths)}"
        if request.size and not_among(request.size, self.sizes):
            yield f"a size of {request.size}{instead(self.sizes)}"
        if request.ratio and not_among(request.ratio, self.ratios):
            yield f"a shape of {request.ratio}{instead(self.ratios)}"
        units = len(request.prompt.encode("utf-16-le", errors="replace")) // 2
        if self.longest_prompt is not None and units > self.longest_prompt:
            yield f"a prompt of {units} characters (at most {self.longest_prompt})"

    def _wrong_inputs(self, request: GenerationRequest) -> Iterator[str]:
        if request.image and request.kind not in FROM_AN_IMAGE:
            yield f"an image for {request.kind}"
        if request.video and request.kind not in FROM_A_VIDEO:
            yield f"a clip for {request.kind}"
        for given in (request.image, request.video):
            if given and self.largest_input is not None and given.size > self.largest_input:
                yield f"a file of {given.size} bytes (at most {self.largest_input})"


def not_among(value: object, choices: tuple[object, ...] | None) -> bool:
    return choices is not None and value not in choices


def instead(choices: tuple[Any, ...] | None) -> str:
    return f" (it takes {listed(choices)})" if choices else ""


def listed(choices: tuple[Any, ...] | None) -> str:
    if choices is None:
        return "any"
    shown = (f"{one:g}" if isinstance(one, int | float) else str(one) for one in choices)
    return ", ".join(shown) or "none"


@dataclass(frozen=True)
class Submitted:
    """Accepted; `cost` where the answer is the clip itself and tells it, as in `Done`."""

    remote_id: str
    raw: Mapping[str, Any] = field(default_factory=dict)
    cost: Decimal | None = None


@dataclass(frozen=True)
class Pending:
    """Not made yet; `progress` in per cent where the endpoint tells it."""

    progress: int | None = None


@dataclass(frozen=True)
class Done:
    """Made; `raw` is the endpoint's answer, a rewritten prompt included.

    `cost` in the endpoint's own currency, where it tells it.
    """

    raw: Mapping[str, Any] = field(default_factory=dict)
    cost: Decimal | None = None


@dataclass(frozen=True)
class RemoteJob:
    """A job in the endpoint's own list; empty or None is what the list does not tell."""

    remote_id: str
    model: str
    prompt: str
    created_at: datetime | None
    seed: int | None = None


class AdapterError(Exception):
    """Something an endpoint answered, in its own words."""


class RetryableError(AdapterError):
    """Nothing was accepted; the same call may be made again later."""


class RateLimitedError(AdapterError):
    """The endpoint asks for a pause, in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RejectedError(AdapterError):
    """The endpoint will not make this prompt: an outcome, never retried."""


class PermanentError(AdapterError):
    """The call cannot work as it is."""


class UnsupportedError(PermanentError):
    """The model cannot take what is asked; nothing was sent."""


class AuthOrQuotaError(AdapterError):
    """The key or the account is the matter: it stops the whole endpoint."""


class UnknownOutcomeError(AdapterError):
    """The call was sent and no answer came: it may or may not have been accepted."""


class VanishedError(AdapterError):
    """The endpoint does not know the job any more."""


class EndpointRow(Protocol):
    """What an adapter needs to know of an endpoint; `api_key_env` names the key's variable."""

    @property
    def adapter(self) -> str: ...

    @property
    def base_url(self) -> str: ...

    @property
    def remote_model(self) -> str: ...

    @property
    def parameters(self) -> Any: ...

    @property
    def options(self) -> Any: ...

    @property
    def api_key_env(self) -> str: ...

    @property
    def body_encoding(self) -> str: ...

    @property
    def is_internal(self) -> bool: ...


class Adapter(Protocol):
    """A way to talk to one kind of endpoint."""

    @property
    def capabilities(self) -> Capabilities: ...

    def submit(self, request: GenerationRequest) -> Submitted: ...

    def poll(self, remote_id: str) -> Pending | Done: ...

    def fetch(self, remote_id: str, target: Path) -> None: ...

    def cancel(self, remote_id: str) -> None: ...

    def list_since(self, since: datetime) -> list[RemoteJob]: ...
