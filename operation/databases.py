"""How large the database is, and what keeps it busy."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection, transaction

SHOWN = 10
SLOW_SECONDS = 1.0
"""A statement that runs longer than this is shown."""
LONGEST_SQL = 400
VALUE = re.compile(r"'(?:[^']|'')*'?|(?<![\w$])\d+(?:\.\d+)?\b")
SIZE = "SELECT pg_database_size(current_database())"
HAS_STATISTICS = "SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'"
STATISTICS = """
    SELECT query, calls, mean_exec_time / 1000, total_exec_time / 1000
    FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
    WHERE d.datname = current_database() AND calls > 1
    ORDER BY mean_exec_time DESC LIMIT %s
"""
RUNNING = """
    SELECT query, 1, extract(epoch FROM clock_timestamp() - query_start)::float, NULL
    FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()
      AND backend_type = 'client backend'
      AND clock_timestamp() - query_start > make_interval(secs => %s)
    ORDER BY query_start LIMIT %s
"""


@dataclass(frozen=True)
class SlowStatement:
    """`total_seconds` is None of one that is running."""

    sql: str
    calls: int
    seconds: float
    total_seconds: float | None


@dataclass(frozen=True)
class SlowStatements:
    """The slowest ones, and in words where they are from."""

    source: str
    statements: tuple[SlowStatement, ...] = ()


def database_bytes() -> int:
    """Raises DatabaseError where it does not answer."""
    if connection.vendor == "postgresql":
        return int(_rows(SIZE)[0][0])
    _rows("SELECT 1")
    name = str(connection.settings_dict["NAME"])
    files = (Path(name + end) for end in ("", "-wal", "-shm"))
    return sum(file.stat().st_size for file in files if file.is_file())


def slow_statements() -> SlowStatements:
    if connection.vendor != "postgresql":
        return SlowStatements("SQLite keeps no statistics of statements.")
    with suppress(DatabaseError), transaction.atomic():
        if _rows(HAS_STATISTICS):
            found = _rows(STATISTICS, SHOWN)
            return SlowStatements("By mean time, from pg_stat_statements.", _statements(found))
    return SlowStatements(
        f"Running now for over {SLOW_SECONDS:.0f} s. "
        "With the extension pg_stat_statements, the slowest of all would stand here.",
        _statements(_rows(RUNNING, SLOW_SECONDS, SHOWN)),
    )


def _rows(sql: str, *values: float) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _statements(found: list[tuple[Any, ...]]) -> tuple[SlowStatement, ...]:
    return tuple(
        SlowStatement(_without_values(sql), calls, seconds, total)
        for sql, calls, seconds, total in found
    )


def _without_values(sql: str) -> str:
    """A statement that runs now holds what it was given, such as a rater's note."""
    return VALUE.sub("?", " ".join(sql.split()))[:LONGEST_SQL]
