"""A study's judgments one by one, for files that are written while they are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.db.models import F

from analysis.core.columns import joined
from analysis.votes.judged import (
    OF_MODELS,
    OF_PROMPT,
    WINNER_OF,
    VoteRater,
    begun,
    judgments_of,
    raters_of,
    reasons_asked,
    whole_milliseconds,
)
from annotations.models import Judgment, Study

CHUNK = 2000
ASSIGNMENT = "assignment__"
COMPARISON = "assignment__comparison__"


def judgment_rows(study: Study, *, last_judgment_id: int | None = None) -> Iterator[dict[str, Any]]:
    """One row per judgment in the public long form, in the order they were given."""
    raters = raters_of(study)
    asked = {pk: key for pk, _, key in reasons_asked(study)}
    records = _with_names(judgments_of(study, last_judgment_id)).iterator(chunk_size=CHUNK)
    while chunk := list(islice(records, CHUNK)):
        ticked = _ticked_between(chunk[0]["pk"], chunk[-1]["pk"])
        for record in chunk:
            own = ticked[record["pk"]]
            reasons = joined(key for pk, key in asked.items() if pk in own)
            yield _row(study, record, raters[record["rater_id"]], reasons)


def _with_names(judgments: Any) -> Any:
    return judgments.values(
        "pk",
        "choice",
        "note",
        "reason_order",
        axis_key=F("axis__key"),
        rater_id=F(f"{ASSIGNMENT}rater"),
        side_a=F(f"{ASSIGNMENT}side_a"),
        started_at=begun(ASSIGNMENT),
        submitted_at=F(f"{ASSIGNMENT}submitted_at"),
        comparison_id=F(f"{ASSIGNMENT}comparison"),
        **{name: F(f"{COMPARISON}prompt__{field}") for name, field in OF_PROMPT.items()},
        **{name: F(f"{COMPARISON}{field}__name") for name, field in OF_MODELS.items()},
    )


def _row(study: Study, record: dict[str, Any], rater: VoteRater, reasons: str) -> dict[str, Any]:
    own = ("side_a", "note", "started_at", "submitted_at")
    return {
        **{name: record[name] for name in (*own, *OF_PROMPT, *OF_MODELS)},
        "study": study.slug,
        "comparison_id": str(record["comparison_id"]),
        "axis": record["axis_key"],
        "winner": WINNER_OF[record["choice"]],
        "reasons": reasons,
        "rater": rater.name,
        "protocol": study.protocol,
        "is_gold": False,
        "excluded": rater.excluded,
        "excluded_why": rater.why,
        "duration_ms": whole_milliseconds(record["started_at"], record["submitted_at"]),
        "played_a": "",
        "played_b": "",
        "reason_order": joined(record["reason_order"]),
    }


def _ticked_between(first: int, last: int) -> defaultdict[int, set[int]]:
    """The reasons of the judgments from one to another, by primary keys."""
    through: Any = Judgment.reasons.through
    ticked = through.objects.filter(judgment__gte=first, judgment__lte=last)
    reasons: defaultdict[int, set[int]] = defaultdict(set)
    for judgment, reason in ticked.values_list("judgment", "reason"):
        reasons[judgment].add(reason)
    return reasons
