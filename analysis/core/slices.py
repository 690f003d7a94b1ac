"""Win rates within categories of prompts, with p values that are adjusted for looking at many."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from analysis.core.settings import MajorityRule
from analysis.core.significance import holm, prompt_t_test, sign_test
from analysis.core.verdicts import majority_verdicts
from analysis.core.win_rates import WinRate, scores_for_a, win_rate_of_verdicts

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
    categories = named.reindex(complete.index.get_level_values("prompt_id")).to_numpy()
    rates = [
        _rate(str(category), group, rule, confidence)
        for category, group in complete.groupby(categories, sort=True)
    ]
    adjusted = holm([one.p_value for one in rates])
    return tuple(
        replace(one, holm_p_value=p_value) for one, p_value in zip(rates, adjusted, strict=True)
    )


def _rate(
    category: str, complete: pd.DataFrame, rule: MajorityRule, confidence: float
) -> CategoryRate:
    verdicts = pd.Series(majority_verdicts(complete.to_numpy(), rule))
    prompts = pd.Series(complete.index.get_level_values("prompt_id"))
    rate = win_rate_of_verdicts(verdicts, prompts, confidence)
    return CategoryRate(
        category=category,
        prompts=prompts.nunique(),
        win_rate=rate,
        p_value=_p_value(verdicts, prompts, rate),
    )


def _p_value(verdicts: pd.Series, prompts: pd.Series, rate: WinRate) -> float | None:
    if prompts.is_unique:
        return sign_test(rate.wins, rate.losses).p_value
    return prompt_t_test(scores_for_a(verdicts).groupby(prompts.to_numpy()).mean()).p_value
