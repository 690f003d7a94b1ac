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


class PairError(ValueError):
    """What is no pair; the message names it."""


def pairs(content: Any) -> Iterator[tuple[int | str, Row]]:
    """A vote per pair, by the pair's name.

    Raises
    ------
    PairError
    """
    if not isinstance(content, dict):
        raise PairError("not an object of named pairs")
    for key, pair in content.items():
        if not isinstance(pair, dict) or any(name not in pair for name in COLUMNS):
            raise PairError(f"'{key}' lacks {', '.join(COLUMNS)}")
        yield key, _vote(key, pair)


def _vote(key: str, pair: Row) -> Row:
    """The model is the first folder of the video's path."""
    number = PROMPT_NUMBER.search(key)
    collection = str(pair.get("dataset") or "")
    return {
        "comparison_id": key,
        "prompt_id": f"{collection} {number[1]}".strip() if number else key,
        "prompt": pair.get("prompt") or "",
        "category": collection,
        "axis": pair["aspect"],
        "model_a": PurePosixPath(pair["video_a"]).parts[0],
        "model_b": PurePosixPath(pair["video_b"]).parts[0],
        "winner": WINNERS.get(pair["preference"], pair["preference"]),
    }
