"""Where a rater stands: how far in the work, at which lesson before it, and whether warned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Window

from annotations.enums import AssignmentState, CheckRole
from annotations.models import Assignment, Rater
from annotations.models.checks import BEFORE_START
from annotations.models.prepared import Prepared, given_id
from annotations.services.pairs.ready import ready_count
from annotations.services.raters.entry import most_by_one_rater
from annotations.services.rating.qualifying import Score, score_checks
from annotations.services.rating.weaving import planned_checks

# The time left is told from so many pairs on, by the median of so many.
PACE_FROM = 3
PACE_OVER = 10


@dataclass(frozen=True)
class Lesson:
    """Where a pair before the start stands: which of how many, and on which try.

    Attributes
    ----------
    earlier
        The score of the try before, if there was one.
    """

    role: str
    number: int
    total: int
    occasion: int
    earlier: Score | None


@dataclass(frozen=True)
class Progress:
    """How far the rater is, in pairs as the rater meets them: checks are among them."""

    done: int
    total: int
    number: int
    percent: int
    minutes_left: int | None


def lesson_of(assignment: Assignment) -> Lesson | None:
    check = assignment.comparison.of_check
    if check is None or check.role not in BEFORE_START:
        return None
    occasion = assignment.occasion
    lessons = assignment.comparison.study.comparisons.ready().filter(of_check__role=check.role)
    seen = assignment.rater.assignments.filter(
        comparison__of_check__role=check.role, occasion=occasion
    )
    return Lesson(
        role=check.role,
        number=seen.filter(pk__lte=assignment.pk).count(),
        total=lessons.count(),
        occasion=occasion,
        earlier=_score_of_try(assignment.rater, occasion - 1) if occasion > 1 else None,
    )


def _score_of_try(rater: Rater, occasion: int) -> Score:
    return score_checks(rater, [CheckRole.QUALIFICATION], occasion=occasion)


def is_newly_warned(assignment: Assignment) -> bool:
    """Whether this is the first comparison since the rater failed checks."""
    warned_at = assignment.rater.warned_at
    if warned_at is None or assignment.shown_at is None or assignment.shown_at < warned_at:
        return False
    return not assignment.rater.assignments.submitted().filter(submitted_at__gt=warned_at).exists()


@dataclass(frozen=True)
class WorkCount:
    """What a rater has dealt with; at work, that is without what comes before the start."""

    judged: int
    skipped: int
    judged_at_work: int
    skipped_at_work: int


@dataclass(frozen=True)
class Record:
    """What a rater has done so far.

    Attributes
    ----------
    last
        When the last answer came, and the role of its check, empty if it was none; None before the
        first.
    seconds
        How long each of the last few took that the server saw from the start.
    """

    work: WorkCount
    last: tuple[datetime, str] | None
    seconds: tuple[float, ...]


def _in_all(**states: Q) -> dict[str, Window]:
    """Columns that count rows over the whole query, were it cut to a few."""
    return {name: Window(Count("pk", filter=rows)) for name, rows in states.items()}


def _dealt_with() -> QuerySet[Assignment, tuple[Any, ...]]:
    """The last few, each with the counts of all."""
    judged, skipped = Q(state=AssignmentState.SUBMITTED), Q(state=AssignmentState.SKIPPED)
    at_work = ~Q(role__in=BEFORE_START)
    counts = _in_all(
        judged=judged,
        skipped=skipped,
        judged_at_work=judged & at_work,
        skipped_at_work=skipped & at_work,
    )
    own = Assignment.objects.for_rater(given_id("rater")).dealt_with().with_role()
    own = own.annotate(**counts, of_role=F("role"))
    newest_first = F("submitted_at").desc(nulls_last=True), "-pk"
    columns = ("shown_at", "submitted_at", "of_role")
    return own.order_by(*newest_first).values_list(*columns, *counts)[:PACE_OVER]


DEALT_WITH = Prepared(_dealt_with)


def record_of(rater: Rater) -> Record:
    """In one look."""
    rows = DEALT_WITH.all(rater=rater.pk)
    if not rows:
        return Record(WorkCount(0, 0, 0, 0), None, ())
    answered = [(shown, submitted, role) for shown, submitted, role, *_ in rows if submitted]
    return Record(
        work=WorkCount(*rows[0][3:]),
        last=answered[0][1:] if answered else None,
        seconds=tuple(
            (submitted - shown).total_seconds() for shown, submitted, _ in answered if shown
        ),
    )


def progress_of(assignment: Assignment, record: Record) -> Progress:
    study, rater, work = assignment.comparison.study, assignment.rater, record.work
    done = work.judged_at_work
    own = ready_count(study.pk) - work.skipped_at_work
    most = most_by_one_rater(study)
    if most is not None:
        own = min(own, most)
    total = max(own + planned_checks(rater), done + 1)
    return Progress(
        done=done,
        total=total,
        number=done + 1,
        percent=100 * done // total,
        minutes_left=_minutes_left(record.seconds, total - done),
    )


def _minutes_left(seconds: Sequence[float], comparisons: int) -> int | None:
    """What is left at the rater's own pace; None before there is one."""
    if len(seconds) < PACE_FROM:
        return None
    return max(1, round(median(seconds) * comparisons / 60))


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


def skip_allowance(rater: Rater, work: WorkCount | None = None) -> SkipAllowance:
    """A share of the pairs that the rater has met so far, but always the study's least number.

    A share of all pairs of the study would let a rater skip a hundred of a thousand at once.
    """
    work, study = work or record_of(rater).work, rater.study
    if study.skip_percent is None:
        return SkipAllowance(work.skipped, None)
    met = work.skipped + work.judged
    return SkipAllowance(work.skipped, max(study.skip_minimum, met * study.skip_percent // 100))
