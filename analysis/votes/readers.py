"""Votes from files: our own long form, and what other tools write.

Every reader turns its file into the columns of `analysis.core.votes`; what it had to decide on
the way is said in `VoteFile.notes` and shown in the report.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from analysis.core.columns import COLUMNS, REQUIRED, unguarded
from analysis.core.votes import VoteTableError, validate_votes
from analysis.votes import imagenhub, label_studio

Row = dict[str, Any]
NumberedRows = Iterator[tuple[int | str, Row]]

BOTH_BAD = ("tie (bothbad)", "bothbad_vote", "both_bad", "same bad")
BOTH_GOOD = ("same good",)
OTHER_NAMES = {"judge": "rater", "question_id": "prompt_id", "tstamp": "submitted_at"}
UVE_COLUMNS = ("video_a", "video_b", "preference", "aspect")
UVE_WINNERS = {"A is better": "model_a", "B is better": "model_b"}
UVE_PROMPT_NUMBER = re.compile(r"-(\d+)-\d+$")
HELP = (
    "Give a .csv with the columns model_a, model_b, winner (model_a, model_b or tie), "
    "a .jsonl with the same fields, ImagenHub's ratings as .csv, or a .json of UVE-Bench or from "
    "Label Studio's Pairwise template; see examples/votes/."
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
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise VoteFileError(f"{path}: files ending in '{path.suffix}' are not known. {HELP}")
    notes: list[str] = []
    try:
        numbered = list(reader(path, notes))
    except (imagenhub.RatingError, label_studio.TaskError) as error:
        raise VoteFileError(f"{path}: {error}. {HELP}") from None
    except OSError as error:
        raise VoteFileError(f"{path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise VoteFileError(f"{path}: not UTF-8 text (byte {error.start}). {HELP}") from None
    if not numbered:
        raise VoteFileError(f"{path}: no votes in it. {HELP}")
    return _frame(path, numbered), tuple(notes)


def _frame(path: Path, numbered: list[tuple[int | str, Row]]) -> pd.DataFrame:
    index = pd.Index([line for line, _ in numbered], name="line", dtype=object)
    rows = pd.DataFrame([row for _, row in numbered], index=index, dtype=object)
    rows = rows.rename(columns={k: v for k, v in OTHER_NAMES.items() if v not in rows.columns})
    missing = [name for name in REQUIRED if name not in rows.columns]
    if missing:
        found = ", ".join(map(str, rows.columns[:12]))
        raise VoteFileError(f"{path}: no column {', '.join(missing)} among {found}. {HELP}")
    rows = _with_turns(rows)
    return rows[[name for name in COLUMNS if name in rows.columns]]


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


def _read_csv(path: Path, notes: list[str]) -> NumberedRows:
    rows = list(_csv_rows(path))
    if not rows or not imagenhub.is_rating(rows[0][1]):
        return iter(rows)
    notes.append("Ratings of ImagenHub: two models rated by one rater for one sample are a vote.")
    return imagenhub.paired(rows)


def _csv_rows(path: Path) -> NumberedRows:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, strict=True)
        try:
            for row in rows:
                if None in row or None in row.values():
                    raise VoteFileError(
                        f"{path}: line {rows.line_num} has another number of cells than the "
                        "header. Quote cells that hold commas."
                    )
                yield rows.line_num, {k: unguarded(v) for k, v in row.items()}
        except csv.Error as error:
            raise VoteFileError(f"{path}: line {rows.line_num}: {error}.") from None


def _read_jsonl(path: Path, notes: list[str]) -> NumberedRows:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, _json_object(path, line.rstrip(), number)


def _json_object(path: Path, text: str, line: int) -> Row:
    content = _json(path, text, line)
    if not isinstance(content, dict):
        raise VoteFileError(f"{path}: line {line} is not a JSON object. {HELP}")
    return content


def _read_json(path: Path, notes: list[str]) -> NumberedRows:
    content = _json(path, path.read_text(encoding="utf-8"), 1)
    if isinstance(content, list):
        tasks = label_studio.Tasks(content)
        rows = list(tasks.votes())
        notes.extend(tasks.notes())
        return iter(rows)
    return _uve_rows(path, content)


def _uve_rows(path: Path, content: Any) -> NumberedRows:
    if not isinstance(content, dict):
        raise VoteFileError(f"{path}: not an object of named pairs. {HELP}")
    for key, pair in content.items():
        if not isinstance(pair, dict) or any(name not in pair for name in UVE_COLUMNS):
            raise VoteFileError(f"{path}: '{key}' lacks {', '.join(UVE_COLUMNS)}. {HELP}")
        yield key, _uve_row(key, pair)


def _uve_row(key: str, pair: Row) -> Row:
    """A pair of UVE-Bench; the model is the first folder of the video's path."""
    number = UVE_PROMPT_NUMBER.search(key)
    collection = str(pair.get("dataset") or "")
    return {
        "comparison_id": key,
        "prompt_id": f"{collection} {number[1]}".strip() if number else key,
        "prompt": pair.get("prompt") or "",
        "category": collection,
        "axis": pair["aspect"],
        "model_a": PurePosixPath(pair["video_a"]).parts[0],
        "model_b": PurePosixPath(pair["video_b"]).parts[0],
        "winner": UVE_WINNERS.get(pair["preference"], pair["preference"]),
    }


def _json(path: Path, text: str, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise VoteFileError(
            f"{path}: line {line + error.lineno - 1}, column {error.colno}: {error.msg}. {HELP}"
        ) from None


_READERS: dict[str, Callable[[Path, list[str]], NumberedRows]] = {
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
    ".json": _read_json,
}
