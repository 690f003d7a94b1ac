"""The verdict of every comparison, with the votes behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core.columns import WINNERS, ColumnKind, fields, names_of
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
BY_ITEM = ("protocol", "axis", "model_a", "model_b", "prompt_id", "comparison_id")


def decided_comparisons(
    votes: pd.DataFrame, *, min_votes: int, rule: MajorityRule
) -> Iterator[dict[str, Any]]:
    """One row per comparison, axis and protocol with the columns of VERDICT_COLUMNS.

    `complete` where it has `min_votes` valid votes: only those count in win rates.
    """
    valid, _ = valid_votes(votes)
    if valid.empty:
        return
    items, counts = _counted(valid)
    columns = {
        **{name: items[name].tolist() for name in BY_ITEM},
        **dict(zip(("votes_a", "votes_b", "ties"), counts.T.tolist(), strict=True)),
        "verdict": majority_verdicts(counts, rule).tolist(),
        "complete": (counts.sum(axis=1) >= min_votes).tolist(),
    }
    names = names_of(VERDICT_COLUMNS)
    for row in zip(*(columns[name] for name in names), strict=True):
        yield dict(zip(names, row, strict=True))


def _counted(votes: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """A vote of every item, in the order of BY_ITEM, and how often each winner was said of it.

    All items are counted at once: with many models there are about as many pairs of them as votes.
    """
    winners = pd.Index(WINNERS).get_indexer(pd.Index(votes["winner"]))
    if (winners < 0).any():
        raise ValueError(f"winner must be one of {', '.join(WINNERS)}")
    items = votes.groupby(list(BY_ITEM), sort=True).ngroup().to_numpy()
    _, firsts = np.unique(items, return_index=True)
    cells = np.bincount(items * len(WINNERS) + winners, minlength=len(firsts) * len(WINNERS))
    return votes.iloc[firsts], cells.reshape(-1, len(WINNERS))
