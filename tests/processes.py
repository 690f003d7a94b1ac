"""Real processes against the test database: Redis, worker, beat, web server, model endpoint."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from scripts import workers
from scripts.services import (
    RunningService,
    answers,
    free_port,
    kill_group,
    start_process,
    start_redis,
    stop_process,
    wait_until,
)

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


@dataclass
class Stack:
    """What runs for one test; everything ends with it."""

    log_dir: Path
    redis: RunningService
    environment: dict[str, str]
    processes: dict[str, Popen[bytes]] = field(default_factory=dict)
    own_environments: dict[str, dict[str, str]] = field(default_factory=dict)
    """What some processes have besides, by their names."""
    site_url: str = ""
    endpoint_url: str = ""

    def start(self, name: str, *command: object) -> Popen[bytes]:
        words = [str(word) for word in command]
        log = self.log_dir / f"{name}.log"
        environment = self.environment | self.own_environments.get(name, {})
        process = start_process(words, log=log, cwd=ROOT, env=environment)
        self.processes[name] = process
        return process

    def start_worker(self) -> None:
        self.celery("worker", *workers.one_for_all())

    def start_waiting_worker(self, name: str) -> None:
        """One of several that share all work but media."""
        self.celery(name, *workers.waiting(threads=6))

    def start_beat(self, name: str = "beat") -> None:
        self.celery(name, "beat", "--pidfile=", "--loglevel", "INFO")

    def celery(self, name: str, *words: object) -> None:
        self.start(name, BIN / "celery", "-A", "juice", *words)

    def start_web(self, workers: int = 1) -> None:
        """With the words of the Dockerfile that keep it running."""
        port = free_port()
        listen = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", port]
        threads = ["--blocking-threads", 4, "--log-level", "warning", "--workers", workers]
        respawn = ["--respawn-failed-workers", "--respawn-interval", 1]
        self.start("web", BIN / "granian", *listen, *threads, *respawn, "juice.wsgi:application")
        self.wait_for_http("web", port, "/healthz")
        self.site_url = f"http://127.0.0.1:{port}"

    def start_endpoint(self, delay: float = 0.0) -> None:
        port = free_port()
        module = ["-m", "examples.model_endpoint", "--port", port, "--delay", delay]
        self.start("endpoint", sys.executable, *module)
        self.wait_for_http("endpoint", port, "/health")
        self.endpoint_url = f"http://127.0.0.1:{port}"

    def wait_for_http(self, name: str, port: int, path: str) -> None:
        question = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        wait_until(
            lambda: answers(port, question, b"HTTP/1.1 200"),
            self.processes[name],
            name,
            self.log_dir / f"{name}.log",
        )

    def kill_redis(self) -> None:
        assert self.redis.process is not None
        kill_group(self.redis.process)
        self.redis.process.wait()

    def start_redis_again(self) -> None:
        """At the same address, and empty: it keeps nothing on disk."""
        before = self.redis.process
        assert before is not None
        self.redis.process = self.start("redis", *before.args)

    def kill(self, name: str) -> None:
        """kill -9 of the process and of all its children."""
        process = self.processes.pop(name)
        kill_group(process)
        process.wait()

    def start_again_what_ended(self) -> None:
        """As whatever keeps processes running does; a worker may end when its Redis goes."""
        for name, process in list(self.processes.items()):
            if process.poll() is not None:
                self.start(name, *process.args)

    def stop(self) -> None:
        for process in reversed(self.processes.values()):
            stop_process(process)


@contextmanager
def running_stack(
    log_dir: Path,
    *,
    worker: bool = True,
    web: bool = False,
    endpoint: bool = False,
    delay: float = 0.0,
    **extra: str,
) -> Iterator[Stack]:
    """A private Redis, a worker with its beat; on request a web server and the demo endpoint.

    `extra` are environment variables for all of them.
    """
    with ExitStack() as cleanup:
        redis = start_private_redis(log_dir)
        cleanup.callback(redis.stop)
        stack = Stack(log_dir, redis, environment(redis.url, **extra))
        cleanup.callback(stack.stop)
        if endpoint:
            stack.start_endpoint(delay)
        if web:
            stack.start_web()
        if worker:
            stack.start_worker()
            stack.start_beat()
        yield stack


def start_private_redis(log_dir: Path) -> RunningService:
    """One of our own, since tests flush it."""
    named = os.environ.pop("REDIS_URL", None)
    try:
        return start_redis(log_dir)
    finally:
        if named is not None:
            os.environ["REDIS_URL"] = named


def environment(redis_url: str, **extra: str) -> dict[str, str]:
    return {
        **os.environ,
        "DEBUG": "1",
        "DATABASE_URL": database_url(),
        "REDIS_URL": redis_url,
        "VAR_DIR": str(settings.VAR_DIR),
        "PYTHONUNBUFFERED": "1",
        **extra,
    }


def database_url() -> str:
    """The test database of this process, as a URL."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    host, port = quote(values["HOST"], safe=""), values["PORT"]
    password = f":{quote(values['PASSWORD'], safe='')}" if values["PASSWORD"] else ""
    place = f"{host}:{port}" if port else host
    return f"postgres://{values['USER']}{password}@{place}/{values['NAME']}"
