"""Take a rater's answers: complete and possible, once, and all or nothing.

The prompt stays hidden until every axis that must not see it is answered. Those answers are
kept on the assignment as a draft when the prompt is shown, and cannot change afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Field, QuerySet
from django.utils.translation import gettext as _

from annotations.enums import AssignmentState
from annotations.errors import (
    AnswersRefused,
    AssignmentNotFound,
    SeatGivenAway,
    SubmissionConflict,
)
from annotations.models import Assignment, Axis, Judgment, Rater, Revision, Study
from annotations.models.prepared import (
    Given,
    Prepared,
    PreparedInsert,
    PreparedUpdate,
    given_id,
    given_text,
    given_uuid,
)
from annotations.services.pairs.seats import take_again
from annotations.services.raters.entry import ensure_not_left
from annotations.services.raters.locking import (
    HELD_RATER,
    HELD_STUDY,
    READ_WITH,
    ensure_may_rate,
)
from annotations.services.rating.claiming import lease_of
from annotations.services.rating.qualifying import settle_checks
from annotations.services.rating.stages import (
    MAX_NOTE_LENGTH,
    Answer,
    allowed_choices,
    axes_of,
    drafted_answers,
    is_last_stage,
    needs_reason,
    open_axes,
    reasons_in_order,
)
from annotations.services.rating.watching import doubts_about


def save_draft(
    *, rater: Rater, public_id: UUID, answers: Sequence[Answer], now: datetime
) -> Assignment:
    """Keep the answers of the axes that are asked without the prompt, and open the others.

    A repeat of the same answers changes nothing.

    Raises
    ------
    AssignmentNotFound, AnswersRefused, SubmissionConflict, SeatGivenAway, StudyNotOpen
    """
    with transaction.atomic():
        assignment = lock_assignment(rater, public_id)
        ensure_may_rate(assignment.rater)
        axes = axes_of(assignment.comparison.study)
        blind = [axis for axis in axes if not axis.shows_prompt]
        if assignment.draft is not None:
            _ensure_same_draft(assignment, answers)
            return assignment
        _ensure_not_submitted(assignment)
        # A draft holds the seat, which nobody may who left; a whole answer may still come.
        ensure_not_left(assignment.rater)
        validate_answers(assignment.comparison.study, blind, answers)
        if not _hold_seat(assignment, now):
            raise _given_away()
        change_locked(assignment, draft=[asdict(answer) for answer in answers])
        return assignment


def submit_answers(
    *,
    rater: Rater,
    public_id: UUID,
    submission_id: UUID,
    answers: Sequence[Answer],
    now: datetime,
    playback: Mapping[str, Any] | None = None,
) -> Assignment:
    """Save the judgments of one comparison in one transaction.

    The same answers under the same submission id are accepted again and change nothing. A lease
    that ran out is forgiven while the seat is free; otherwise the answers are kept apart as late.

    Raises
    ------
    AssignmentNotFound
        The comparison was not given to this rater.
    AnswersRefused
        Something is missing or impossible.
    SubmissionConflict
        Another answer is already there.
    SeatGivenAway
        Too late; the answers are kept as late and do not count.
    StudyNotOpen
        The study was closed or paused, or the rater excluded.
    """
    with refusing_used_id(submission_id), transaction.atomic():
        assignment = lock_assignment(rater, public_id)
        axes = axes_of(assignment.comparison.study)
        digest = answers_digest(answers)
        if _is_repeat(assignment, submission_id, digest):
            return assignment
        _ensure_not_submitted(assignment)
        ensure_may_rate(assignment.rater)
        ensure_id_unused(submission_id)
        _ensure_open(assignment, axes, answers)
        validate_answers(assignment.comparison.study, open_axes(assignment, axes), answers)
        every_answer = [*drafted_answers(assignment), *answers]
        in_time = _hold_seat(assignment, now)
        if in_time:
            facts = dict(playback or {})
            change_locked(
                assignment,
                state=AssignmentState.SUBMITTED,
                submitted_at=now,
                submission_id=submission_id,
                submission_digest=digest,
                playback=facts,
                doubts=doubts_about(assignment, facts, now=now),
            )
            record_judgments(assignment, axes, every_answer, now)
            settle_checks(assignment=assignment, now=now)
        else:
            change_locked(assignment, late_answers=[asdict(answer) for answer in every_answer])
    if not in_time:
        raise _given_away()
    return assignment


def validate_answers(study: Study, axes: Sequence[Axis], answers: Sequence[Answer]) -> None:
    """Raise AnswersRefused unless there is one complete answer for each of these axes."""
    problems: dict[str, list[str]] = {}
    given = {answer.axis: answer for answer in answers}
    unknown = sorted(set(given) - {axis.key for axis in axes})
    if unknown:
        problems[""] = [
            _("There is no open question “{key}” here.").format(key=key) for key in unknown
        ]
    if len(given) != len(answers):
        problems.setdefault("", []).append(_("A question was answered twice."))
    for axis in axes:
        found = _problems_of(study, axis, given.get(axis.key, Answer(axis=axis.key)))
        if found:
            problems[axis.key] = found
    if problems:
        raise AnswersRefused(problems)


def _problems_of(study: Study, axis: Axis, answer: Answer) -> list[str]:
    problems = []
    known = {reason.key for reason in axis.reasons.all()}
    if not answer.choice:
        problems.append(_("Please choose one of the two."))
    elif answer.choice not in allowed_choices(study):
        problems.append(
            _("“{choice}” is not one of the choices.").format(choice=answer.choice[:40])
        )
    if set(answer.reasons) - known:
        problems.append(_("A reason was ticked that does not belong to this question."))
    if len(set(answer.reasons)) != len(answer.reasons):
        problems.append(_("A reason was ticked twice."))
    if needs_reason(study) and known and not answer.reasons:
        problems.append(_("Please tick at least one reason."))
    if len(answer.note) > MAX_NOTE_LENGTH:
        problems.append(note_too_long())
    return problems


def note_too_long() -> str:
    return _("The note is longer than {most} characters.").format(most=MAX_NOTE_LENGTH)


def already_judged() -> SubmissionConflict:
    return SubmissionConflict(_("You have already judged this comparison; that answer stays."))


ASSIGNMENT_AT_WORK = Prepared(
    lambda: (
        Assignment.objects.for_rater(given_id("rater"))
        .filter(public_id=given_uuid("public_id"))
        .select_related(*(f"rater__{name}" for name in READ_WITH))
        .with_comparison_as_shown()
        .order_by()
    ),
    on_postgres=f"{HELD_STUDY} {HELD_RATER}, {Assignment._meta.db_table}",
)


def lock_assignment(rater: Rater, public_id: UUID) -> Assignment:
    """The rater's assignment with all that a page needs; both rows locked and as they are now.

    As in `lock_rater_at_work`, the study stays in its state until the transaction ends.

    Raises
    ------
    AssignmentNotFound
    """
    assignment = ASSIGNMENT_AT_WORK.first(rater=rater.pk, public_id=public_id)
    if assignment is None:
        raise AssignmentNotFound
    assignment.comparison.study = assignment.rater.study
    return assignment


def _hold_seat(assignment: Assignment, now: datetime) -> bool:
    """Whether the assignment has its seat; one that was given back is taken again if free."""
    if assignment.state == AssignmentState.LEASED:
        return True
    return take_again(assignment, now=now, until=now + lease_of(assignment.comparison.study))


def change_locked(assignment: Assignment, **values: Any) -> None:
    """Write values to an assignment whose lock is held, if it is still in its state."""
    if not _change_of(tuple(values)).run(own=assignment.pk, was=assignment.state, **values):
        raise SubmissionConflict(_("The page is out of date. Please load it again."))
    for name, value in values.items():
        setattr(assignment, name, value)


def _column(name: str) -> Field[Any, Any]:
    return next(field for field in Assignment._meta.concrete_fields if field.name == name)


@cache
def _change_of(names: tuple[str, ...]) -> PreparedUpdate:
    return PreparedUpdate(
        lambda: Assignment.objects.filter(pk=given_id("own"), state=given_text("was")),
        lambda: {name: Given(name, _column(name)) for name in names},
    )


NEW_JUDGMENTS = PreparedInsert(Judgment)
NEW_TICKS = PreparedInsert(Judgment.reasons.through)


def record_judgments(
    assignment: Assignment, axes: Sequence[Axis], answers: Sequence[Answer], now: datetime
) -> None:
    """Write answers to these axes, in the comparison's own order of models."""
    by_key = {axis.key: axis for axis in axes}
    judgments = [
        Judgment(
            assignment=assignment,
            axis=by_key[answer.axis],
            choice=assignment.choice_of_side(answer.choice),
            note=answer.note,
            reason_order=[
                reason.key for reason in reasons_in_order(by_key[answer.axis], assignment.rater)
            ],
            created_at=now,
        )
        for answer in answers
    ]
    NEW_JUDGMENTS.run(judgments)
    ticked = Judgment.reasons.through
    NEW_TICKS.run(
        [
            ticked(judgment_id=judgment.pk, reason_id=reason.pk)
            for judgment, answer in zip(judgments, answers, strict=True)
            for reason in judgment.axis.reasons.all()
            if reason.key in answer.reasons
        ]
    )


