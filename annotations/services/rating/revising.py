"""One step back: let a rater answer the previous comparison anew; the earlier answer is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from annotations.enums import AssignmentState, CheckRole
from annotations.errors import RevisionRefused, SubmissionConflict
from annotations.models import Assignment, Judgment, Rater, Revision
from annotations.models.quality import BEFORE_START
from annotations.services.raters.locking import ensure_may_rate
from annotations.services.rating.submitting import (
    Answer,
    answers_digest,
    axes_of,
    change_locked,
    ensure_id_unused,
    lock_assignment,
    record_judgment,
    refusing_used_id,
    revisable_axes,
    shows_prompt,
    validate_answers,
)


def previous_assignment(*, rater: Rater, now: datetime) -> Assignment | None:
    """The comparison that the rater judged last, while it may still be changed.

    Never one from before the start: its answer has been told.
    """
    last = (
        Assignment.objects.with_stimuli()
        .for_rater(rater.pk)
        .submitted()
        .order_by("-submitted_at", "-pk")
        .first()
    )
    return last if last is not None and is_revisable(last, now=now) else None


def is_revisable(assignment: Assignment, *, now: datetime) -> bool:
    check = assignment.comparison.of_check
    if assignment.state != AssignmentState.SUBMITTED or assignment.submitted_at is None:
        return False
    if check is not None and check.role in BEFORE_START:
        return False
    first_submitted = _first_submitted_at(assignment)
    return now < first_submitted + timedelta(minutes=assignment.comparison.study.revise_minutes)


def may_see_clips(assignment: Assignment, *, now: datetime) -> bool:
    """Whether the rater may load the clips: under a live lease, to revise, or to learn."""
    if assignment.state == AssignmentState.LEASED:
        return assignment.lease_expires_at > now
    check = assignment.comparison.of_check
    is_explained = check is not None and check.role == CheckRole.PRACTICE
    return assignment.submitted_at is not None and (
        is_explained or is_revisable(assignment, now=now)
    )


def may_see_source(assignment: Assignment, *, now: datetime) -> bool:
    """Whether the rater may load what the models started from: with the prompt, never before."""
    axes = axes_of(assignment.comparison.study)
    is_answered = assignment.state == AssignmentState.SUBMITTED
    return may_see_clips(assignment, now=now) and (is_answered or shows_prompt(assignment, axes))


def revise_answers(
    *,
    rater: Rater,
    public_id: UUID,
    submission_id: UUID,
    answers: Sequence[Answer],
    now: datetime,
) -> Assignment:
    """Put these answers in the place of the earlier ones, which stay as a Revision.

    Answers from before the prompt was shown stay as they are. A repeat changes nothing.

    Raises
    ------
    AssignmentNotFound, AnswersRefused, SubmissionConflict, StudyNotOpen
    RevisionRefused
        It is not the rater's last comparison any more, or too long ago.
    """
    with refusing_used_id(submission_id), transaction.atomic():
        assignment = lock_assignment(rater, public_id)
        rater = assignment.rater
        if assignment.submission_id == submission_id:
            return _repeated(assignment, answers)
        ensure_may_rate(rater)
        last = previous_assignment(rater=rater, now=now)
        if last is None or last.pk != assignment.pk:
            raise RevisionRefused(_("Only your last answer can be changed, and only for a while."))
        ensure_id_unused(submission_id)
        axes = revisable_axes(assignment, axes_of(rater.study))
        validate_answers(rater.study, axes, answers)
        _keep_revision(assignment, now)
        assignment.judgments.filter(axis__in=axes).delete()
        for answer in answers:
            axis = next(axis for axis in axes if axis.key == answer.axis)
            record_judgment(assignment, axis, answer, now)
        change_locked(
            assignment, submission_id=submission_id, submission_digest=answers_digest(answers)
        )
        return assignment


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


def _repeated(assignment: Assignment, answers: Sequence[Answer]) -> Assignment:
    if assignment.submission_digest != answers_digest(answers):
        raise SubmissionConflict(_("This submission id was used for another answer."))
    return assignment


def _keep_revision(assignment: Assignment, now: datetime) -> None:
    assert assignment.submission_id is not None  # noqa: S101
    Revision.objects.create(
        assignment=assignment,
        submission_id=assignment.submission_id,
        submission_digest=assignment.submission_digest,
        answers=[_as_values(judgment) for judgment in assignment.judgments.select_related("axis")],
        submitted_at=_last_submitted_at(assignment),
        replaced_at=now,
    )


def _as_values(judgment: Judgment) -> dict[str, object]:
    return {
        "axis": judgment.axis.key,
        "choice": judgment.choice,
        "reasons": list(judgment.reasons.values_list("key", flat=True)),
        "note": judgment.note,
    }


def _first_submitted_at(assignment: Assignment) -> datetime:
    assert assignment.submitted_at is not None  # noqa: S101
    return assignment.submitted_at


def _last_submitted_at(assignment: Assignment) -> datetime:
    """When the answers that are replaced now were given."""
    last = assignment.revisions.last()
    return last.replaced_at if last else _first_submitted_at(assignment)
