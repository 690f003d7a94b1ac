"""Where raters disagree most, and the prompts on which models differ most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Split:
    """The votes on one comparison and axis.

    Attributes
    ----------
    disagreement
        Share of pairs of its votes that differ, 0 (all alike) to 1: one minus the pairwise
        agreement of the comparison.
    lead
        Votes for A less votes for B, over all its votes: -1 to 1.
    """

    comparison_id: str
    prompt_id: str
    axis: str
    model_a: str
    model_b: str
    votes_a: int
    votes_b: int
    ties: int
    disagreement: float
    lead: float


def split_of(row: Mapping[str, Any]) -> Split:
    """From a row of `decided_comparisons`."""
    counts = (row["votes_a"], row["votes_b"], row["ties"])
    total = sum(counts)
    pairs = total * (total - 1)
    alike = sum(count * (count - 1) for count in counts)
    return Split(
        comparison_id=row["comparison_id"],
        prompt_id=row["prompt_id"],
        axis=row["axis"],
        model_a=row["model_a"],
        model_b=row["model_b"],
        votes_a=counts[0],
        votes_b=counts[1],
        ties=counts[2],
        disagreement=1 - alike / pairs if pairs else 0.0,
        lead=(counts[0] - counts[1]) / total if total else 0.0,
    )


def most_disagreement(rows: Iterable[Mapping[str, Any]]) -> list[Split]:
    """Comparisons with two votes or more, the most split first; then by their ids."""
    splits = [split_of(row) for row in rows if row["votes_a"] + row["votes_b"] + row["ties"] > 1]
    return sorted(splits, key=lambda one: (-one.disagreement, one.comparison_id, one.axis))


def widest_lead(rows: Iterable[Mapping[str, Any]]) -> list[Split]:
    """Comparisons on which one model is furthest ahead first."""
    splits = [split_of(row) for row in rows if row["complete"]]
    return sorted(splits, key=lambda one: (-abs(one.lead), one.comparison_id, one.axis))
