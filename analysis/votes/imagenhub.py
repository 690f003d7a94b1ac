"""ImagenHub's human ratings (Ku et al. 2024, arXiv 2310.01596), turned into pairs.

A rater gave each model's picture for one sample two ratings of 0, 1/2 or 1: semantic consistency
(SC) and perceptual quality (PQ). Two models that one rater rated for one sample are a comparison
by that rater: the higher rating wins, equal ratings are a tie. Ratings of different raters are
never compared, because people use a scale differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

from annotations.tables.columns import KnownColumns

COLUMNS = ("uid", "model", "rater", "SC", "PQ")
AXES = {"SC": "semantic_consistency", "PQ": "perceptual_quality"}
KNOWN = (*COLUMNS, "task")
NOTE = "Ratings of ImagenHub: two models rated by one rater for one sample are a vote."
RATINGS = {"0": 0.0, "0.0": 0.0, "0.5": 0.5, "1": 1.0, "1.0": 1.0}

Numbered = tuple[int | str, dict[str, Any]]


class RatingError(ValueError):
    """A rating that is none; the message names its line."""


def are_ratings(columns: Sequence[str]) -> bool:
    """Whether a table with these columns holds ratings, and no votes."""
    named = {KnownColumns(KNOWN).named(column) for column in columns}
    return set(COLUMNS) <= named and "winner" not in columns


def paired(ratings: Iterable[Numbered]) -> Iterator[Numbered]:
    """One vote per rater, sample, pair of models and axis; named by the lines that it is made of.

    Raises
    ------
    RatingError
        A rating that is not 0, 0.5 or 1, or a picture that one rater rated twice.
    """
    given: dict[tuple[str, str, str], dict[str, Numbered]] = {}
    for line, row in ratings:
        _check(line, row)
        key = (row.get("task") or "", row["uid"], row["rater"])
        own = given.setdefault(key, {})
        if row["model"] in own:
            raise RatingError(
                f"line {line}: rater {row['rater']} rated {row['model']} for {row['uid']} before, "
                f"in line {own[row['model']][0]}"
            )
        own[row["model"]] = (line, row)
    for key, own in given.items():
        for model_a, model_b in combinations(sorted(own), 2):
            yield from _votes(key, own[model_a], own[model_b])


def _check(line: int | str, row: dict[str, Any]) -> None:
    for name in AXES:
        if row[name] not in RATINGS:
            raise RatingError(f"line {line}: {name} must be 0, 0.5 or 1, not {row[name]!r}")


def _votes(key: tuple[str, str, str], first: Numbered, second: Numbered) -> Iterator[Numbered]:
    task, uid, rater = key
    (line, a), (other_line, b) = first, second
    for name, axis in AXES.items():
        lead = RATINGS[a[name]] - RATINGS[b[name]]
        yield (
            f"{line} and {other_line}",
            {
                "prompt_id": f"{task} {uid}".strip(),
                "category": task,
                "axis": axis,
                "model_a": a["model"],
                "model_b": b["model"],
                "winner": "model_a" if lead > 0 else "model_b" if lead < 0 else "tie",
                "rater": rater,
            },
        )
