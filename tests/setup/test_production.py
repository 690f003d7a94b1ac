"""The production files agree with each other and with the settings."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts import workers

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


def test_nginx_sends_what_the_application_names(compose, settings):
    conf = (ROOT / "deploy/nginx.conf").read_text()
    assert f"location {settings.MEDIA_INTERNAL_URL} {{\n        internal;" in conf
    assert "alias /data/media/;" in conf
    assert compose["services"]["web"]["environment"]["VAR_DIR"] == "/data"


def test_the_image_runs_as_an_ordinary_user_from_locked_packages():
    lines = (ROOT / "Dockerfile").read_text()
    assert "USER juice" in lines
    assert "pip install --no-cache-dir --require-hashes -r requirements/base.txt" in lines


@pytest.mark.parametrize("name", ["base", "demo", "dev"])
def test_every_locked_package_has_a_version_and_hashes_and_no_address(name):
    text = (ROOT / f"requirements/{name}.txt").read_text()
    packages = re.split(r"\n(?=\S)", text.strip())
    assert all(re.match(r"[\w.\[\],-]+==\S+", package) for package in packages)
    assert all("--hash=sha256:" in package for package in packages)
    assert "://" not in text
