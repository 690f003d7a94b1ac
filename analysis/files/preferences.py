"""Preference pairs, as trainers of reward models and DPO read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd


def preference_lines(votes: pd.DataFrame, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """JSON lines of chosen and rejected models, for complete comparisons that were decided.

    Parameters
    ----------
    rows
        Those of `analysis.core.decided.decided_comparisons` for these votes.
    """
    texts = dict(zip(votes["prompt_id"], votes["prompt"], strict=True))
    for row in rows:
        if row["complete"] and row["verdict"] in ("model_a", "model_b"):
            yield json.dumps(_preference(row, texts[row["prompt_id"]]), ensure_ascii=False) + "\n"


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
