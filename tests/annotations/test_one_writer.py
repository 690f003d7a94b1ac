"""Rules that are written once: the source itself is read for a second writer."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEATS = "annotations/services/pairs/seats.py"
ENDINGS = "annotations/services/raters/endings.py"
WRITER_OF = {
    "open_seats": SEATS,
    "outcome": ENDINGS,
    "finished_at": ENDINGS,
    "excluded_at": ENDINGS,
    "excluded_why": ENDINGS,
}
# Columns of the same name in other tables.
NOT_OF_RATERS = {("annotations/services/clips/importing.py", "finished_at")}
WRITING_CALLS = {"update", "create", "get_or_create", "update_or_create", "dict", "Rater"}


def writers_in(source: str) -> set[str]:
    """Names of columns that are assigned, given to a call that writes, or put into a dictionary."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.Call) and called_name(node) in WRITING_CALLS:
            found |= {keyword.arg for keyword in node.keywords if keyword.arg}
        elif isinstance(node, ast.Dict):
            found |= {key.value for key in node.keys if isinstance(key, ast.Constant)}
    return found


def called_name(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def sources() -> Iterator[tuple[str, str]]:
    for app in ("annotations", "owner", "juice"):
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), path.read_text()


def test_seats_and_endings_have_one_writer_each():
    second = {
        (name, column)
        for name, source in sources()
        for column in writers_in(source) & WRITER_OF.keys()
        if WRITER_OF[column] != name
    }
    assert second == NOT_OF_RATERS


def test_each_writer_is_where_it_is_said_to_be():
    here = dict(sources())
    assert "open_seats" in writers_in(here[SEATS])
    assert WRITER_OF.keys() - {"open_seats"} == writers_in(here[ENDINGS]) & WRITER_OF.keys()


def test_a_second_writer_is_seen_however_it_writes():
    ways = (
        "rows.update(open_seats=F('open_seats') + 1)",
        "row.open_seats += 1",
        "rows.update(**{'open_seats': 1})",
        "values = dict(open_seats=1)",
    )
    assert [writers_in(way) & {"open_seats"} for way in ways] == [{"open_seats"}] * len(ways)
