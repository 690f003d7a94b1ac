"""Raters at once on our server, by API and by pages, beside bare Django in the same run.

python -m bench.raters             2 granian workers x 4 threads, PostgreSQL, 1, 8 and 32 raters

With DATABASE_URL set, an empty database of that server is used. One whole comparison is: claim,
blind answer, second answer (two axes, reasons). The clients run on the same machine.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

from bench.raters.client import WARM_UP_SECONDS
from scripts.services import (
    answers,
    free_port,
    start_postgres,
    start_process,
    start_redis,
    stop_process,
    tail,
    wait_until,
)

ROOT = Path(__file__).resolve().parents[2]
COMPARISONS = int(os.environ.get("BENCH_COMPARISONS", "20000"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))
RATERS = (1, 8, 32)
WORKERS, THREADS, SEATS = 2, 4, 5
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGESIZE")


@dataclass(frozen=True)
class Goal:
    """What the loop may cost; rates as shares of the bare server's."""

    share: float
    statements: int
    milliseconds: float


class RatersFailed(Exception):
    """A server did not answer as a rater expects."""


SYSTEMS = {"bare": "bare Django", "api": "JSON API", "pages": "pages"}
GOALS = {"api": Goal(0.4, 16, 8.0), "pages": Goal(0.25, 20, 15.0)}


@dataclass(frozen=True)
class Measured:
    """Of one system with so many raters; times of whole comparisons in seconds."""

    rate: float
    median: float
    p99: float
    cpu_milliseconds: float
    megabytes: float


@contextmanager
def serving(kind: str, folder: Path) -> Iterator[tuple[str, int]]:
    """A server of this kind; its address, and the id of its group of processes."""
    port = free_port()
    application = "bench.raters.bare" if kind == "bare" else "juice.wsgi"
    command = [
        *(str(Path(sys.executable).parent / "granian"), "--interface", "wsgi"),
        *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"),
        *("--workers", str(WORKERS), "--blocking-threads", str(THREADS)),
        f"{application}:application",
    ]
    log = folder / f"{kind}.log"
    environment = {**os.environ, **({"BARE_SERVER": "1"} if kind == "bare" else {})}
    process = start_process(command, log=log, cwd=ROOT, env=environment)
    question = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try:
        wait_until(lambda: answers(port, question, b"HTTP/1.1"), process, kind, log)
        yield f"127.0.0.1:{port}", process.pid
    finally:
        stop_process(process)


def processes_of(group: int) -> list[Path]:
    return [
        folder
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and _stat(folder)[2:3] == [str(group)]
    ]


def _stat(folder: Path) -> list[str]:
    """The fields after the name: state, parent, group..."""
    try:
        return (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def cpu_seconds(group: int) -> float:
    return sum(sum(map(int, _stat(one)[11:13])) for one in processes_of(group)) / TICKS


def megabytes(group: int) -> float:
    """Of the two largest: the workers, without what starts them."""
    sizes = sorted(int(_stat(one)[21]) * PAGE_BYTES for one in processes_of(group))
    return sum(sizes[-WORKERS:]) / 2**20


def measure(kind: str, raters: int, site: str, group: int, first: int) -> Measured:
    began = cpu_seconds(group)
    client = subprocess.run(
        [
            *(sys.executable, "-m", "bench.raters.client", kind, site, str(raters)),
            *(str(SECONDS), str(first)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(client.stdout)
    if told["failures"]:
        raise RatersFailed(f"{kind}, {raters} raters: {told['failures'][0]}")
    times = sorted(told["times"])
    spent = cpu_seconds(group) - began
    # The warm-up costs, too, and its comparisons are not counted.
    share_counted = SECONDS / (SECONDS + WARM_UP_SECONDS)
    return Measured(
        rate=len(times) / SECONDS,
        median=statistics.median(times),
        p99=times[round(0.99 * (len(times) - 1))],
        cpu_milliseconds=1000 * spent * share_counted / len(times),
        megabytes=megabytes(group),
    )


def fill() -> Any:
    """A study in the database of the bench, and the bare server's tables beside it."""
    from django.core.management import call_command

    from bench.claiming.__main__ import fill as fill_ours
    from bench.raters.bare import fill as fill_bare
    from bench.raters.client import SLUG

    # The pages name their scripts by the hashes of a collected folder.
    call_command("collectstatic", interactive=False, verbosity=0)
    [study] = fill_ours((COMPARISONS,)).values()
    type(study).objects.filter(pk=study.pk).update(slug=SLUG, must_watch=False)
    fill_bare(COMPARISONS, SEATS)
    study.refresh_from_db()
    return study


def main(folder: Path) -> None:
    from bench.raters import client
    from bench.raters.statements import count_statements

    study = fill()
    client.COOKIE = os.environ["BENCH_COOKIE"] = f"rater_{study.pk}"
    statements = {kind: count_statements(kind) for kind in GOALS}
    figures: dict[tuple[str, int], Measured] = {}
    for kind, name in SYSTEMS.items():
        with serving(kind, folder) as (site, group):
            for number, raters in enumerate(RATERS):
                try:
                    figures[kind, raters] = measure(kind, raters, site, group, 1000 * (number + 1))
                except RatersFailed as error:
                    raise SystemExit(f"{error}\n{tail(folder / f'{kind}.log')}") from error
                print(f"  {name}, {raters} raters: {figures[kind, raters]}", flush=True)
    tell(figures, statements)


def tell(figures: dict[tuple[str, int], Measured], statements: dict[str, int]) -> None:
    columns = [*(f"{n} at once" for n in RATERS), "median, p99 of 32", "SQL", "CPU", "RSS"]
    print(f"\n| | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    for kind, name in SYSTEMS.items():
        last = figures[kind, RATERS[-1]]
        cells = [
            *(f"{figures[kind, n].rate:.1f}/s" for n in RATERS),
            f"{1000 * last.median:.0f}, {1000 * last.p99:.0f} ms",
            str(statements.get(kind, "")),
            f"{last.cpu_milliseconds:.1f} ms",
            f"{last.megabytes:.0f} MB",
        ]
        print(f"| {name} | {' | '.join(cells)} |")
    for kind, goal in GOALS.items():
        for raters in RATERS[1:]:
            own, bare = figures[kind, raters], figures["bare", raters]
            verdict(f"{kind}, {raters} raters: share of bare", own.rate / bare.rate, goal.share)
        last = figures[kind, RATERS[-1]]
        verdict(f"{kind}: statements", statements[kind], goal.statements, at_most=True)
        verdict(f"{kind}: ms of CPU", last.cpu_milliseconds, goal.milliseconds, at_most=True)
        verdict(f"{kind}: p99 over median", last.p99 / last.median, 5.0, at_most=True)


def verdict(what: str, figure: float, goal: float, *, at_most: bool = False) -> None:
    met = figure <= goal if at_most else figure >= goal
    bound = "at most" if at_most else "at least"
    print(f"  {what:<40} {figure:8.2f}  ({bound} {goal:g}: {'met' if met else 'MISSED'})")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        redis, postgres = start_redis(folder), start_postgres(folder)
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "juice.settings",
            "DEBUG": "0",
            "SECRET_KEY": "bench" * 10,
            "VAR_DIR": name,
            "ALLOWED_HOSTS": "*",
            "PUBLIC_URL": "http://127.0.0.1",
            "REDIS_URL": redis.url,
            "DATABASE_URL": postgres.url,
        }
        django.setup()
        try:
            main(folder)
        finally:
            postgres.stop()
            redis.stop()
