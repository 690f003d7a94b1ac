"""`make test`: set up what the tests need, then run every check and test on both databases.

What cannot be set up is an error that says what to install; nothing is skipped in silence.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from scripts.services import SetupError, find_chromium, node, start_postgres, start_redis

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECKS = {
    "lint": [BIN / "ruff", "check", "."],
    "format": [BIN / "ruff", "format", "--check", "--quiet", "."],
    "types": [BIN / "mypy"],
    "import contracts": [BIN / "lint-imports", "--no-cache"],
    "Django's checks": [sys.executable, "manage.py", "check"],
    "picture of imports": [sys.executable, "-m", "scripts.imports", "--check"],
    "scripts": [node(), "--test", "tests/scripts/*.test.js"],
    "documentation": [BIN / "zensical", "build", "--strict", "--clean"],
    "migrations": [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
}

OPTIONS = ("--dist", "loadgroup", "--durations=20", "--durations-min=1")
ON_SQLITE = ("-m", "not postgres")
# What asks nothing of a database is not asked a second time.
ON_POSTGRES = ("-m", "not sqlite", "--database-only")


class Stages:
    """Runs one stage after the other and keeps what came of each."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.outcomes: list[tuple[str, bool, float]] = []

    def run(self, name: str, command: list[object], **environment: str) -> None:
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        finished = subprocess.run(
            [str(word) for word in command], cwd=ROOT, env={**self.environment, **environment}
        )
        self.outcomes.append((name, finished.returncode == 0, time.monotonic() - began))

    def summarise(self) -> int:
        print("\n== Summary")
        for name, passed, seconds in self.outcomes:
            print(f"  {'passed' if passed else 'FAILED'}  {seconds:6.1f} s  {name}")
        failed = sum(not passed for _, passed, _ in self.outcomes)
        print(f"{len(self.outcomes) - failed} passed, {failed} failed", flush=True)
        return 1 if failed else 0


def pytest_command(*words: object) -> list[object]:
    """Tests that share a server or a browser stay on one worker, which mostly waits for them."""
    workers = str(min(4, (os.cpu_count() or 1) + 1))
    return [sys.executable, "-m", "pytest", "-q", "-n", workers, *OPTIONS, *words]


def run_everything(only_checks: bool, only_screenshots: bool, seed: int | None) -> int:
    order = [] if seed is None else ["--shuffle", seed]
    with ExitStack() as stack:
        var = stack.enter_context(tempfile.TemporaryDirectory(prefix="juice-test-"))
        environment = {**os.environ, "DEBUG": "1", "VAR_DIR": var}
        environment.pop("DATABASE_URL", None)
        stages = Stages(environment)
        if not only_screenshots:
            for name, command in CHECKS.items():
                stages.run(name, command)
        if only_checks:
            return stages.summarise()
        redis = start_redis(Path(var) / "redis")
        stack.callback(redis.stop)
        environment |= {"REDIS_URL": redis.url, "CHROMIUM": str(find_chromium())}
        if only_screenshots:
            stages.run(
                "screenshots", pytest_command("tests/browser", "-k", "screenshot or every_page")
            )
            return stages.summarise()
        postgres = start_postgres(Path(var) / "postgres")
        stack.callback(postgres.stop)
        stages.run("tests on SQLite", pytest_command(*ON_SQLITE, *order))
        stages.run(
            "tests on PostgreSQL",
            pytest_command(*ON_POSTGRES, *order),
            DATABASE_URL=postgres.url,
        )
        return stages.summarise()


def run_faults() -> int:
    """What `tests/faults` tries in short, with every trouble and many raters; prints its table."""
    with ExitStack() as stack:
        var = stack.enter_context(tempfile.TemporaryDirectory(prefix="juice-test-"))
        postgres = start_postgres(Path(var) / "postgres")
        stack.callback(postgres.stop)
        stages = Stages({**os.environ, "DEBUG": "1", "VAR_DIR": var, "FAULTS": "1"})
        command = [sys.executable, "-m", "pytest", "-q", "-s", *OPTIONS, "tests/faults"]
        stages.run("faults", command, DATABASE_URL=postgres.url)
        return stages.summarise()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", action="store_true", help="only lint, types and the like")
    parser.add_argument("--screenshots", action="store_true", help="only the pictures of the docs")
    parser.add_argument("--faults", action="store_true", help="only faults under load, at length")
    parser.add_argument("--shuffle", type=int, metavar="SEED", help="tests in a random order")
    options = parser.parse_args()
    try:
        if options.faults:
            return run_faults()
        return run_everything(options.checks, options.screenshots, options.shuffle)
    except SetupError as error:
        print(f"The tests could not be set up. {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
