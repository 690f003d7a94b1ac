"""Answers of the right shape but for one odd value: an outcome in words, never a crash."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from generation.adapters.base import AdapterError, Done, Pending, RemoteJob, Submitted
from tests.generation.adapters.contract.conftest import adapter_for
from tests.generation.adapters.contract.shapes import (
    BLOCKING,
    MADE_AT,
    QUEUED,
    Shape,
    http_blocking,
)
from tests.generation.stand_in import Answer

URL = "http://127.0.0.1:9/v1"
ODD = [None, True, 7, -1.5, "", "odd", [], ["odd"], [[]], [None], {}, {"odd": 1}]
IN_JSON = [make for make in [*QUEUED, *BLOCKING] if make is not http_blocking]


def variants(body: Any) -> Iterator[Any]:
    """The body with each of its values in turn replaced by each odd one."""
    yield from ODD
    for way in ways(body):
        for odd in ODD:
            changed = copy.deepcopy(body)
            *before, last = way
            place = changed
            for step in before:
                place = place[step]
            place[last] = odd
            yield changed


def ways(body: Any) -> Iterator[list[Any]]:
    entries = body.items() if isinstance(body, dict) else enumerate(body)
    for step, value in entries:
        yield [step]
        if isinstance(value, dict | list):
            yield from ([step, *way] for way in ways(value))


def body_of(given: Any) -> Any:
    return given.body if isinstance(given, Answer) else given


def bodies(shape: Shape) -> list[Any]:
    failed = [body for body, _, _ in shape.failed]
    given = [shape.accepted, shape.done, shape.listed, *failed, *shape.beside.values()]
    return [body for body in map(body_of, given) if isinstance(body, dict)]


@pytest.mark.parametrize("make", IN_JSON, ids=lambda make: make.__name__)
def test_an_odd_value_never_brings_an_adapter_down(make, tmp_path, monkeypatch):
    shape = make(URL)
    adapter = adapter_for(shape, URL)
    steps = {
        "submit": (lambda: adapter.submit(shape.request), Submitted),
        "poll": (lambda: adapter.poll(shape.remote_id), Done | Pending),
        "fetch": (lambda: adapter.fetch(shape.remote_id, tmp_path / "clip"), type(None)),
        "cancel": (lambda: adapter.cancel(shape.remote_id), type(None)),
        "list": (lambda: adapter.list_since(MADE_AT - timedelta(days=1)), list),
    }
    monkeypatch.setattr(adapter, "fetch_result", lambda url, target: target.write_bytes(b"clip"))
    monkeypatch.setattr(adapter, "fetch_own", lambda path, target, **options: None)
    for body in bodies(shape):
        for odd in variants(body):
            answer = httpx.Response(200, json=odd)
            monkeypatch.setattr(adapter, "call", lambda *words, answer=answer, **options: answer)
            for name, (step, kind) in steps.items():
                try:
                    came = step()
                except AdapterError as error:
                    assert str(error), (name, odd)
                else:
                    assert isinstance(came, kind), (name, odd)
                    is_list = isinstance(came, list)
                    assert all(isinstance(job, RemoteJob) for job in came) if is_list else True
