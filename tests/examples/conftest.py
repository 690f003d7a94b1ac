from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.examples.demo_server import start, stop


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    process, address = start()
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client
    stop(process)


@pytest.fixture(scope="module")
def slow_client() -> Iterator[httpx.Client]:
    process, address = start("--delay", "60", "--workers", "1", "--api-key", "open sesame")
    headers = {"Authorization": "Bearer open sesame"}
    with httpx.Client(base_url=address, timeout=30, headers=headers) as client:
        yield client
    stop(process)
