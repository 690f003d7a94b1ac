"""What may befall the processes, the servers and the disk: how each trouble begins and ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis as redis_client
from django.db import connection

from scripts.services import kill_group
from tests.faults.raters import Raters
from tests.live.private_postgres import PrivatePostgres
from tests.processes import Stack

AWAY_SECONDS = 3.0
"""How long what is taken away is gone: long enough for every rater to meet it."""


@dataclass
class House:
    """All that runs for one trial."""

    stack: Stack
    postgres: PrivatePostgres
    raters: Raters
    disk: Path | None = None


Trouble = Callable[[House], None]


def a_web_process_is_killed(house: House) -> None:
    """One of the server's children; the server starts another."""
    parent = house.stack.processes["web"].pid
    os.kill(_children(parent)[-1], signal.SIGKILL)


def the_web_server_is_killed(house: House) -> None:
    """With all its children; whoever keeps it running starts it again at the same address."""
    web = house.stack.processes["web"]
    kill_group(web)
    web.wait()
    house.stack.start("web", *web.args)


def the_worker_is_killed(house: House) -> None:
    house.stack.kill("worker")
    house.stack.start_worker()


def beat_is_killed(house: House) -> None:
    house.stack.kill("beat")
    house.stack.start_beat()


def postgres_crashes(house: House) -> None:
    """Its immediate shutdown: every connection is cut, and it recovers from its log."""
    house.postgres.restart()


def connections_are_cut(house: House) -> None:
    """All but the trial's own, which is opened anew when it looks."""
    connection.close()
    connection.close_pool()
    with psycopg.connect(house.postgres.service.url, autocommit=True) as own:
        own.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


def redis_is_away(house: House) -> None:
    house.stack.kill_redis()
    time.sleep(AWAY_SECONDS)
    house.stack.start_redis_again()


def redis_is_flushed(house: House) -> None:
    redis_client.Redis.from_url(house.stack.redis.url).flushall()


def answers_are_lost(house: House) -> None:
    """The server has stored what every other rater sent, and nobody hears of it."""
    house.raters.loses_answers.set()
    time.sleep(AWAY_SECONDS)
    house.raters.loses_answers.clear()


def the_disk_is_full(house: House) -> None:
    assert house.disk is not None
    ballast = house.disk / "ballast"
    # Unbuffered: what a buffer holds would be written once more when the file is closed.
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(1 << 16)):
            pass
    time.sleep(AWAY_SECONDS)
    ballast.unlink()


def the_disk_is_read_only(house: House) -> None:
    assert house.disk is not None
    _mount("-o", "remount,ro", house.disk)
    time.sleep(AWAY_SECONDS)
    _mount("-o", "remount,rw", house.disk)


TROUBLES: tuple[Trouble, ...] = (
    a_web_process_is_killed,
    the_web_server_is_killed,
    the_worker_is_killed,
    beat_is_killed,
    postgres_crashes,
    connections_are_cut,
    redis_is_away,
    redis_is_flushed,
    answers_are_lost,
    the_disk_is_full,
    the_disk_is_read_only,
)
OF_THE_DISK = (the_disk_is_full, the_disk_is_read_only)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A disk of a few megabytes at this folder; None where this user may mount none."""
    folder.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", "size=48m", "tmpfs", folder)
    except (OSError, subprocess.CalledProcessError):
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*words: object) -> None:
    subprocess.run(["mount", *map(str, words)], check=True, capture_output=True)


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
