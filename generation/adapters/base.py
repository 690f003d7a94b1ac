"""What an adapter does: one folder per kind of endpoint behind these few values and errors.

An adapter makes single HTTP calls. It never waits for a result, never retries, and never
touches the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Protocol

from generation.adapters.requests import Capabilities, GenerationRequest
from generation.adapters.traits import Traits

MAX_CLIP_BYTES = 512 * 1024**2
FETCH_SECONDS = 240
MAX_REMOTE_ID = 200


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
    """A way to talk to one kind of endpoint; no key is needed before the first call."""

    traits: ClassVar[Traits]
    api_key: str

    @property
    def capabilities(self) -> Capabilities: ...

    def problems(self) -> list[str]: ...

    def seconds_asked(self) -> float | None: ...

    def submit(self, request: GenerationRequest) -> Submitted: ...

    def poll(self, remote_id: str) -> Pending | Done: ...

    def fetch(self, remote_id: str, target: Path) -> None: ...

    def cancel(self, remote_id: str) -> None: ...

    def list_since(self, since: datetime) -> list[RemoteJob]: ...
