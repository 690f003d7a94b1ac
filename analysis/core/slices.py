"""Win rates within categories of prompts, with p values that are adjusted for looking at many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.core.model_pair_votes import Ints
from analysis.core.settings import MajorityRule
from analysis.core.significance import holm
from analysis.core.verdicts import verdict_places
from analysis.core.win_rates import WinRate, preference_test, win_rate_of_places

MIN_CATEGORIES = 2


@dataclass(frozen=True, slots=True)
class CategoryRate:
    """The win rate of A over the complete comparisons of one category.

    `p_value` is that of the whole pair's test (exact sign test, or a t test over prompts where
    they have several comparisons); `holm_p_value` is adjusted over the categories of the pair and
    axis. It is taken out where a single look is not yet due.
    """

    category: str
    prompts: int
    win_rate: WinRate
    p_value: float | None
    holm_p_value: float | None = None


def rates_by_category(
    votes: pd.DataFrame,
    complete: pd.DataFrame,
    rule: MajorityRule,
    *,
    confidence: float = 0.95,
) -> tuple[CategoryRate, ...]:
    """One row per category, by name; none where prompts have fewer than two categories.

    Parameters
    ----------
    votes
        Valid votes of one axis, protocol and model pair.
    complete
        Their complete comparisons: counts of model_a, model_b and tie, by prompt_id and
        comparison_id.

    Notes
    -----
    A prompt belongs to the category that its votes name; prompts without one are a category of
    their own, with an empty name.
    """
    named = votes.drop_duplicates("prompt_id").set_index("prompt_id")["category"]
    if named.nunique() < MIN_CATEGORIES or complete.empty:
        return ()
    prompts = complete.index.get_level_values("prompt_id")
    numbers, names = pd.factorize(named.reindex(prompts), sort=True)
    verdicts = verdict_places(complete.to_numpy(), rule)
    return rates_of_categories(
        verdicts, pd.factorize(prompts)[0], numbers, tuple(map(str, names)), confidence
    )


def rates_of_categories(
    verdicts: Ints, prompts: Ints, categories: Ints, names: Sequence[str], confidence: float = 0.95
) -> tuple[CategoryRate, ...]:
    """The same from numbers, one per complete comparison; verdicts are places in WINNERS.

    Parameters
    ----------
    names
        What the numbers of the categories stand for, in alphabetical order.
    """
    rates = [
        _rate(names[category], verdicts[own], prompts[own], confidence)
        for category in np.unique(categories).tolist()
        if len(own := np.flatnonzero(categories == category))
    ]
    adjusted = holm([one.p_value for one in rates])
    return tuple(
        replace(one, holm_p_value=p_value) for one, p_value in zip(rates, adjusted, strict=True)
    )


def _rate(category: str, verdicts: Ints, prompts: Ints, confidence: float) -> CategoryRate:
    rate = win_rate_of_places(verdicts, prompts, confidence)
    test = preference_test(verdicts, prompts, rate)
    return CategoryRate(category, len(np.unique(prompts)), rate, test.p_value)
