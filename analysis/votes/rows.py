"""A study's judgments one by one, for files that are written while they are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce

from analysis.core.columns import WINNERS
from annotations.enums import Choice
from annotations.models import Judgment, Rater, Study

CHUNK = 2000
WINNER_OF = dict(zip(Choice.values, WINNERS, strict=True))


def judgment_rows(study: Study, *, last_judgment_id: int | None = None) -> Iterator[dict[str, Any]]:
    """One row per judgment in the public long form, in the order they were given.

    Raters are `rater-001` and so on, by order of arrival: the ids of panels stay inside.
    """
    names = rater_names(study)
    judgments = Judgment.objects.for_study(study.pk).order_by("pk")
    if last_judgment_id is not None:
        judgments = judgments.filter(pk__lte=last_judgment_id)
    records = _joined(judgments).iterator(chunk_size=CHUNK)
    while chunk := list(islice(records, CHUNK)):
        reasons = _reasons_between(chunk[0]["pk"], chunk[-1]["pk"])
        for record in chunk:
            yield _row(study, record, names[record["rater_id"]], reasons[record["pk"]])


def rater_names(study: Study) -> dict[int, str]:
    """What each rater is called in votes and exports, by primary key."""
    raters = Rater.objects.filter(study=study).order_by("pk").values_list("pk", flat=True)
    return {pk: f"rater-{number:03d}" for number, pk in enumerate(raters, start=1)}


def _joined(judgments: Any) -> Any:
    assignment, comparison = "assignment__", "assignment__comparison__"
    return judgments.values(
        "pk",
        "choice",
        "note",
        "reason_order",
        axis_key=F("axis__key"),
        rater_id=F(f"{assignment}rater"),
        side_a=F(f"{assignment}side_a"),
        started_at=Coalesce(F(f"{assignment}shown_at"), F(f"{assignment}leased_at")),
        submitted_at=F(f"{assignment}submitted_at"),
        excluded_at=F(f"{assignment}rater__excluded_at"),
        excluded_why=F(f"{assignment}rater__excluded_why"),
        comparison_id=F(f"{assignment}comparison"),
        prompt_key=F(f"{comparison}prompt__key"),
        prompt_text=F(f"{comparison}prompt__text"),
        category=F(f"{comparison}prompt__category"),
        model_a=F(f"{comparison}stimulus_a__model__name"),
        model_b=F(f"{comparison}stimulus_b__model__name"),
    )


def _row(study: Study, record: dict[str, Any], rater: str, reasons: list[str]) -> dict[str, Any]:
    # Two hosts may disagree by a little about the time.
    taken = max(timedelta(0), record["submitted_at"] - record["started_at"])
    return {
        "study": study.slug,
        "comparison_id": str(record["comparison_id"]),
        "prompt_id": record["prompt_key"],
        "prompt": record["prompt_text"],
        "category": record["category"],
        "axis": record["axis_key"],
        "model_a": record["model_a"],
        "model_b": record["model_b"],
        "winner": WINNER_OF[record["choice"]],
        "reasons": ";".join(reasons),
        "note": record["note"],
        "rater": rater,
        "side_a": record["side_a"],
        "protocol": study.protocol,
        "is_gold": False,
        "excluded": record["excluded_at"] is not None,
        "excluded_why": record["excluded_why"],
        "started_at": record["started_at"],
        "submitted_at": record["submitted_at"],
        "duration_ms": taken // timedelta(milliseconds=1),
        "played_a": "",
        "played_b": "",
        "reason_order": ";".join(record["reason_order"]),
    }


def _reasons_between(first: int, last: int) -> defaultdict[int, list[str]]:
    """The reasons of the judgments from one to another, in the order of the question."""
    through: Any = Judgment.reasons.through
    ticked = through.objects.filter(judgment__gte=first, judgment__lte=last)
    ordered = ticked.order_by("reason__position", "reason")
    reasons: defaultdict[int, list[str]] = defaultdict(list)
    for judgment, key in ordered.values_list("judgment", "reason__key"):
        reasons[judgment].append(key)
    return reasons
