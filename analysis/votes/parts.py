"""A study's judgments in parts, for files that are written while they are read.

A part is put into words column by column, for most of a column are the same few texts and times.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from django.db.models import CharField, F
from django.db.models.functions import Cast

from analysis.core.columns import ROWS_PER_PART, Part, joined
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
from annotations.models import Axis, GenerativeModel, Judgment, Study
from annotations.models.rating import JudgmentQuerySet

ASSIGNMENT = "assignment__"
COMPARISON = "assignment__comparison__"
TOLD = (
    *("pk", "axis", "choice", "note", "shown", "rater", "side_a", "started", "sent", "comparison"),
    *OF_PROMPT,
    *OF_MODELS,
)

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Words:
    """What stands for the primary keys of a study's judgments.

    `reasons` are in the order of the question.
    """

    study: Study
    raters: Mapping[int, VoteRater]
    axes: Mapping[int, str]
    models: Mapping[int, str]
    reasons: Mapping[int, str]


def judgment_parts(study: Study, *, last_judgment_id: int | None = None) -> Iterator[Part]:
    """The judgments in the public long form, in the order they were given."""
    words = _Words(
        study=study,
        raters=raters_of(study),
        axes=dict(Axis.objects.filter(study=study).values_list("pk", "key")),
        models=dict(GenerativeModel.objects.values_list("pk", "name")),
        reasons={pk: key for pk, _, key in reasons_asked(study)},
    )
    records = _told(judgments_of(study, last_judgment_id)).iterator(chunk_size=ROWS_PER_PART)
    while chunk := list(islice(records, ROWS_PER_PART)):
        yield _part(dict(zip(TOLD, zip(*chunk, strict=True), strict=True)), words)


def _told(judgments: JudgmentQuerySet) -> Any:
    """The fields of TOLD. Lists and times are texts: made once of those that are the same."""
    return judgments.annotate(
        shown=Cast("reason_order", CharField()),
        rater=F(f"{ASSIGNMENT}rater"),
        side_a=F(f"{ASSIGNMENT}side_a"),
        started=Cast(begun(ASSIGNMENT), CharField()),
        sent=Cast(f"{ASSIGNMENT}submitted_at", CharField()),
        comparison=F(f"{ASSIGNMENT}comparison"),
        **{name: F(f"{COMPARISON}prompt__{field}") for name, field in OF_PROMPT.items()},
        **{name: F(f"{COMPARISON}{field}") for name, field in OF_MODELS.items()},
    ).values_list(*TOLD)


def _part(told: Mapping[str, tuple[Any, ...]], words: _Words) -> Part:
    """The columns of the long form from what was read."""
    judgments = told["pk"]
    raters = [words.raters[pk] for pk in told["rater"]]
    # The answers to all questions about a comparison are sent together, at the same times.
    times = _each(list(zip(told["started"], told["sent"], strict=True)), _times)
    started_at, submitted_at, taken = zip(*times, strict=True)
    same = {
        "study": words.study.slug,
        "protocol": words.study.protocol,
        "is_gold": False,
        "played_a": "",
        "played_b": "",
    }
    return {
        **{name: [value] * len(judgments) for name, value in same.items()},
        **{name: told[name] for name in ("side_a", "note", *OF_PROMPT)},
        **{name: [words.models[one] for one in told[name]] for name in OF_MODELS},
        "comparison_id": list(map(str, told["comparison"])),
        "axis": [words.axes[one] for one in told["axis"]],
        "winner": [WINNER_OF[one] for one in told["choice"]],
        "reasons": _reasons(judgments, words.reasons),
        "rater": [rater.name for rater in raters],
        "excluded": [rater.excluded for rater in raters],
        "excluded_why": [rater.why for rater in raters],
        "started_at": started_at,
        "submitted_at": submitted_at,
        "duration_ms": taken,
        "reason_order": _each(told["shown"], lambda keys: joined(json.loads(keys))),
    }


def _each(values: Sequence[K], meaning: Callable[[K], T]) -> list[T]:
    """What each value means, made once for each different one."""
    meanings = {value: meaning(value) for value in set(values)}
    return [meanings[value] for value in values]


def _times(told: tuple[str, str]) -> tuple[datetime, datetime, int]:
    """When it was begun and sent, and the milliseconds between."""
    begun_at, sent_at = map(_moment, told)
    return begun_at, sent_at, whole_milliseconds(begun_at, sent_at)


def _moment(text: str) -> datetime:
    """A time as the database writes it: always UTC, whether it says so or not."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _reasons(judgments: Sequence[int], keys: Mapping[int, str]) -> list[str]:
    """The reasons of these judgments as text, in the order of `keys`.

    Those of a judgment are one whole number, a bit for each reason.
    """
    bits = {reason: 1 << place for place, reason in enumerate(keys)}
    through: Any = Judgment.reasons.through
    ticked = through.objects.filter(judgment__gte=judgments[0], judgment__lte=judgments[-1])
    masks: defaultdict[int, int] = defaultdict(int)
    for judgment, reason in ticked.values_list("judgment", "reason"):
        masks[judgment] |= bits.get(reason, 0)

    def text(mask: int) -> str:
        return joined(
            key for bit, key in zip(bits.values(), keys.values(), strict=True) if mask & bit
        )

    return _each([masks[judgment] for judgment in judgments], text)
