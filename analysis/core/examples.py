"""Comparisons that a report shows as examples: chosen by a rule and a seed, never by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import prod

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core.columns import WINNERS, parted

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
    if votes.empty:
        return ()
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
    counts, names = _counts(votes)
    total = counts.sum(axis=2)
    pairs = total * (total - 1)
    alike = (counts * (counts - 1)).sum(axis=2)
    judged = np.maximum((total > 0).sum(axis=1), 1)
    lead = (counts[:, :, 0] - counts[:, :, 1]) / np.maximum(total, 1)
    items = pd.DataFrame(
        {
            "lead": lead.sum(axis=1) / judged,
            "disagreement": ((pairs - alike) / np.maximum(pairs, 1)).sum(axis=1) / judged,
        },
        index=pd.Index(names, dtype=object),
    )
    named = votes.drop_duplicates("comparison_id")
    for model in ("model_a", "model_b"):
        items[model] = pd.Series(
            named[model].to_numpy(dtype=object), named["comparison_id"].astype(object)
        )
    enough: pd.DataFrame = items[((total >= min_votes) | (total == 0)).all(axis=1)]
    return enough


def _counts(votes: pd.DataFrame) -> tuple[NDArray[np.int64], list[str]]:
    """Votes by comparison, axis and choice (A, B, tie), and the comparisons in alphabetical order.

    Whole numbers throughout: grouping a million texts would take longer than all the rest.
    """
    comparisons, names = pd.factorize(votes["comparison_id"], sort=True)
    axes, kinds = pd.factorize(votes["axis"])
    choices = pd.Index(WINNERS).get_indexer(pd.Index(votes["winner"]))
    shape = (len(names), len(kinds), len(WINNERS))
    cells = np.ravel_multi_index((comparisons, axes, choices), shape)
    return np.bincount(cells, minlength=prod(shape)).reshape(shape), list(map(str, names))


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
                reasons=tuple(parted(vote["reasons"])),
                note=vote["note"],
            )
            for vote in own
        ),
    )
