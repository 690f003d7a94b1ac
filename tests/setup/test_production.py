"""The production files agree with each other and with the settings."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts import workers
from scripts.services import answers, free_port, start_process, stop_process, wait_until

ROOT = Path(__file__).resolve().parents[2]
WORKERS = ("worker", "worker-transfer", "worker-blocking", "worker-media")


def variables_read_by_settings() -> set[str]:
    """First arguments of `env.str("NAME")` and its like."""
    tree = ast.parse((ROOT / "juice/settings.py").read_text())
    return {
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and call.func.attr != "read_env"
    }


def example_environment() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    return dict(pairs)


def load_settings(**environment: str) -> subprocess.CompletedProcess[str]:
    """Start Django in a process of its own with nothing but these variables."""
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.mark.parametrize(("told", "level"), [({}, 2), ({"SQLITE_SYNCHRONOUS": "normal"}, 1)])
def test_an_acknowledged_answer_outlives_a_power_cut_on_sqlite(tmp_path, told, level):
    """2 is FULL: the write-ahead log is on the disk when a transaction has ended.

    https://www.sqlite.org/pragma.html#pragma_synchronous
    """
    ask = (
        "from django.db import connection as c; print(*c.cursor().execute('PRAGMA {}').fetchone())"
    )
    lines = [ask.format(name) for name in ("synchronous", "journal_mode")]
    asked = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", "; ".join(lines)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DEBUG": "1", "VAR_DIR": str(tmp_path), **told},
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.split() == [str(level), "wal"]


def test_a_word_that_sqlite_does_not_know_is_refused():
    started = load_settings(DEBUG="1", SQLITE_SYNCHRONOUS="sometimes")
    assert started.returncode == 1
    assert "SQLITE_SYNCHRONOUS is FULL or NORMAL, not SOMETIMES." in started.stderr


def test_the_example_names_every_setting_and_no_other():
    assert set(example_environment()) == variables_read_by_settings()


def test_the_settings_load_with_the_example(tmp_path):
    environment = {**example_environment(), "SECRET_KEY": "x" * 50, "VAR_DIR": str(tmp_path)}
    assert load_settings(**environment).returncode == 0


def test_a_missing_secret_stops_the_start(tmp_path):
    started = load_settings(DEBUG="0", VAR_DIR=str(tmp_path))
    assert started.returncode != 0
    assert "SECRET_KEY is not set" in started.stderr


def test_compose_has_the_services_of_production(compose):
    assert set(compose["services"]) == {
        "migrate",
        "web",
        *WORKERS,
        "beat",
        "nginx",
        "postgres",
        "redis",
    }


@pytest.mark.parametrize("name", ["migrate", "web", *WORKERS, "beat"])
def test_every_process_of_ours_runs_from_the_one_image(compose, name):
    service = compose["services"][name]
    assert (service["image"], service["build"]) == ("juice", ".")


def test_compose_sets_only_what_settings_read(compose):
    assert set(compose["services"]["web"]["environment"]) <= variables_read_by_settings()


def test_compose_does_not_start_without_its_secrets():
    text = (ROOT / "docker-compose.yml").read_text()
    demanded = set(re.findall(r"\$\{(\w+):\?", text))
    assert demanded == {"SECRET_KEY", "POSTGRES_PASSWORD"}


def test_the_workers_take_every_queue(compose, settings):
    taken = {
        queue for name in WORKERS for queue in compose["services"][name]["command"][5].split(",")
    }
    wanted = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    assert taken == wanted | {settings.CELERY_TASK_DEFAULT_QUEUE}


def test_each_worker_has_a_connection_for_every_thread(compose, settings):
    for name in WORKERS:
        command = compose["services"][name]["command"]
        threads = int(command[command.index("--concurrency") + 1])
        assert threads < int(example_environment()["DATABASE_POOL_SIZE"])


def test_workers_on_one_machine_take_every_queue(settings):
    wanted = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    assert set(workers.QUEUES) == wanted
    for several in ([workers.one_for_all()], [workers.waiting(), workers.computing()]):
        taken = {queue for words in several for queue in words[2].split(",")}
        assert taken == wanted


@pytest.mark.parametrize("name", [*WORKERS, "beat"])
def test_what_answers_no_requests_gives_signs_of_life(compose, name):
    service = compose["services"][name]
    assert service["environment"]["SIGN_OF_LIFE"].startswith(service["tmpfs"][0])
    assert service["healthcheck"]["test"][1:] == ["python", "juice/liveness.py"]
    wanted = compose["services"]["web"]["environment"]
    assert service["environment"].items() > wanted.items()


def test_no_container_fills_the_disk_with_its_log(compose):
    for service in compose["services"].values():
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}


def test_every_container_has_a_bound_for_its_memory(compose):
    limits = {name: service["mem_limit"] for name, service in compose["services"].items()}
    assert limits.pop("worker-media") == "${MEDIA_MEMORY:-3g}"
    assert all(re.fullmatch(r"\d+[mg]", limit) for limit in limits.values()), limits


@pytest.mark.parametrize("name", ["migrate", "web", *WORKERS, "beat"])
def test_our_containers_may_do_no_more_than_they_must(compose, name):
    service = compose["services"][name]
    assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (
        True,
        ["ALL"],
        ["/tmp"],
    )
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["volumes"] == ["data:/data"]


def test_a_password_may_have_any_signs(tmp_path, compose):
    password = "p@ss:w/o?r#d%41 &"
    given = {
        "DATABASE_URL": compose["services"]["web"]["environment"]["DATABASE_URL"],
        "DATABASE_PASSWORD": password,
    }
    ask = "from django.conf import settings as s; print(s.DATABASES['default']['PASSWORD'])"
    asked = subprocess.run(
        [sys.executable, "-c", f"import django; django.setup(); {ask}"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "juice.settings",
            "DEBUG": "1",
            "VAR_DIR": str(tmp_path),
            **given,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.strip() == password


def command_of_the_image() -> list[str]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    [command] = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    return json.loads(command)


def test_a_web_process_that_was_killed_is_started_again(tmp_path):
    """With the very command of the image; before, the whole server ended with it."""
    port, log = free_port(), tmp_path / "web.log"
    command = command_of_the_image()
    command[0] = str(Path(sys.executable).parent / command[0])
    command[command.index("--host") + 1] = "127.0.0.1"
    command[command.index("--port") + 1] = str(port)
    workers_wanted = int(command[command.index("--workers") + 1])
    given = {**os.environ, "DEBUG": "1", "VAR_DIR": str(tmp_path), "DATABASE_URL": ""}
    process = start_process(command, log=log, cwd=ROOT, env=given)
    question = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    def serves() -> bool:
        return answers(port, question, b"HTTP/1.1 200")

    try:
        wait_until(
            lambda: serves() and len(workers_of(process.pid)) == workers_wanted, process, "web", log
        )
        before = workers_of(process.pid)
        os.kill(before[0], signal.SIGKILL)
        wait_until(
            lambda: serves() and len(set(workers_of(process.pid)) - {before[0]}) == workers_wanted,
            process,
            "web",
            log,
        )
    finally:
        stop_process(process)


def workers_of(pid: int) -> list[int]:
    """The children of a process that are servers, too: not what Python keeps for its own ends."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in children if _is_worker(Path(f"/proc/{one}"))]


def _is_worker(process: Path) -> bool:
    try:
        return b"resource_tracker" not in (process / "cmdline").read_bytes()
    except OSError:
        return False


def test_nginx_sends_what_the_application_names(compose, settings):
    conf = (ROOT / "deploy/nginx.conf").read_text()
    assert f"location {settings.MEDIA_INTERNAL_URL} {{\n        internal;" in conf
    assert "alias /data/media/;" in conf
    assert compose["services"]["web"]["environment"]["VAR_DIR"] == "/data"


def test_the_image_runs_as_an_ordinary_user_from_locked_packages():
    lines = (ROOT / "Dockerfile").read_text()
    assert "USER juice" in lines
    assert "pip install --no-cache-dir --require-hashes -r requirements/base.txt" in lines


@pytest.mark.parametrize("name", ["base", "tracing", "demo", "dev"])
def test_every_locked_package_has_a_version_and_hashes_and_no_address(name):
    text = (ROOT / f"requirements/{name}.txt").read_text()
    packages = re.split(r"\n(?=\S)", text.strip())
    assert all(re.match(r"[\w.\[\],-]+==\S+", package) for package in packages)
    assert all("--hash=sha256:" in package for package in packages)
    assert "://" not in text
