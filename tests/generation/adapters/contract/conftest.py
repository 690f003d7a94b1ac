from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.utils.module_loading import import_string

from generation.adapters import blocking, bodies, calls
from generation.adapters.base import AdapterError
from generation.adapters.registry import ADAPTERS
from tests.generation.adapters.contract.server import CLIP, Provider, running_provider
from tests.generation.adapters.contract.shapes import KEY, Shape
from tests.generation.stand_in import Answer

CAP = 50_000


@pytest.fixture
def impatient(monkeypatch):
    """For what never answers: a test of anything else would depend on the machine's speed."""
    monkeypatch.setattr(calls, "TIMEOUT", httpx.Timeout(0.3))
    monkeypatch.setattr(calls, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(calls, "FETCH_SECONDS", 0.2)
    monkeypatch.setattr(blocking.BlockingAdapter, "patience", lambda adapter: 0.3)


@pytest.fixture(autouse=True)
def small_caps(monkeypatch):
    monkeypatch.setattr(bodies, "MAX_CLIP_BYTES", CAP)
    for _, path in ADAPTERS.values():
        kind = import_string(path)
        monkeypatch.setattr(kind, "traits", replace(kind.traits, largest_answer=CAP))


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "clip"


def as_answer(given: Any) -> Answer | str:
    return given if isinstance(given, Answer | str) else Answer(200, given)


def adapter_for(shape: Shape, url: str, **values: Any) -> Any:
    """The adapter of a shape, at any address."""
    given = {
        "base_url": url,
        "remote_model": shape.remote_model,
        "parameters": shape.parameters,
        "options": shape.options,
        "api_key": KEY,
        "is_internal": True,
    }
    return import_string(ADAPTERS[shape.adapter][1])(**{**given, **values})


class Subject:
    """An adapter with its provider, which works well until a test says otherwise."""

    def __init__(self, shape: Shape, provider: Provider, target: Path) -> None:
        self.shape, self.provider, self.target = shape, provider, target
        self.adapter = adapter_for(shape, provider.url)
        provider.says({name: as_answer(given) for name, given in shape.beside.items()})
        provider.says({shape.submit: as_answer(shape.accepted)})
        provider.says({shape.result: Answer(200, CLIP, {"Content-Type": "video/mp4"})})
        if shape.poll:
            provider.says({shape.poll: as_answer(shape.done)})
        if shape.cancel:
            provider.says({shape.cancel: Answer(200, {})})
        if shape.listing:
            provider.says({shape.listing: as_answer(shape.listed)})

    def answering(self, call: str, answer: Any) -> Subject:
        """Let one of its calls be answered so."""
        self.provider.says({call: as_answer(answer)})
        return self

    def submit(self) -> Any:
        return self.adapter.submit(self.shape.request)

    def poll(self) -> Any:
        return self.adapter.poll(self.shape.remote_id)

    def fetch(self) -> bytes:
        self.adapter.fetch(self.shape.remote_id, self.target)
        return self.target.read_bytes()

    def cancel(self) -> None:
        self.adapter.cancel(self.shape.remote_id)


@pytest.fixture
def subject(request, provider, target) -> Subject:
    """The provider that the test is parametrised with."""
    make: Callable[[str], Shape] = request.param
    return Subject(make(provider.url), provider, target)


def error_of(call: Callable[[], object]) -> AdapterError:
    with pytest.raises(AdapterError) as raised:
        call()
    return raised.value
