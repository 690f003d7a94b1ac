"""Votes counted per comparison."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core.columns import WINNERS
from analysis.core.model_pair_votes import Ints, ModelPairVotes, different


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """Comparisons of a model pair, in the order of their prompts and names.

    Attributes
    ----------
    prompts
        The number of each comparison's prompt.
    counts
        Comparisons x (model_a, model_b, tie).
    of_votes
        The place of each vote's comparison.
    """

    prompts: Ints
    counts: Ints
    of_votes: Ints

    def complete(self, min_votes: int) -> NDArray[np.bool_]:
        """Which have as many votes as a verdict wants: see `complete_items`."""
        enough: NDArray[np.bool_] = self.counts.sum(axis=1) >= min_votes
        return enough


def items_of(votes: ModelPairVotes) -> Items:
    """The comparisons of a model pair, counted as by `count_choices`."""
    width = votes.comparisons.max(initial=0) + 1
    kinds, places = different(votes.prompts * width + votes.comparisons)
    cells = np.bincount(places * len(WINNERS) + votes.choices, minlength=len(kinds) * len(WINNERS))
    return Items(kinds // width, cells.reshape(-1, len(WINNERS)), places)


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
