"""Votes in the columns that other tools read. Left out: gold comparisons and excluded votes.

FastChat and LMArena: https://github.com/lm-sys/FastChat (winner is model_a, model_b or tie).
GenAI-Bench (arXiv 2406.04485): the sides as shown, and leftvote, rightvote or tievote.
crowd-kit (https://github.com/Toloka/crowd-kit): the label is the preferred item; a tie has none
there, so ties are left out.
Preference pairs (chosen, rejected): one line for each decided comparison and axis, as trainers of
reward models and DPO read them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from analysis.core.decided import decided_comparisons
from analysis.core.verdicts import MajorityRule
from analysis.export import lines_of

Rows = Iterable[Mapping[str, Any]]
FASTCHAT_COLUMNS = (
    "question_id",
    "model_a",
    "model_b",
    "winner",
    "judge",
    "turn",
    "anony",
    "language",
    "tstamp",
    "axis",
    "prompt",
)
GENAI_BENCH_COLUMNS = ("prompt", "left_model", "right_model", "vote_type", "axis", "prompt_id")
CROWD_KIT_COLUMNS = ("task", "worker", "left", "right", "label")


def fastchat_lines(rows: Rows) -> Iterator[str]:
    """CSV in FastChat's columns, one row per vote; `tstamp` in seconds since 1970."""
    return lines_of(FASTCHAT_COLUMNS, map(_fastchat_row, _counted(rows)))


def genai_bench_lines(rows: Rows) -> Iterator[str]:
    """CSV in GenAI-Bench's columns; votes that do not say which side was which are left out."""
    sided = (row for row in _counted(rows) if row["side_a"])
    return lines_of(GENAI_BENCH_COLUMNS, map(_genai_bench_row, sided))


def crowd_kit_lines(rows: Rows) -> Iterator[str]:
    """CSV for crowd-kit's pairwise aggregation: the label is the preferred model; no ties."""
    decided = (row for row in _counted(rows) if row["winner"] != "tie")
    return lines_of(CROWD_KIT_COLUMNS, map(_crowd_kit_row, decided))


VOTE_FILES: Mapping[str, Callable[[Rows], Iterator[str]]] = {
    "fastchat.csv": fastchat_lines,
    "genai_bench.csv": genai_bench_lines,
    "crowd_kit.csv": crowd_kit_lines,
}


def preference_lines(votes: pd.DataFrame, *, min_votes: int, rule: MajorityRule) -> Iterator[str]:
    """JSON lines of chosen and rejected models, for complete comparisons that were decided."""
    texts = dict(zip(votes["prompt_id"], votes["prompt"], strict=True))
    for row in decided_comparisons(votes, min_votes=min_votes, rule=rule):
        if row["complete"] and row["verdict"] in ("model_a", "model_b"):
            yield json.dumps(_preference(row, texts[row["prompt_id"]]), ensure_ascii=False) + "\n"


def _counted(rows: Rows) -> Iterator[Mapping[str, Any]]:
    return (row for row in rows if not row["excluded"] and not row["is_gold"])


def _fastchat_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "question_id": row["prompt_id"],
        "model_a": row["model_a"],
        "model_b": row["model_b"],
        "winner": row["winner"],
        "judge": row["rater"],
        "turn": 1,
        "anony": True,
        "language": "",
        "tstamp": _seconds(row["submitted_at"]),
        "axis": row["axis"],
        "prompt": row["prompt"],
    }


def _genai_bench_row(row: Mapping[str, Any]) -> dict[str, Any]:
    a_is_left = row["side_a"] == "left"
    models = (row["model_a"], row["model_b"])
    left, right = models if a_is_left else models[::-1]
    is_left = (row["winner"] == "model_a") == a_is_left
    vote = "tievote" if row["winner"] == "tie" else "leftvote" if is_left else "rightvote"
    return {
        "prompt": row["prompt"],
        "left_model": left,
        "right_model": right,
        "vote_type": vote,
        "axis": row["axis"],
        "prompt_id": row["prompt_id"],
    }


def _crowd_kit_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "task": f"{row['comparison_id']}/{row['axis']}",
        "worker": row["rater"],
        "left": row["model_a"],
        "right": row["model_b"],
        "label": row[row["winner"]],
    }


def _preference(row: Mapping[str, Any], prompt: str) -> dict[str, Any]:
    won, lost = ("a", "b") if row["verdict"] == "model_a" else ("b", "a")
    return {
        "prompt": prompt,
        "prompt_id": row["prompt_id"],
        "axis": row["axis"],
        "chosen": row[f"model_{won}"],
        "rejected": row[f"model_{lost}"],
        "votes_for": row[f"votes_{won}"],
        "votes_against": row[f"votes_{lost}"],
        "ties": row["ties"],
    }


def _seconds(moment: object) -> float | None:
    return moment.timestamp() if isinstance(moment, datetime) else None
