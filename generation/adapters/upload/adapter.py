"""Clips made elsewhere and imported: there is nothing to call."""

from __future__ import annotations

from pathlib import Path

from generation.adapters.base import Done, Pending, PermanentError, Submitted, UnsupportedError
from generation.adapters.calls import HttpAdapter
from generation.adapters.requests import Capabilities, GenerationRequest, Rewriting
from generation.adapters.traits import Traits

IMPORTED = "The clips of this model are made elsewhere: import them."


class UploadAdapter(HttpAdapter):
    """It stands for a model in the list of endpoints, and makes nothing."""

    traits = Traits(possible_kinds=frozenset())

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(kinds=frozenset(), rewrites_prompt=Rewriting.UNKNOWN)

    def submit(self, request: GenerationRequest) -> Submitted:
        raise UnsupportedError(IMPORTED)

    def poll(self, remote_id: str) -> Pending | Done:
        raise PermanentError(IMPORTED)

    def fetch(self, remote_id: str, target: Path) -> None:
        raise PermanentError(IMPORTED)
