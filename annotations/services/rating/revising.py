"""One step back: let a rater answer the previous comparison anew; the earlier answer is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from annotations.errors import RevisionRefused, SubmissionConflict
from annotations.models import Assignment, Judgment, Rater, Revision
from annotations.services.raters.locking import ensure_may_rate
from annotations.services.rating.stages import (
    Answer,
    axes_of,
    previous_assignment,
    revisable_axes,
)
from annotations.services.rating.submitting import (
    answers_digest,
    change_locked,
    ensure_id_unused,
    lock_assignment,
    record_judgments,
    refusing_used_id,
    validate_answers,
)


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
        record_judgments(assignment, axes, answers, now)
        change_locked(
            assignment, submission_id=submission_id, submission_digest=answers_digest(answers)
        )
        return assignment


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
