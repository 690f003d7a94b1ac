"""What is asked of a rater now, and all that belongs to it: the one description of it.

The rating page and the API both render an `Asked`, and nothing beside it. It holds what this rater
may know at this moment and no more: before the prompt's stage there is no prompt and no source in
it. Nor does it hold rows or addresses: clips are tokens, which the views turn into addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cache
from uuid import UUID

from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

from annotations.enums import Choice, Side, SkipReason, StimulusKind, StudyKind
from annotations.models import Assignment, Axis, Check, Comparison, Rater, Study
from annotations.models.comparison import SHOWN_WITH
from annotations.models.prepared import Prepared, given_id
from annotations.services.rating.stages import (
    MAX_NOTE_LENGTH,
    Answer,
    allowed_choices,
    axes_of,
    drafted_answers,
    given_answers,
    is_last_stage,
    may_change,
    needs_reason,
    open_axes,
    reasons_in_order,
    shows_prompt,
)
from annotations.services.rating.standing import (
    Lesson,
    Progress,
    Record,
    is_newly_warned,
    lesson_of,
    progress_of,
    record_of,
    skip_allowance,
)
from annotations.services.rating.watching import seconds_of
from annotations.services.studies.texts import OwnText, own_text

BLIND, OPEN = "blind", "open"
CHOICE_LABELS = {
    Side.LEFT.value: _("Left"),
    Side.RIGHT.value: _("Right"),
    Choice.TIE.value: _("No difference"),
}


@dataclass(frozen=True)
class Clips:
    """The tokens under which a rater's front end gets the two clips."""

    left: str
    right: str


@dataclass(frozen=True)
class ShownSource:
    """What both models started from, an image or a clip."""

    kind: str


@dataclass(frozen=True)
class Option:
    """Something to choose: what is sent, and what it is called."""

    value: str
    label: str


@dataclass(frozen=True)
class ReasonOption:
    """A reason to tick; `number` counts on over the questions of a comparison."""

    key: str
    label: OwnText
    number: int


@dataclass(frozen=True)
class Question:
    """A question that is open now, with the rater's earlier answer where there is one."""

    key: str
    number: int
    text: OwnText
    choices: tuple[Option, ...]
    reasons: tuple[ReasonOption, ...]
    needs_reason: bool
    answer: Answer | None


@dataclass(frozen=True)
class Answered:
    """A question of this comparison that is answered, and stands."""

    key: str
    number: int
    text: OwnText
    choice: Option
    reasons: tuple[ReasonOption, ...]
    note: str


@dataclass(frozen=True)
class Asked:
    """What is asked of a rater now.

    Attributes
    ----------
    kind, media
        The study's kind; whether the two are videos or images.
    lease_expires_at
        Until when the comparison is kept; None for one that is asked again.
    seam_seconds
        When the past clip ends in what is shown; None where there is none, or it is cut away.
    stage
        `blind` without the prompt, `open` with it.
    later
        The numbers of the questions that come with the prompt.
    is_warned
        Whether this is the first comparison since the rater failed checks.
    skips_left
        How many more pairs may be skipped before the next skip ends the rater's part; None
        without a limit.
    """

    id: UUID
    study: str
    kind: str
    media: str
    viewing: str
    must_watch: bool
    break_minutes: int
    lease_expires_at: datetime | None
    clips: Clips
    has_sound: bool
    seam_seconds: float | None
    stage: str
    prompt: str | None
    source: ShownSource | None
    questions: tuple[Question, ...]
    answered: tuple[Answered, ...]
    later: tuple[int, ...]
    is_last_stage: bool
    is_revision: bool
    can_go_back: bool
    is_warned: bool
    lesson: Lesson | None
    progress: Progress
    skip_reasons: tuple[Option, ...]
    skips_left: int | None
    max_note_length: int


@dataclass(frozen=True)
class Ahead:
    """What may be known of the next comparison: where its clips are, to load them meanwhile."""

    clips: Clips


def ask(assignment: Assignment, *, now: datetime, given: Sequence[Answer] = ()) -> Asked:
    """What is asked of the rater who holds this assignment.

    Parameters
    ----------
    given
        Answers that were refused, to be shown once more.
    """
    return _asked(assignment, given, now=now)


SHOWN = Prepared(
    lambda: (
        Comparison.objects.select_related(*SHOWN_WITH).filter(pk=given_id("comparison")).order_by()
    )
)


def show(assignment: Assignment) -> Assignment:
    """One that was just given, with what is shown of it; rater and study as they were read then."""
    if not Comparison.prompt.is_cached(assignment.comparison):
        comparison = SHOWN.first(comparison=assignment.comparison_id)
        assert comparison is not None  # noqa: S101
        assignment.comparison = comparison
    assignment.comparison.study = assignment.rater.study
    return assignment


def ask_again(assignment: Assignment, *, given: Sequence[Answer] | None = None) -> Asked:
    """The same for an assignment whose answers may be changed, with these answers."""
    answers = given_answers(assignment) if given is None else given
    return _asked(assignment, answers)


def tell_ahead(assignment: Assignment) -> Ahead:
    return Ahead(clips=clips_of(assignment))


def media_of(study: Study) -> str:
    return str(StimulusKind.IMAGE if study.is_image_study else StimulusKind.VIDEO)


def clips_of(given: Assignment | Check) -> Clips:
    return Clips(left=given.left_token, right=given.right_token)


