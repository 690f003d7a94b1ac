"""How the votes of each comparison are split, counted by the database."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q

from annotations.enums import Choice
from annotations.models import Judgment, Study


def vote_counts(study: Study, axis: str = "", category: str = "") -> list[dict[str, Any]]:
    """Votes for a, for b and ties by comparison and axis, of raters who are not excluded."""
    votes = Judgment.objects.for_study(study.pk).filter(assignment__rater__excluded_at=None)
    if axis:
        votes = votes.filter(axis__key=axis)
    if category:
        votes = votes.filter(assignment__comparison__prompt__category=category)
    comparison = "assignment__comparison"
    counted = votes.order_by().values(
        comparison,
        "axis__key",
        f"{comparison}__prompt__key",
        f"{comparison}__stimulus_a__model__name",
        f"{comparison}__stimulus_b__model__name",
    )
    counts = {choice: Count("pk", filter=Q(choice=choice)) for choice in Choice.values}
    return [
        {
            "comparison_id": str(row[comparison]),
            "prompt_id": row[f"{comparison}__prompt__key"],
            "axis": row["axis__key"],
            "model_a": row[f"{comparison}__stimulus_a__model__name"],
            "model_b": row[f"{comparison}__stimulus_b__model__name"],
            "votes_a": row["n_a"],
            "votes_b": row["n_b"],
            "ties": row["n_tie"],
            "complete": row["n_a"] + row["n_b"] + row["n_tie"] >= study.raters_per_comparison,
        }
        for row in counted.annotate(**{f"n_{choice}": count for choice, count in counts.items()})
    ]
