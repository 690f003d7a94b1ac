"""Votes from files: our own long form, and what other tools write.

Every reader turns its file into the columns of `analysis.core.votes`; what it had to decide on
the way is said in `VoteFile.notes` and shown in the report.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.core.columns import COLUMNS, REQUIRED, joined, unguarded
from analysis.core.votes import VoteTableError, validate_votes
from analysis.votes import imagenhub, label_studio, uve
from annotations.errors import BadInput
from annotations.inputs import load_json
from annotations.tables.columns import KnownColumns, missing_words
from annotations.tables.files import Format, format_of, read_text_file
from annotations.tables.reading import read_objects, read_table
from annotations.tables.table import ReadColumns, ReadTable, ensure_columns, ensure_text

Row = dict[str, Any]
NumberedRows = Iterator[tuple[int | str, Row]]

BOTH_BAD = ("tie (bothbad)", "bothbad_vote", "both_bad", "same bad")
BOTH_GOOD = ("same good",)
OTHER_NAMES = {
    "judge": "rater",
    "question_id": "prompt_id",
    "tstamp": "submitted_at",
    "timestamp": "submitted_at",
}
KNOWN = (*COLUMNS, *OTHER_NAMES, "turn")
LISTED = ("reasons", "reason_order")
LATEST_SECOND = 1e11
"""In the year 5138; a larger number is no time in seconds."""
HELP = (
    "Give a .csv or .tsv with the columns model_a, model_b, winner (model_a, model_b or tie), "
    "a .jsonl or .json list with the same fields, ImagenHub's ratings as .csv, or a .json of "
    "UVE-Bench or from Label Studio's Pairwise template; see examples/votes/."
)


class VoteFileError(Exception):
    """A file that cannot be read as votes; the message names file and line and says what to do."""


@dataclass(frozen=True)
class VoteFile:
    """A validated vote table, its axes in the order of the file, and the reader's notes."""

    votes: pd.DataFrame
    axes: tuple[str, ...]
    notes: tuple[str, ...]


def read_votes(path: Path) -> VoteFile:
    """The votes of a file, in any format that is known.

    Raises
    ------
    VoteFileError
        The file is missing, in no known format, or holds rows that are not votes.
    """
    raw, left_out = _read(path)
    winners, notes = _explicit_ties(raw["winner"])
    try:
        votes = validate_votes(raw.assign(winner=winners))
    except VoteTableError as error:
        raise VoteFileError(
            f"{path}: {error} Correct the file and run the command again."
        ) from None
    return VoteFile(votes, tuple(dict.fromkeys(votes["axis"])), (*left_out, *notes))


def read_rows(path: Path) -> pd.DataFrame:
    """The rows of a file under our column names, values as they stand, indexed by line."""
    return _read(path)[0]


