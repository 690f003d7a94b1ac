"""Comparisons that a report shows as examples: chosen by a rule and a seed, never by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from analysis.core.items import count_choices

EXAMPLES = 6
MODELS = 3
DIVIDED = 2


class Why(StrEnum):
    CLEAREST = "clearest"
    """The one that `model` won by the widest mean lead over the axes."""
    DIVIDED = "divided"
    """One of the two with the highest mean disagreement over the axes."""
    DRAWN = "drawn"
    """Drawn at random."""


@dataclass(frozen=True, slots=True)
class ExampleVote:
    axis: str
    rater: str
    winner: str
    reasons: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Example:
    """A comparison, why it is shown, and all its valid votes; `model` is that of a clearest win."""

    why: Why
    model: str | None
    comparison_id: str
    prompt_id: str
    prompt: str
    category: str
    model_a: str
    model_b: str
    votes: tuple[ExampleVote, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    why: Why
    model: str | None
    comparison_id: str


def choose_examples(votes: pd.DataFrame, *, min_votes: int, seed: int) -> tuple[Example, ...]:
    """At most six comparisons with all their votes, each once.

    The clearest win of each model (of three drawn by lot, where there are more); the two on which
    votes are most divided; others at random. Equal ones are decided by lot.

    Parameters
    ----------
    votes
        The valid votes of a study.
    min_votes
        Votes that a comparison wants on each axis on which it was judged.
    """
    rng = np.random.default_rng(seed)
    items = _items(votes, min_votes).sample(frac=1, random_state=rng)
    models = sorted({*votes["model_a"], *votes["model_b"]})
    drawn = models if len(models) <= MODELS else sorted(rng.permutation(models)[:MODELS].tolist())
    chosen: list[_Choice] = []
    for choices in (_clearest(items, drawn), _divided(items), _others(items)):
        for choice in choices:
            known = {one.comparison_id for one in chosen}
            if choice.comparison_id not in known and len(chosen) < EXAMPLES:
                chosen.append(choice)
    ids = {choice.comparison_id for choice in chosen}
    shown = votes[votes["comparison_id"].isin(ids)]
    return tuple(_example(choice, shown) for choice in chosen)


def _items(votes: pd.DataFrame, min_votes: int) -> pd.DataFrame:
    """Complete comparisons by id: models, and mean lead of A and disagreement over the axes."""
    by_axis = [count_choices(group) for _, group in votes.groupby("axis", sort=True)]
    if not by_axis:
        return pd.DataFrame(columns=["lead", "disagreement", "model_a", "model_b"])
    counts = pd.concat(by_axis).droplevel("prompt_id")
    total = counts.sum(axis=1)
    pairs = (total * (total - 1)).where(total > 1)
    alike = (counts * (counts - 1)).sum(axis=1)
    measures = pd.DataFrame(
        {
            "lead": (counts["model_a"] - counts["model_b"]) / total,
            "disagreement": (1 - alike / pairs).fillna(0.0),
            "complete": total >= min_votes,
        }
    )
    items = measures.groupby(level="comparison_id", sort=True).agg(
        {"lead": "mean", "disagreement": "mean", "complete": "all"}
    )
    named = votes.drop_duplicates("comparison_id").set_index("comparison_id")
    return items[items["complete"]].join(named[["model_a", "model_b"]])


def _clearest(items: pd.DataFrame, models: list[str]) -> Iterator[_Choice]:
    for model in models:
        signs = items["model_a"].eq(model).astype(int) - items["model_b"].eq(model).astype(int)
        leads = (items["lead"] * signs).astype(float)
        if len(leads) and leads.max() > 0:
            yield _Choice(Why.CLEAREST, model, str(leads.idxmax()))


def _divided(items: pd.DataFrame) -> Iterator[_Choice]:
    split = items["disagreement"].astype(float)
    for name in split[split.gt(0)].nlargest(DIVIDED).index:
        yield _Choice(Why.DIVIDED, None, str(name))


def _others(items: pd.DataFrame) -> Iterator[_Choice]:
    for name in items.index[: 2 * EXAMPLES]:
        yield _Choice(Why.DRAWN, None, name)


def _example(choice: _Choice, votes: pd.DataFrame) -> Example:
    own = votes[votes["comparison_id"].eq(choice.comparison_id)].to_dict("records")
    first = own[0]
    return Example(
        why=choice.why,
        model=choice.model,
        comparison_id=choice.comparison_id,
        prompt_id=first["prompt_id"],
        prompt=first["prompt"],
        category=first["category"],
        model_a=first["model_a"],
        model_b=first["model_b"],
        votes=tuple(
            ExampleVote(
                axis=vote["axis"],
                rater=vote["rater"],
                winner=vote["winner"],
                reasons=tuple(filter(None, map(str.strip, vote["reasons"].split(";")))),
                note=vote["note"],
            )
            for vote in own
        ),
    )
