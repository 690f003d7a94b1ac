"""How a judgment of the database becomes a vote: the rules that both readers of it ask.

`columns` reads all judgments of a study at once, for reports; `parts` some thousand at a time and
without pandas, for files that are written while they are read. What a column of the vote table
holds is said here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce

from analysis.core.columns import WINNERS
from annotations.enums import Choice
from annotations.models import Judgment, Rater, Reason, Study
from annotations.models.rating import JudgmentQuerySet

WINNER_OF = dict(zip(Choice.values, WINNERS, strict=True))
OF_PROMPT = {"prompt_id": "key", "prompt": "text", "category": "category"}
OF_MODELS = {"model_a": "stimulus_a__model", "model_b": "stimulus_b__model"}
"""Columns, and from which field of the prompt or of the comparison they come."""


@dataclass(frozen=True, slots=True)
class VoteRater:
    """What votes say of who judged; `why` is empty unless the rater is excluded."""

    name: str
    excluded: bool
    why: str


def judgments_of(study: Study, last_judgment_id: int | None) -> JudgmentQuerySet:
    """The judgments that are votes, in the order they were given, up to and including one."""
    judgments = Judgment.objects.for_study(study.pk).order_by("pk")
    return judgments if last_judgment_id is None else judgments.filter(pk__lte=last_judgment_id)


def raters_of(study: Study) -> dict[int, VoteRater]:
    """Each rater by primary key, as `rater-001` and so on by order of arrival.

    The ids of panels stay inside.
    """
    raters = Rater.objects.filter(study=study).order_by("pk")
    told = raters.values_list("pk", "excluded_at", "excluded_why")
    return {
        pk: VoteRater(f"rater-{number:03d}", at is not None, why if at else "")
        for number, (pk, at, why) in enumerate(told, start=1)
    }


def rater_names(study: Study) -> dict[int, str]:
    """What each rater is called in votes and exports, by primary key."""
    return {pk: rater.name for pk, rater in raters_of(study).items()}


def reasons_asked(study: Study) -> Iterator[tuple[int, int, str]]:
    """Primary key, axis and key of every reason, in the order of the question."""
    own = Reason.objects.filter(axis__study=study).order_by("position", "pk")
    return own.values_list("pk", "axis", "key").iterator()


def begun(path: str = "") -> Coalesce:
    """When an assignment was begun; `path` leads to it."""
    return Coalesce(F(f"{path}shown_at"), F(f"{path}leased_at"))


def whole_milliseconds(begun_at: Any, ended_at: Any) -> Any:
    """From one time to another, of single times or of columns of them.

    Two hosts may disagree by a little about the time, so that it is never below 0.
    """
    taken = (ended_at - begun_at) // timedelta(milliseconds=1)
    return taken * (taken > 0)
