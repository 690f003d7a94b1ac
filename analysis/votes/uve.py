"""UVE-Bench's pairs: an object of named pairs of videos."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

COLUMNS = ("video_a", "video_b", "preference", "aspect")
WINNERS = {"A is better": "model_a", "B is better": "model_b"}
PROMPT_NUMBER = re.compile(r"-(\d+)-\d+$")

Row = dict[str, Any]


class EntryError(ValueError):
    """What is no entry; the message names it."""


def votes(content: Any) -> Iterator[tuple[int | str, Row]]:
    """A vote per entry, by the pair's name.

    Raises
    ------
    EntryError
    """
    if not isinstance(content, dict):
        raise EntryError("not an object of named pairs")
    for key, entry in content.items():
        if not isinstance(entry, dict) or any(name not in entry for name in COLUMNS):
            raise EntryError(f"'{key}' lacks {', '.join(COLUMNS)}")
        yield key, _vote(key, entry)


def _vote(key: str, entry: Row) -> Row:
    """The model is the first folder of the video's path."""
    number = PROMPT_NUMBER.search(key)
    collection = str(entry.get("dataset") or "")
    return {
        "comparison_id": key,
        "prompt_id": f"{collection} {number[1]}".strip() if number else key,
        "prompt": entry.get("prompt") or "",
        "category": collection,
        "axis": entry["aspect"],
        "model_a": PurePosixPath(entry["video_a"]).parts[0],
        "model_b": PurePosixPath(entry["video_b"]).parts[0],
        "winner": WINNERS.get(entry["preference"], entry["preference"]),
    }
