"""What is so of every endpoint of one kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generation.adapters.requests import Kind

PAUSE_SECONDS = 30.0
MAX_ANSWER_BYTES = 8 * 1024**2
# For endpoints that put the file itself, as text, into their answer.
MAX_ANSWER_WITH_FILE_BYTES = 128 * 1024**2


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What an adapter's endpoints have in common; `usual` is what their rows may say otherwise.

    Parameters
    ----------
    version
        Of the adapter, kept beside each clip.
    usual_fields
        From our words to the model's own.
    own_options
        Options of the row that this adapter knows beside the common ones.
    usual_seconds
        How a length is written.
    usual_prices
        Where in an answer it stands what the clip cost, and the price of one unit there.
    is_blocking
        The answer to a submit is the clip itself.
    longest_prompt
        In UTF-16 units.
    largest_input, largest_answer
        In bytes.
    pause_when_limited
        In seconds, where an answer asks for a pause and does not say how long.
    forgets_jobs
        A server that keeps its jobs in memory forgets them when it starts again: they are sent
        anew. A service that is paid for does not, so what it does not know is never sent anew.
    """

    version: int = 1
    possible_kinds: frozenset[Kind] = frozenset(Kind)
    usual_kinds: tuple[Kind, ...] = (Kind.TEXT_TO_VIDEO,)
    usual_fields: Mapping[str, str] = field(default_factory=lambda: {"prompt": "prompt"})
    own_options: frozenset[str] = frozenset()
    usual_seconds: str = "number"
    usual_prices: Mapping[str, Any] = field(default_factory=dict)
    can_list: bool = False
    can_cancel: bool = True
    is_blocking: bool = False
    longest_prompt: int | None = None
    largest_input: int | None = 10 * 1024**2
    largest_answer: int = MAX_ANSWER_BYTES
    pause_when_limited: float = PAUSE_SECONDS
    kept_headers: tuple[str, ...] = ("content-type", "retry-after")
    forgets_jobs: bool = True