def option(choice: str) -> Option:
    """A side or a tie, as raters call it."""
    return _options(get_language())[choice]


@cache
def _options(language: str) -> dict[str, Option]:
    with override(language):
        return {value: Option(value, str(label)) for value, label in CHOICE_LABELS.items()}


def _asked(
    assignment: Assignment,
    given: Sequence[Answer],
    *,
    now: datetime | None = None,
) -> Asked:
    """With a moment what is asked then; without, what is asked again."""
    is_revision = now is None
    comparison, study = assignment.comparison, assignment.comparison.study
    axes = axes_of(study)
    prompt_shown = shows_prompt(assignment, axes)
    questions, answered, later = _questions(assignment, axes, given)
    record = record_of(assignment.rater)
    return Asked(
        id=assignment.public_id,
        study=study.slug,
        kind=study.kind,
        media=media_of(study),
        viewing=study.viewing,
        must_watch=study.must_watch and not is_revision,
        break_minutes=study.break_minutes,
        lease_expires_at=None if is_revision else assignment.lease_expires_at,
        clips=clips_of(assignment),
        has_sound=_has_sound(comparison),
        seam_seconds=_seam_seconds(comparison),
        stage=OPEN if prompt_shown else BLIND,
        prompt=comparison.prompt.text if prompt_shown else None,
        source=_source(comparison) if prompt_shown else None,
        questions=questions,
        answered=answered,
        later=() if is_revision else later,
        is_last_stage=is_revision or is_last_stage(assignment, axes),
        is_revision=is_revision,
        can_go_back=now is not None and _can_go_back(study, record, now),
        is_warned=not is_revision and is_newly_warned(assignment),
        lesson=None if is_revision else lesson_of(assignment),
        progress=progress_of(assignment, record),
        skip_reasons=() if is_revision else _skip_reasons(get_language()),
        skips_left=skip_allowance(assignment.rater, record.work).left,
        max_note_length=MAX_NOTE_LENGTH,
    )


def _can_go_back(study: Study, record: Record, now: datetime) -> bool:
    """Whether there is a previous assignment that may be changed, without reading it."""
    return record.last is not None and may_change(study, *record.last, now=now)


def _questions(
    assignment: Assignment, axes: Sequence[Axis], given: Sequence[Answer]
) -> tuple[tuple[Question, ...], tuple[Answered, ...], tuple[int, ...]]:
    """The questions that are open, those that are answered, and the numbers of later ones."""
    study = assignment.comparison.study
    is_open = {axis.key for axis in open_axes(assignment, axes)}
    drafted = {answer.axis: answer for answer in drafted_answers(assignment)}
    answers = {answer.axis: answer for answer in given}
    questions, answered, later = [], [], []
    for number, (axis, reasons) in enumerate(_with_reasons(axes, assignment.rater), start=1):
        if axis.key in drafted:
            answered.append(_answered(axis, number, reasons, drafted[axis.key]))
        elif axis.key in is_open:
            questions.append(_question(study, axis, number, reasons, answers.get(axis.key)))
        else:
            later.append(number)
    return tuple(questions), tuple(answered), tuple(later)


def _with_reasons(
    axes: Sequence[Axis], rater: Rater
) -> Iterable[tuple[Axis, tuple[ReasonOption, ...]]]:
    """Each axis with its reasons as they are shown, numbered through."""
    number = 1
    for axis in axes:
        reasons = reasons_in_order(axis, rater)
        yield (
            axis,
            tuple(
                ReasonOption(key=reason.key, label=own_text(reason), number=place)
                for place, reason in enumerate(reasons, start=number)
            ),
        )
        number += len(reasons)


def _question(
    study: Study,
    axis: Axis,
    number: int,
    reasons: tuple[ReasonOption, ...],
    answer: Answer | None,
) -> Question:
    return Question(
        key=axis.key,
        number=number,
        text=own_text(axis),
        choices=tuple(option(choice) for choice in allowed_choices(study)),
        reasons=reasons,
        needs_reason=needs_reason(study) and bool(reasons),
        answer=answer,
    )


def _answered(
    axis: Axis, number: int, reasons: tuple[ReasonOption, ...], answer: Answer
) -> Answered:
    return Answered(
        key=axis.key,
        number=number,
        text=own_text(axis),
        choice=option(answer.choice),
        reasons=tuple(reason for reason in reasons if reason.key in answer.reasons),
        note=answer.note,
    )


@cache
def _skip_reasons(language: str) -> tuple[Option, ...]:
    with override(language):
        return tuple(Option(value=value, label=str(label)) for value, label in SkipReason.choices)


def _source(comparison: Comparison) -> ShownSource | None:
    """What the models started from, where the study's kind has it."""
    prompt = comparison.prompt
    return ShownSource(kind=prompt.source_kind) if prompt.shown_source else None


def _seam_seconds(comparison: Comparison) -> float | None:
    study, rendition = comparison.study, comparison.rendition_a
    if study.kind != StudyKind.VIDEO_EXTENSION or rendition is None:
        return None
    starts_at = float(Fraction(str(rendition.plan.get("start", 0))))
    seam = comparison.prompt.source_seconds - starts_at
    return round(seam, 3) if 0 < seam < seconds_of(rendition.plan) else None


def _has_sound(comparison: Comparison) -> bool:
    """Both renditions have sound or none has; see `annotations.media.profiles`."""
    rendition = comparison.rendition_a
    return rendition is not None and bool(rendition.plan.get("has_audio"))
