"""What a report says where votes of one axis and model pair come from several protocols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.core.agreement import SplitCount, count_splits
from analysis.core.items import complete_items, count_choices
from analysis.core.protocol_arms import ArmDifference, compare_arms


@dataclass(frozen=True, slots=True)
class ProtocolComparison:
    """Agreement under two protocols on one axis and model pair; differences are first - second.

    `same_items` where at least half of the complete comparisons of the smaller arm are complete
    in the other too: those are paired, and the rest is left out. The numbers of comparisons are
    those compared.
    """

    axis: str
    model_a: str
    model_b: str
    first_protocol: str
    second_protocol: str
    first_comparisons: int
    second_comparisons: int
    same_items: bool
    first_splits: tuple[SplitCount, ...]
    second_splits: tuple[SplitCount, ...]
    differences: tuple[ArmDifference, ...]


def protocol_comparisons(
    votes: pd.DataFrame,
    *,
    min_votes: int,
    categories: Sequence[str],
    seed: int,
    draws: int = 10_000,
    confidence: float = 0.95,
) -> tuple[ProtocolComparison, ...]:
    """Every two protocols of every model pair, over complete comparisons.

    Parameters
    ----------
    votes
        Valid votes of one axis.
    categories
        The winners that a rater could choose.
    seed
        Of the relabelings and resamples, anew for each comparison.
    """
    found: list[ProtocolComparison] = []
    if votes["protocol"].nunique() < 2:
        return ()
    for _, own in votes.groupby(["model_a", "model_b"], sort=True):
        items = {
            str(protocol): complete_items(count_choices(arm), min_votes)[list(categories)]
            for protocol, arm in own.groupby("protocol", sort=True)
        }
        for names in combinations(items, 2):
            first, second, same_items = _matched(*(items[name] for name in names))
            differences = compare_arms(
                first,
                second,
                same_items=same_items,
                first_prompts=_prompts(first),
                second_prompts=None if same_items else _prompts(second),
                rng=np.random.default_rng(seed),
                draws=draws,
                confidence=confidence,
            )
            found.append(
                ProtocolComparison(
                    axis=own["axis"].iloc[0],
                    model_a=own["model_a"].iloc[0],
                    model_b=own["model_b"].iloc[0],
                    first_protocol=names[0],
                    second_protocol=names[1],
                    first_comparisons=len(first),
                    second_comparisons=len(second),
                    same_items=same_items,
                    first_splits=count_splits(first.to_numpy(dtype=float)),
                    second_splits=count_splits(second.to_numpy(dtype=float)),
                    differences=differences,
                )
            )
    return tuple(found)


def _matched(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, bool]:
    common = first.index.intersection(second.index)
    if not len(common) or 2 * len(common) < min(len(first), len(second)):
        return first, second, False
    return first.loc[common], second.loc[common], True


def _prompts(items: pd.DataFrame) -> pd.Index:
    return items.index.get_level_values("prompt_id")
