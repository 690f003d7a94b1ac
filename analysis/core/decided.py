"""The verdict of every comparison, with the votes behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis.core.columns import ColumnKind, fields
from analysis.core.items import count_choices
from analysis.core.settings import MajorityRule
from analysis.core.verdicts import majority_verdicts
from analysis.core.votes import valid_votes

VERDICT_COLUMNS = (
    *fields(
        ColumnKind.TEXT, "protocol", "axis", "prompt_id", "comparison_id", "model_a", "model_b"
    ),
    *fields(ColumnKind.WHOLE, "votes_a", "votes_b", "ties"),
    *fields(ColumnKind.TEXT, "verdict"),
    *fields(ColumnKind.FLAG, "complete"),
)


def decided_comparisons(
    votes: pd.DataFrame, *, min_votes: int, rule: MajorityRule
) -> Iterator[dict[str, Any]]:
    """One row per comparison, axis and protocol with the columns of VERDICT_COLUMNS.

    `complete` where it has `min_votes` valid votes: only those count in win rates.
    """
    valid, _ = valid_votes(votes)
    for names, group in valid.groupby(["protocol", "axis", "model_a", "model_b"], sort=True):
        protocol, axis, model_a, model_b = names
        counts = count_choices(group)
        verdicts = majority_verdicts(counts.to_numpy(), rule)
        for place, row, verdict in zip(counts.index, counts.to_numpy(), verdicts, strict=True):
            yield {
                "protocol": protocol,
                "axis": axis,
                "prompt_id": place[0],
                "comparison_id": place[1],
                "model_a": model_a,
                "model_b": model_b,
                "votes_a": int(row[0]),
                "votes_b": int(row[1]),
                "ties": int(row[2]),
                "verdict": verdict,
                "complete": bool(row.sum() >= min_votes),
            }