def _read(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows, and the reader's notes."""
    notes: list[str] = []
    try:
        rows = _rows(path, notes)
    except (imagenhub.RatingError, label_studio.TaskError, uve.EntryError) as error:
        raise VoteFileError(f"{path}: {error}. {HELP}") from None
    except BadInput as error:
        words = str(error).removeprefix(f"{path.name}: ")
        raise VoteFileError(f"{path}: {words} {HELP}") from None
    except OSError as error:
        raise VoteFileError(f"{path}: {error.strerror}.") from None
    if rows.empty:
        raise VoteFileError(f"{path}: no votes in it. {HELP}")
    return _named(path, rows), tuple(notes)


def _rows(path: Path, notes: list[str]) -> pd.DataFrame:
    """The rows of a file by their numbers, whose name says what is counted: lines or entries."""
    content = path.read_bytes()
    if format_of(path.name) is Format.JSON:
        return _frame(*_rows_of_json(content, path.name, notes))
    table = read_table(content, name=path.name, known=KNOWN, largest=sys.maxsize)
    if imagenhub.are_ratings(table.columns):
        table = read_table(content, name=path.name, known=imagenhub.KNOWN, largest=sys.maxsize)
        votes = list(imagenhub.paired(_rows_of(table)))
        notes += [imagenhub.NOTE, *table.notes]
        return _frame(votes, "line")
    ensure_columns(table, REQUIRED, KNOWN)
    by_column = table.by_column
    rows = _columns_of(by_column()) if by_column else _frame(list(_rows_of(table)), "line")
    notes += table.notes
    return rows


def _columns_of(read: ReadColumns) -> pd.DataFrame:
    """The rows of a table that was read by column, as they stand."""
    cells = {name: _unguarded(texts) for name, texts in read.cells.items()}
    return pd.DataFrame(cells, index=pd.Index(read.lines, name="line", dtype=object), dtype=object)


def _unguarded(texts: list[str]) -> list[str]:
    changed = {text: unguarded(text) for text in set(texts) if text.startswith("'")}
    return [changed.get(text, text) for text in texts] if changed else texts


def _rows_of(table: ReadTable) -> NumberedRows:
    """The rows of a table as they stand.

    Raises
    ------
    BadInput
        At the first row that cannot be read.
    """
    for row in table.rows:
        if row.problem:
            raise BadInput(f"{row.where}: {row.problem}")
        number = int(row.where.rpartition(" ")[2])
        cells = row.cells.items()
        if not row.names:
            yield number, {name: unguarded(text) for name, text in cells}
            continue
        try:
            yield number, {name: _value(name, value) for name, value in cells}
        except BadInput as error:
            raise BadInput(f"{row.where}: {error}") from error


def _value(name: str, value: Any) -> Any:
    """A value of JSON; a list of reasons as the text that tables have."""
    if isinstance(value, list) and name in LISTED and all(isinstance(one, str) for one in value):
        value = joined(value)
    if isinstance(value, list | dict):
        kind = "a list" if isinstance(value, list) else "an object"
        raise BadInput(f"“{name}” is {kind}, not a text. Write a text there.")
    return ensure_text(value, name) if isinstance(value, str) else value


def _frame(numbered: list[tuple[int | str, Row]], unit: str) -> pd.DataFrame:
    index = pd.Index([number for number, _ in numbered], name=unit, dtype=object)
    return pd.DataFrame([row for _, row in numbered], index=index, dtype=object)


def _named(path: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows under the names of our columns."""
    missing = [name for name in REQUIRED if name not in rows.columns]
    if missing:
        words = missing_words(KnownColumns(KNOWN), missing, list(map(str, rows.columns)))
        raise VoteFileError(f"{path}: {words} {HELP}")
    for name, own in OTHER_NAMES.items():
        if name in rows.columns and own not in rows.columns:
            rows = rows.rename(columns={name: own})
            if own == "submitted_at":
                rows[own] = _moments(path, rows[own], name)
    rows = _with_turns(rows)
    return rows[[name for name in COLUMNS if name in rows.columns]]


def _moments(path: Path, column: pd.Series, name: str) -> list[str]:
    """Times in seconds since 1970 as ISO 8601 writes them; texts of other kinds as they are."""
    found = []
    for number, value in column.items():
        text = "" if value is None or pd.isna(value) else str(value).strip()
        try:
            seconds = float(text)
        except ValueError:
            found.append(text)
            continue
        if not 0 <= seconds < LATEST_SECOND:
            raise VoteFileError(
                f"{path}: {name} must be seconds since 1970 or a time such as "
                f"2026-01-31T12:00:00Z, not {text!r} ({column.index.name} {number})."
            )
        found.append(datetime.fromtimestamp(seconds, UTC).isoformat())
    return found


def _with_turns(rows: pd.DataFrame) -> pd.DataFrame:
    """MT-Bench asks about each turn of a conversation: comparisons of their own, one prompt."""
    if "turn" not in rows.columns or "comparison_id" in rows.columns:
        return rows
    pairs = [
        " | ".join(sorted(pair)) for pair in zip(rows["model_a"], rows["model_b"], strict=True)
    ]
    prompts = rows["prompt_id"].map(str) if "prompt_id" in rows.columns else "conversation"
    return rows.assign(comparison_id=prompts + " turn " + rows["turn"].map(str) + " | " + pairs)


def _explicit_ties(winners: pd.Series) -> tuple[pd.Series, tuple[str, ...]]:
    """Read "both bad" and "both good" as ties, and say how many there were."""
    notes = []
    for words, meaning in ((BOTH_BAD, "both are bad"), (BOTH_GOOD, "both are good")):
        found = winners.isin(words)
        if found.any():
            notes.append(f"{found.sum():,} votes say that {meaning}; they are counted as ties.")
        winners = winners.mask(found, "tie")
    return winners, tuple(notes)


def _rows_of_json(
    content: bytes, name: str, notes: list[str]
) -> tuple[list[tuple[int | str, Row]], str]:
    text = read_text_file(content, name=name, largest=sys.maxsize)
    value = load_json(text, what=name)
    if not isinstance(value, list):
        return list(uve.votes(value)), "pair"
    if _are_votes(value):
        table = read_objects(value, name=name, known=KNOWN)
        rows = list(_rows_of(table))
        notes += table.notes
        return rows, "entry"
    tasks = label_studio.Tasks(value)
    votes: list[tuple[int | str, Row]] = list(tasks.votes())
    notes.extend(tasks.notes())
    return votes, "line"


def _are_votes(entries: list[Any]) -> bool:
    """Whether a list holds votes as FastChat has them, and no tasks of Label Studio."""
    first = entries[0] if entries else None
    if not isinstance(first, dict):
        return False
    named = {KnownColumns(KNOWN).named(name): value for name, value in first.items()}
    return set(REQUIRED) <= named.keys() and isinstance(named["winner"], str)
