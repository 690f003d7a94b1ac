"""`make demo`: everything on one machine, from nothing to a link to click."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from scripts import workers
from scripts.services import (
    SetupError,
    answers,
    free_port,
    is_taken,
    start_process,
    start_redis,
    stop_process,
    tail,
    wait_until,
)

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("VAR_DIR", ROOT / "var"))
LOGS = VAR / "log"
# As the studies are called that `examples.demo` makes beside the first one, in its order.
KINDS = ("Pictures:", "Two steps:", "From pictures:", "Extensions:", "Edits:")

console = Console(stderr=True, highlight=False)


class Demo:
    """The demo's processes, in the order in which they were started."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.site = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = dict(os.environ)

    def run(self) -> None:
        """Start everything, set the studies up, print the links, and wait."""
        if is_taken(self.host, self.port):
            raise SetupError(
                f"Port {self.port} is taken by another program. Stop it, or take another port: "
                f"make demo PORT={self.port + 1}"
            )
        self.prepare_environment()
        self.start_servers()
        self.start_workers()
        links = self.set_up_studies()
        self.print_links(links)
        self.watch()

    def prepare_environment(self) -> None:
        """Settings for all processes, the database's tables, and the static files."""
        self.environment |= {
            "DEBUG": "0",
            "SECRET_KEY": stored_secret(VAR / "secret-key"),
            "VAR_DIR": str(VAR),
            "DATABASE_URL": f"sqlite:///{VAR / 'db.sqlite3'}",
            "ALLOWED_HOSTS": "*" if self.host in ("0.0.0.0", "::") else f"{self.host},localhost",
            "PUBLIC_URL": self.site,
            "DEMO_ADMIN_PASSWORD": secrets.token_urlsafe(9),
            "PYTHONUNBUFFERED": "1",
        }
        with console.status("Preparing the database"):
            self.manage("migrate", "--verbosity", "0")
            self.manage("collectstatic", "--noinput", "--verbosity", "0")

    def start_servers(self) -> None:
        with console.status("Starting Redis, the demo models and the web server"):
            redis = start_redis(LOGS)
            self.environment["REDIS_URL"] = redis.url
            if redis.process is not None:
                self.processes["redis"] = redis.process
            self.model_port = free_port()
            models = ["-m", "examples.model_endpoint", "--port", str(self.model_port)]
            self.start("models", sys.executable, *models)
            web = ["--interface", "wsgi", "--host", self.host, "--port", str(self.port)]
            quiet = [
                "--log-level",
                "warning",
                "--blocking-threads",
                "8",
                "--respawn-failed-workers",
            ]
            self.start("web", program("granian"), *web, *quiet, "juice.wsgi:application")
            self.wait_for_http("models", self.model_port, b"/health")
            self.wait_for_http("web", self.port, b"/healthz")

    def start_workers(self) -> None:
        celery = [program("celery"), "-A", "juice"]
        self.start("worker", *celery, *workers.one_for_all())
        self.start("beat", *celery, "beat", "--loglevel", "INFO", "--pidfile=")

    def set_up_studies(self) -> dict[str, str]:
        """Run `examples.demo`, whose progress bars go to the terminal; its last line is JSON."""
        command = [
            *("-m", "examples.demo", "--site-url", self.site),
            *("--endpoint-url", f"http://127.0.0.1:{self.model_port}"),
        ]
        setup = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            check=False,
        )
        self.stop_if_one_ended()
        if setup.returncode:
            raise SetupError(f"The demo's studies could not be set up. Logs are in {LOGS}.")
        links: dict[str, str] = json.loads(setup.stdout.splitlines()[-1])
        return links

    def print_links(self, links: dict[str, str]) -> None:
        password = self.environment["DEMO_ADMIN_PASSWORD"]
        print(f"Rate yourself:  {links['rater_url']}")
        for title, url in zip(KINDS, links["kinds_urls"].split(), strict=True):
            print(f"{title:<15} {url}")
        print(f"Owner's pages:  {links['admin_url']}  ({links['admin_user']} / {password})")
        print(f"A report:       {links['report_url']}  (simulated votes)")
        print("Ctrl-C stops the demo; your data stays in var/.")
        print(f"Ready: {self.site}", flush=True)

    def watch(self) -> None:
        """Wait for a signal, or for a process that ends by itself."""
        while True:
            self.stop_if_one_ended()
            time.sleep(0.5)

    def start(self, name: str, *command: str) -> None:
        self.processes[name] = start_process(
            list(command), log=LOGS / f"{name}.log", cwd=ROOT, env=self.environment
        )

    def wait_for_http(self, name: str, port: int, path: bytes) -> None:
        question = b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        log = LOGS / f"{name}.log"
        wait_until(
            lambda: answers(port, question, b"HTTP/1.1 200"), self.processes[name], name, log
        )

    def manage(self, *command: str) -> None:
        made = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise SetupError(f"manage.py {command[0]} failed:\n{made.stderr.strip()}")

    def stop_if_one_ended(self) -> None:
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise SetupError(
                    f"The process “{name}” ended by itself. The end of its log:\n"
                    f"{tail(LOGS / f'{name}.log')}"
                )

    def stop(self) -> None:
        """End everything, last started first."""
        for process in reversed(self.processes.values()):
            stop_process(process)


def program(name: str) -> str:
    """A program of this virtual environment."""
    return str(Path(sys.executable).parent / name)


def stored_secret(path: Path) -> str:
    """The secret key of this checkout, made once and readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
    return path.read_text()


@contextmanager
def only_one() -> Iterator[None]:
    """Refuse a second demo in the same checkout."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with (VAR / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SetupError(
                "A demo is already running in this folder. Stop it first (Ctrl-C there)."
            ) from error
        yield


def interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, interrupt)
    demo = Demo(os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000")))
    try:
        with only_one():
            try:
                demo.run()
            finally:
                for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(signum, signal.SIG_IGN)
                with console.status("Stopping"):
                    demo.stop()
    except KeyboardInterrupt:
        return 0
    except SetupError as error:
        console.print(f"[bold red]Stopped:[/] {error}", markup=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
