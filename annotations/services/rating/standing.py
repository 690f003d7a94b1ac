"""Where a rater stands: how far in the work, at which lesson before it, and whether warned."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median

from django.db.models import Count

from annotations.enums import AssignmentState, CheckRole
from annotations.models import Assignment, Comparison, Rater
from annotations.models.checks import BEFORE_START
from annotations.models.prepared import Prepared, given_id
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


DEALT_WITH = Prepared(
    lambda: (
        Assignment.objects.for_rater(given_id("rater"))
        .dealt_with()
        .order_by()
        .values_list("state", "comparison__of_check__role")
        .annotate(n=Count("pk"))
    )
)


def count_work(rater: Rater) -> WorkCount:
    """In one look."""
    counts: Counter[tuple[str, bool]] = Counter()
    for state, role, n in DEALT_WITH.all(rater=rater.pk):
        counts[state, role not in BEFORE_START] += n
    judged, skipped = (
        [counts[state, at_work] for at_work in (True, False)]
        for state in (AssignmentState.SUBMITTED, AssignmentState.SKIPPED)
    )
    return WorkCount(sum(judged), sum(skipped), judged[0], skipped[0])


READY = Prepared(
    lambda: (
        Comparison.objects.filter(study=given_id("study"))
        .counted()
        .ready()
        .order_by()
        .values("study")
        .annotate(n=Count("pk"))
        .values_list("n", flat=True)
    )
)


def progress_of(assignment: Assignment, work: WorkCount) -> Progress:
    study, rater = assignment.comparison.study, assignment.rater
    done = work.judged_at_work
    own = (READY.first(study=study.pk) or 0) - work.skipped_at_work
    most = most_by_one_rater(study)
    if most is not None:
        own = min(own, most)
    total = max(own + planned_checks(rater), done + 1)
    return Progress(
        done=done,
        total=total,
        number=done + 1,
        percent=100 * done // total,
        minutes_left=_minutes_left(rater, total - done),
    )


LAST_TIMES = Prepared(
    lambda: (
        Assignment.objects.for_rater(given_id("rater"))
        .submitted()
        .exclude(shown_at=None)
        .order_by("-submitted_at")
        .values_list("shown_at", "submitted_at")[:PACE_OVER]
    )
)


def _minutes_left(rater: Rater, comparisons: int) -> int | None:
    """What is left at the rater's own pace; None before there is one."""
    times = [
        (submitted_at - shown_at).total_seconds()
        for shown_at, submitted_at in LAST_TIMES.all(rater=rater.pk)
        if submitted_at and shown_at
    ]
    if len(times) < PACE_FROM:
        return None
    return max(1, round(median(times) * comparisons / 60))


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
    work, study = work or count_work(rater), rater.study
    if study.skip_percent is None:
        return SkipAllowance(work.skipped, None)
    met = work.skipped + work.judged
    return SkipAllowance(work.skipped, max(study.skip_minimum, met * study.skip_percent // 100))
