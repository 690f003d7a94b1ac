"""The votes of a study as whole numbers, one axis and model pair at a time.

A report counts thousands of pairs. Grouped, numbered and cut once for all of them, each is a few
small arrays; a table of texts for each would cost more than everything that is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.core.columns import WINNERS, parted

Ints = NDArray[np.int64]

UNKNOWN = -1
MANY, SPARSE = 5_000, 4
"""From how many numbers on sorting them is slow, and from how large a span for each of them a table
of all numbers between is too long.
"""
GROUPED_BY = ["protocol", "axis", "model_a", "model_b"]
_SIDES = {"left": 1, "right": 0}


class ModelPairName(NamedTuple):
    protocol: str
    axis: str
    model_a: str
    model_b: str


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """What numbers of a study stand for: the reasons of each kind of cell, and the categories."""

    reasons: tuple[tuple[str, ...], ...]
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ModelPairVotes:
    """The valid votes on one pair, one entry each, in the order of the table.

    Two pairs with equal numbers have equal results.

    Attributes
    ----------
    choices
        Places in WINNERS.
    prompts, comparisons, raters
        0 and up within the pair, in the order of the names; a rater may be UNKNOWN.
    a_left
        1 where A stood left, 0 where it stood right, or UNKNOWN.
    reasons, categories
        Places in the study's `Words`.
    started
        Nanoseconds since 1970; the least number there is where the vote does not say.
    """

    choices: Ints
    prompts: Ints
    comparisons: Ints
    raters: Ints
    a_left: Ints
    reasons: Ints
    categories: Ints
    started: Ints

    def __len__(self) -> int:
        return len(self.choices)

    @property
    def columns(self) -> tuple[Ints, ...]:
        return (
            self.choices,
            self.prompts,
            self.comparisons,
            self.raters,
            self.a_left,
            self.reasons,
            self.categories,
            self.started,
        )

    def where(self, kept: NDArray[np.bool_]) -> ModelPairVotes:
        return ModelPairVotes(*(column[kept] for column in self.columns))

    @property
    def content(self) -> bytes:
        """Equal for equal numbers."""
        return b"".join(column.tobytes() for column in self.columns)


def words_of(votes: pd.DataFrame) -> Words:
    cells, categories = (_numbered(votes[name])[1] for name in ("reasons", "category"))
    return Words(tuple(tuple(parted(cell)) for cell in cells), categories)


def model_pairs_of(votes: pd.DataFrame) -> tuple[list[ModelPairName], list[ModelPairVotes]]:
    """The pairs of a vote table in the order of their names, and the votes on each."""
    if votes.empty:
        return [], []
    columns = [_numbered(votes[name]) for name in GROUPED_BY]
    groups, count = np.zeros(len(votes), dtype=np.int64), 1
    for numbers, texts in columns:
        groups, count = numbered(groups * len(texts) + numbers)
    firsts = first_places(groups, count)
    named = ([texts[place] for place in numbers[firsts].tolist()] for numbers, texts in columns)
    names = [ModelPairName(*own) for own in zip(*named, strict=True)]
    order = np.argsort(groups, kind="stable")
    ends = np.cumsum(np.bincount(groups, minlength=len(names)))[:-1]
    parts = [np.split(column[order], ends) for column in _columns(votes, groups)]
    return names, [ModelPairVotes(*own) for own in zip(*parts, strict=True)]


def numbered(labels: ArrayLike) -> tuple[Ints, int]:
    """Labels as 0 .. k - 1 in ascending order of the labels, and k."""
    given = np.asarray(labels)
    if given.dtype.kind == "i":
        kinds, numbers = different(given)
        return numbers, len(kinds)
    numbers, kinds = pd.factorize(given, sort=True)
    return numbers, len(kinds)


def different(numbers: Ints) -> tuple[Ints, Ints]:
    """The different whole numbers in ascending order, and the place of each among them.

    As `np.unique`, which sorts: of a million votes that takes longer than all else.
    """
    if len(numbers) < MANY:
        return np.unique(numbers, return_inverse=True)
    least = numbers.min()
    span = int(numbers.max() - least) + 1
    if span > SPARSE * len(numbers):
        places, kinds = pd.factorize(numbers, sort=True)
        return kinds, places
    there = np.zeros(span, dtype=bool)
    there[numbers - least] = True
    return np.flatnonzero(there) + least, (np.cumsum(there) - 1)[numbers - least]


def first_places(numbers: Ints, kinds: int) -> Ints:
    """Where each of the numbers 0 .. kinds - 1 comes first."""
    places = np.empty(kinds, dtype=np.int64)
    places[numbers[::-1]] = np.arange(len(numbers))[::-1]
    return places


def _columns(votes: pd.DataFrame, groups: Ints) -> Iterator[Ints]:
    """The columns of `ModelPairVotes` for all votes, in the order of the table."""
    raters, names = _numbered(votes["rater"])
    known = np.array([bool(name) for name in names], dtype=bool)[raters]
    sides, texts = _numbered(votes["side_a"])
    yield pd.Index(WINNERS).get_indexer(pd.Index(votes["winner"])).astype(np.int64)
    yield _within(groups, _numbered(votes["prompt_id"])[0])
    yield _within(groups, _numbered(votes["comparison_id"])[0])
    yield np.where(known, _within(groups, raters), UNKNOWN)
    yield np.array([_SIDES.get(text, UNKNOWN) for text in texts], dtype=np.int64)[sides]
    yield _numbered(votes["reasons"])[0]
    yield _numbered(votes["category"])[0]
    yield votes["started_at"].to_numpy(dtype="datetime64[ns]").astype(np.int64)


def _numbered(column: pd.Series) -> tuple[Ints, tuple[str, ...]]:
    """Texts as places among the different ones, which come in alphabetical order."""
    numbers, kinds = pd.factorize(column, sort=True)
    return numbers.astype(np.int64), tuple(map(str, kinds))


def _within(groups: Ints, numbers: Ints) -> Ints:
    """Numbers from 0 within each group, in the same order."""
    width = numbers.max(initial=-1) + 1
    kinds, places = different(groups * width + numbers)
    begins = np.searchsorted(kinds, np.arange(groups.max(initial=-1) + 1) * width)
    within: Ints = places - begins[groups]
    return within
