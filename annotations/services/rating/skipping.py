"""Let a rater pass a comparison by, or say what is wrong with it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from annotations.enums import AssignmentState, SkipReason
from annotations.errors import AnswersRefused, AssignmentNotFound
from annotations.models import Assignment, Rater
from annotations.services.rating.claiming import ensure_may_rate, give_seat_back
from annotations.services.rating.qualifying import settle_checks
from annotations.services.rating.stages import MAX_NOTE_LENGTH
from annotations.services.rating.submitting import already_judged, note_too_long


def skip_assignment(
    *, rater: Rater, public_id: UUID, reason: str, now: datetime, note: str = ""
) -> Assignment:
    """Give the seat back for another rater; this one is never given the comparison again.

    A repeat changes nothing.

    Raises
    ------
    AssignmentNotFound
        The comparison was not given to this rater.
    AnswersRefused
        No reason, or one that there is not.
    SubmissionConflict
        The comparison was judged already.
    StudyNotOpen
        The study was closed or paused, or the rater excluded.
    """
    if reason not in SkipReason.values:
        raise AnswersRefused({"": [_("Please say why you skip this pair.")]})
    if len(note) > MAX_NOTE_LENGTH:
        raise AnswersRefused({"": [note_too_long()]})
    with transaction.atomic():
        locked = Assignment.objects.for_rater(rater.pk).select_for_update(of=("self",))
        with_context = locked.select_related("rater__study", "comparison__of_check")
        assignment = with_context.filter(public_id=public_id).first()
        if assignment is None:
            raise AssignmentNotFound
        if assignment.state == AssignmentState.SKIPPED:
            return assignment
        if assignment.state == AssignmentState.SUBMITTED:
            raise already_judged()
        ensure_may_rate(assignment.rater)
        if assignment.state == AssignmentState.LEASED:
            give_seat_back(assignment)
        assignment.state = AssignmentState.SKIPPED
        assignment.skip_reason, assignment.skip_note = reason, note.strip()
        assignment.save(update_fields=["state", "skip_reason", "skip_note"])
        settle_checks(assignment=assignment, now=now)
        return assignment
