from __future__ import annotations

import os
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from operation import signs
from operation.signs import SweepSeen, note_sweep, note_worker, periodic_tasks


@pytest.fixture
def redis(settings) -> Any:
    """A database of its own on the Redis of the tests, without anything of ours."""
    number = 4 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    settings.REDIS_URL = f"{settings.REDIS_URL.rpartition('/')[0]}/{number}"
    client = signs._client(settings.REDIS_URL)
    ours = (*signs.queue_names(), signs.WORKERS_KEY, signs.SWEEPS_KEY)
    client.delete(*ours)
    yield client
    client.delete(*ours)


@pytest.fixture
def no_redis(settings) -> None:
    """Nobody listens there, and a password stands in the address."""
    settings.REDIS_URL = "redis://:secret@127.0.0.1:1/0"


@pytest.fixture
def at_work(redis) -> Any:
    """One worker takes from every queue, and each periodic task has just ended."""
    note_worker("all@host", signs.queue_names())
    for task in periodic_tasks():
        note_sweep(task, seconds=0.25)
    return redis


@pytest.fixture
def operator(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def seen(now) -> dict[str, SweepSeen]:
    """Every periodic task, ended now."""
    return {task: SweepSeen(task, every, now, 0.1) for task, every in periodic_tasks().items()}
