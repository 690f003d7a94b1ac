"""The stages of a comparison: which questions are open, and what a rater may see by now.

The prompt stays hidden until every question that must not see it is answered. Afterwards those
answers stand, and the others can be changed for a while.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from annotations.enums import (
    AssignmentState,
    CheckRole,
    Choice,
    Protocol,
    ReasonOrder,
    Side,
    TiePolicy,
)
from annotations.models import Assignment, Axis, Rater, Reason, Study
from annotations.models.checks import BEFORE_START
from annotations.services.rating.weaving import rng_of
from annotations.services.studies.frozen import wording_of

MAX_NOTE_LENGTH = 2000


@dataclass(frozen=True)
class Answer:
    """What a rater said on one axis; `choice` is the side pressed, or `tie`."""

    axis: str
    choice: str = ""
    reasons: tuple[str, ...] = ()
    note: str = ""


def axes_of(study: Study) -> list[Axis]:
    return list(wording_of(study).axes)


def allowed_choices(study: Study) -> list[str]:
    sides = [Side.LEFT.value, Side.RIGHT.value]
    return [*sides, Choice.TIE.value] if study.tie_policy == TiePolicy.ALLOWED else sides


def needs_reason(study: Study) -> bool:
    return study.protocol == Protocol.JUICE


def reasons_in_order(axis: Axis, rater: Rater) -> list[Reason]:
    """The reasons of an axis as this rater sees them, at every comparison alike."""
    reasons = list(axis.reasons.all())
    if rater.study.reason_order == ReasonOrder.RANDOM:
        rng_of(rater, f"reasons/{axis.key}").shuffle(reasons)
    return reasons


def open_axes(assignment: Assignment, axes: Sequence[Axis]) -> list[Axis]:
    """The axes that can be answered now: the blind ones first, then the others."""
    if assignment.draft is None:
        blind = [axis for axis in axes if not axis.shows_prompt]
        return blind or list(axes)
    return revisable_axes(assignment, axes)


def revisable_axes(assignment: Assignment, axes: Sequence[Axis]) -> list[Axis]:
    """The axes whose answers may still change: not those from before the prompt was shown."""
    return [axis for axis in axes if axis.key not in drafted_keys(assignment)]


def shows_prompt(assignment: Assignment, axes: Sequence[Axis]) -> bool:
    """Whether the rater may see the prompt now."""
    return any(axis.shows_prompt for axis in open_axes(assignment, axes))


def is_last_stage(assignment: Assignment, axes: Sequence[Axis]) -> bool:
    """Whether the open axes are all that is still to be answered."""
    return len(open_axes(assignment, axes)) + len(drafted_keys(assignment)) == len(axes)


def drafted_keys(assignment: Assignment) -> set[str]:
    return {answer["axis"] for answer in assignment.draft or []}


def drafted_answers(assignment: Assignment) -> list[Answer]:
    return [_answer_from_json(raw) for raw in assignment.draft or []]


def given_answers(assignment: Assignment) -> list[Answer]:
    """The answers of a submitted assignment, as sides."""
    judgments = assignment.judgments.select_related("axis").prefetch_related("reasons")
    return [
        Answer(
            axis=judgment.axis.key,
            choice=assignment.side_of_choice(judgment.choice),
            reasons=tuple(reason.key for reason in judgment.reasons.all()),
            note=judgment.note,
        )
        for judgment in judgments
    ]


def previous_assignment(*, rater: Rater, now: datetime) -> Assignment | None:
    """The comparison that the rater judged last, while it may still be changed.

    Never one from before the start: its answer has been told.
    """
    own = rater.assignments.submitted().with_stimuli()
    last = own.order_by("-submitted_at", "-pk").first()
    return last if last is not None and is_revisable(last, now=now) else None


def is_revisable(assignment: Assignment, *, now: datetime) -> bool:
    check, study = assignment.comparison.of_check, assignment.comparison.study
    if assignment.state != AssignmentState.SUBMITTED:
        return False
    return may_change(study, assignment.submitted_at, check.role if check else None, now=now)


def may_change(
    study: Study, submitted_at: datetime | None, role: str | None, *, now: datetime
) -> bool:
    """Whether an answer given then may be changed now; `role` is that of its check, if any."""
    if submitted_at is None or role in BEFORE_START:
        return False
    return now < submitted_at + timedelta(minutes=study.revise_minutes)


def is_explained(assignment: Assignment) -> bool:
    """Whether the rater is told the answer once they have given theirs."""
    check = assignment.comparison.of_check
    return check is not None and check.role == CheckRole.PRACTICE


def may_see_clips(assignment: Assignment, *, now: datetime) -> bool:
    """Whether the rater may load the clips: under a live lease, to revise, or to learn."""
    if assignment.state == AssignmentState.LEASED:
        return assignment.lease_expires_at > now
    return assignment.submitted_at is not None and (
        is_explained(assignment) or is_revisable(assignment, now=now)
    )


def may_see_source(assignment: Assignment, *, now: datetime) -> bool:
    """Whether the rater may load what the models started from: with the prompt, never before."""
    axes = axes_of(assignment.comparison.study)
    is_answered = assignment.state == AssignmentState.SUBMITTED
    return may_see_clips(assignment, now=now) and (is_answered or shows_prompt(assignment, axes))


def _answer_from_json(raw: Mapping[str, Any]) -> Answer:
    return Answer(
        axis=raw["axis"],
        choice=raw["choice"],
        reasons=tuple(raw["reasons"]),
        note=raw["note"],
    )
