"""Let a rater pass a comparison by, or say what is wrong with it; not without limit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from annotations.enums import AssignmentState, RaterOutcome, SkipReason
from annotations.errors import AnswersRefused
from annotations.models import Assignment, Rater
from annotations.services.pairs.seats import end_leases
from annotations.services.raters.endings import end_part
from annotations.services.raters.locking import ensure_may_rate
from annotations.services.rating.qualifying import settle_checks
from annotations.services.rating.submitting import (
    MAX_NOTE_LENGTH,
    already_judged,
    change_locked,
    lock_assignment,
    note_too_long,
)


@dataclass(frozen=True)
class SkipAllowance:
    """How many pairs a rater has skipped, and how many one may; no limit is None."""

    skipped: int
    most: int | None

    @property
    def left(self) -> int | None:
        """How many more may be skipped; the one after ends the rater's part."""
        return None if self.most is None else max(self.most - self.skipped, 0)

    @property
    def is_exceeded(self) -> bool:
        return self.most is not None and self.skipped > self.most


def skip_allowance(rater: Rater) -> SkipAllowance:
    """A share of the pairs that the rater has met so far, but always the study's least number.

    A share of all pairs of the study would let a rater skip a hundred of a thousand at once.
    """
    skipped = rater.assignments.skipped().count()
    study = rater.study
    if study.skip_percent is None:
        return SkipAllowance(skipped, None)
    met = skipped + rater.assignments.submitted().count()
    return SkipAllowance(skipped, max(study.skip_minimum, met * study.skip_percent // 100))


def skip_assignment(
    *, rater: Rater, public_id: UUID, reason: str, now: datetime, note: str = ""
) -> Assignment:
    """Give the seat back for another rater; this one is never given the comparison again.

    A repeat changes nothing. A skipped check counts as failed. Who skips more than the study
    allows is given nothing more.

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
        assignment = lock_assignment(rater, public_id)
        if assignment.state == AssignmentState.SKIPPED:
            return assignment
        if assignment.state == AssignmentState.SUBMITTED:
            raise already_judged()
        ensure_may_rate(assignment.rater)
        _mark_skipped(assignment, skip_reason=reason, skip_note=note.strip())
        settle_checks(assignment=assignment, now=now)
        if skip_allowance(assignment.rater).is_exceeded:
            end_part(rater=assignment.rater, outcome=RaterOutcome.SKIP_LIMIT, now=now)
        return assignment


def _mark_skipped(assignment: Assignment, **values: str) -> None:
    """A lease ends with its seat; one that ended before has none to give."""
    own = Assignment.objects.filter(pk=assignment.pk)
    if end_leases(own, into=AssignmentState.SKIPPED, **values):
        assignment.refresh_from_db()
    else:
        change_locked(assignment, state=AssignmentState.SKIPPED, **values)
