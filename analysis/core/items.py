"""Votes counted per comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.core.columns import WINNERS


def count_choices(votes: pd.DataFrame) -> pd.DataFrame:
    """Votes by (prompt_id, comparison_id) x (model_a, model_b, tie), in the order of the names."""
    items = votes.groupby(["prompt_id", "comparison_id"], sort=True)
    choices = pd.Index(WINNERS).get_indexer(pd.Index(votes["winner"]))
    if (choices < 0).any():
        raise ValueError(f"winner must be one of {', '.join(WINNERS)}")
    size = items.ngroups * len(WINNERS)
    cells = np.bincount(items.ngroup().to_numpy() * len(WINNERS) + choices, minlength=size)
    table, names = cells.reshape(-1, len(WINNERS)), pd.Index(WINNERS)
    return pd.DataFrame(table, index=items.size().index, columns=names)


def complete_items(counts: pd.DataFrame, min_votes: int) -> pd.DataFrame:
    """Comparisons with as many votes as a verdict wants.

    Those that are decided already but lack votes are left out too: clear ones are decided sooner.
    """
    return counts[counts.sum(axis=1) >= min_votes]