def _is_repeat(assignment: Assignment, submission_id: UUID, digest: str) -> bool:
    """Whether these very answers came before, even if they were revised since."""
    if assignment.submission_id is None:
        return False
    if assignment.submission_id == submission_id and assignment.submission_digest == digest:
        return True
    revisions = assignment.revisions.filter(submission_id=submission_id)
    return revisions.filter(submission_digest=digest).exists()


def _ensure_not_submitted(assignment: Assignment) -> None:
    if assignment.state == AssignmentState.SKIPPED:
        raise SubmissionConflict(_("You skipped this comparison; it went to another rater."))
    if assignment.state == AssignmentState.SUBMITTED:
        raise already_judged()


def _used_in(answers: QuerySet[Any]) -> QuerySet[Any, int]:
    used = answers.order_by().filter(submission_id=given_uuid("submission_id"))
    return used.values_list("pk", flat=True)


USED = Prepared(
    lambda: _used_in(Assignment.objects.all()).union(_used_in(Revision.objects.all()), all=True)
)


def ensure_id_unused(submission_id: UUID) -> None:
    """Raise SubmissionConflict when the id belongs to another submission."""
    if USED.first(submission_id=submission_id) is not None:
        raise SubmissionConflict(_("This submission id was used for another comparison."))


@contextmanager
def refusing_used_id(submission_id: UUID) -> Iterator[None]:
    """Turn the database's refusal of an id that two raters sent at once into words."""
    try:
        yield
    except IntegrityError:
        ensure_id_unused(submission_id)
        raise


