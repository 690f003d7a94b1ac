"""Answers that a rater is told: of examples before the start, and of practice pairs after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from annotations.enums import CheckRole
from annotations.models import Assignment, Axis, Check, Rater, Study
from annotations.services.rating.asking import Clips, Option, clips_of, media_of, option
from annotations.services.rating.qualifying import is_right
from annotations.services.rating.stages import axes_of, given_answers, is_explained
from annotations.services.studies.texts import OwnText, own_text


@dataclass(frozen=True)
class Explained:
    """The expected answer to a question of a practice pair, beside the rater's."""

    key: str
    text: OwnText
    expected: str
    given: Option
    is_right: bool


@dataclass(frozen=True)
class Feedback:
    """The answer to a practice pair."""

    id: UUID
    media: str
    clips: Clips
    prompt: str
    is_right: bool
    answers: tuple[Explained, ...]
    explanation: str


@dataclass(frozen=True)
class Winner:
    """The better side of an example, by question."""

    text: OwnText
    side: str


@dataclass(frozen=True)
class ReasonExample:
    """A pair with its answer, shown before the start."""

    clips: Clips
    prompt: str
    winners: tuple[Winner, ...]
    explanation: str


@dataclass(frozen=True)
class ExampleGroup:
    """The examples that were decided by one reason; without a reason, those of all in all."""

    reason: str
    label: OwnText
    media: str
    examples: tuple[ReasonExample, ...]


def feedback_on(assignment: Assignment) -> Feedback:
    """The answer to a practice pair that the rater has judged."""
    check = assignment.comparison.of_check
    given = {answer.axis: answer for answer in given_answers(assignment)}
    expected: Mapping[str, str] = check.expected if check else {}
    return Feedback(
        id=assignment.public_id,
        media=media_of(assignment.comparison.study),
        clips=clips_of(assignment),
        prompt=assignment.comparison.prompt.text,
        is_right=is_right(assignment),
        answers=tuple(
            _explained(axis, assignment.side_of_choice(expected[axis.key]), given[axis.key].choice)
            for axis in axes_of(assignment.comparison.study)
            if axis.key in expected
        ),
        explanation=check.explanation if check else "",
    )


def explained_assignment(*, rater: Rater, public_id: UUID) -> Assignment | None:
    """A practice pair that the rater has judged; None for any other assignment."""
    own = Assignment.objects.with_stimuli().for_rater(rater.pk).submitted()
    assignment = own.filter(public_id=public_id).first()
    return assignment if assignment is not None and is_explained(assignment) else None


def examples_of(study: Study) -> tuple[ExampleGroup, ...]:
    """The examples whose clips are ready, by the reasons that they teach."""
    examples = study.checks.ready().filter(role=CheckRole.EXAMPLE)
    ordered = examples.order_by("reason__axis__position", "reason__position", "position", "pk")
    checks = ordered.select_related("reason__axis__study", "comparison__prompt", "study")
    return tuple(
        ExampleGroup(
            reason=reason.key if reason else "",
            label=own_text(reason) if reason else OwnText(_("All in all"), get_language() or ""),
            media=media_of(study),
            examples=tuple(_example(check) for check in group),
        )
        for reason, group in groupby(checks, key=lambda check: check.reason)
    )


def has_examples(study: Study) -> bool:
    return study.checks.ready().filter(role=CheckRole.EXAMPLE).exists()


def _explained(axis: Axis, expected: str, given: str) -> Explained:
    return Explained(
        key=axis.key,
        text=own_text(axis),
        expected=expected,
        given=option(given),
        is_right=expected == given,
    )


def _example(check: Check) -> ReasonExample:
    axes = [check.reason.axis] if check.reason else list(check.study.axes.all())
    winning = check.winning_side
    return ReasonExample(
        clips=clips_of(check),
        prompt=check.comparison.prompt.text,
        winners=tuple(
            Winner(text=own_text(axis), side=winning[axis.key])
            for axis in axes
            if axis.key in winning
        ),
        explanation=check.explanation,
    )
