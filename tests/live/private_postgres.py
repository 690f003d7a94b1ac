"""A PostgreSQL of one test's own, which may be restarted while others test on theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dj_database_url
from django.db import connection

from scripts.services import RunningService, start_postgres
from tests.processes import ROOT


@dataclass
class PrivatePostgres:
    service: RunningService

    @property
    def can_be_restarted(self) -> bool:
        return self.service.restart is not None

    def restart(self) -> None:
        """As after a crash: every connection is cut, and nothing is written down before."""
        assert self.service.restart is not None
        connection.close()
        connection.close_pool()
        self.service.restart()


@contextmanager
def private_postgres() -> Iterator[PrivatePostgres]:
    """A server with our tables, which this process's own connection is led to meanwhile."""
    named = os.environ.pop("DATABASE_URL", None)
    try:
        service = start_postgres(Path())
    finally:
        if named is not None:
            os.environ["DATABASE_URL"] = named
    try:
        migrate(service.url)
        with connection_led_to(service.url):
            yield PrivatePostgres(service)
    finally:
        service.stop()


def migrate(url: str) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, check=True)


@contextmanager
def connection_led_to(url: str) -> Iterator[None]:
    place = {name: dj_database_url.parse(url)[name] for name in ("HOST", "PORT", "NAME", "USER")}
    before = {name: connection.settings_dict[name] for name in place}
    _lead_to(place)
    try:
        yield
    finally:
        _lead_to(before)


def _lead_to(place: dict[str, object]) -> None:
    connection.close()
    connection.close_pool()
    connection.settings_dict.update(place)