def _ensure_open(assignment: Assignment, axes: Sequence[Axis], answers: Sequence[Answer]) -> None:
    """Refuse answers to questions whose prompt the rater has not been shown."""
    if not is_last_stage(assignment, axes):
        blind = ", ".join(axis.key for axis in open_axes(assignment, axes))
        raise AnswersRefused(
            {
                "": [
                    _("First answer {questions}, before the text is shown; then the rest.").format(
                        questions=blind
                    )
                ]
            }
        )


def _ensure_same_draft(assignment: Assignment, answers: Sequence[Answer]) -> None:
    if answers_digest(answers) != answers_digest(drafted_answers(assignment)):
        raise SubmissionConflict(
            _("The text has been shown; your answer from before it stays as it is.")
        )


def _given_away() -> SeatGivenAway:
    return SeatGivenAway(
        _(
            "This comparison was kept for you for a while and was then given to another rater. "
            "Your answer is kept, but it does not count. Please go on with the next one."
        )
    )


def answers_digest(answers: Sequence[Answer]) -> str:
    """Equal for equal answers, in whatever order they came."""
    ordered = sorted(
        ({**asdict(answer), "reasons": sorted(answer.reasons)} for answer in answers),
        key=lambda answer: answer["axis"],
    )
    return hashlib.sha256(json.dumps(ordered, sort_keys=True).encode()).hexdigest()
