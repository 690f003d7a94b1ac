"""What raters learn before the start, and what their answers to checks lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from annotations.enums import AssignmentState, CheckAction, CheckRole, RaterOutcome
from annotations.models import Assignment, Comparison, Rater
from annotations.services.checks.defining import check_plan_of
from annotations.services.raters.endings import end_part

KNOWN_ANSWER = [CheckRole.GOLD, CheckRole.DEGRADED]


@dataclass(frozen=True)
class Score:
    """Checks answered or skipped, and how many right on every axis that has an answer."""

    right: int
    answered: int

    def reaches(self, percent: int) -> bool:
        return 100 * self.right >= percent * self.answered


@dataclass(frozen=True)
class NextLesson:
    """A comparison before the start, and the how-manieth time the rater sees it."""

    comparison: Comparison
    occasion: int


def next_lesson(rater: Rater) -> NextLesson | None:
    """The practice or qualification pair that comes now to a rater who was locked at work; None
    when the rater may start."""
    if not rater.has_lessons:  # type: ignore[attr-defined]
        return None
    practice = rater.study.comparisons.ready().filter(of_check__role=CheckRole.PRACTICE)
    return _first_open(rater, practice, occasion=1) or _next_of_qualification(rater)


def qualification_try(rater: Rater) -> int:
    """The try that the rater is in: 1 at first."""
    test = rater.assignments.filter(comparison__of_check__role=CheckRole.QUALIFICATION)
    return max(test.values_list("occasion", flat=True), default=1)


def is_qualified(rater: Rater) -> bool:
    return rater.qualified_at is not None


def is_right(assignment: Assignment) -> bool:
    """Whether a check was answered as expected, on every axis that has an expected answer."""
    check = assignment.comparison.of_check
    expected = check.expected if check is not None else {}
    given = {judgment.axis.key: judgment.choice for judgment in assignment.judgments.all()}
    return all(given.get(axis) == choice for axis, choice in expected.items())


def score_checks(rater: Rater, roles: Sequence[CheckRole], *, occasion: int = 1) -> Score:
    """The rater's checks of these roles that were dealt with on this occasion.

    One that was skipped counts as wrong: no check is passed by skipping what looks like one.
    """
    answered = (
        rater.assignments.dealt_with()
        .not_withdrawn()
        .filter(comparison__of_check__role__in=roles, occasion=occasion)
        .select_related("comparison__of_check")
        .prefetch_related("judgments__axis")
    )
    results = [is_right(assignment) for assignment in answered]
    return Score(sum(results), len(results))


def settle_checks(*, assignment: Assignment, now: datetime) -> None:
    """Draw the consequence of an answer to a check, if the study has one."""
    check = assignment.comparison.of_check
    if check is None:
        return
    if check.role == CheckRole.QUALIFICATION:
        _settle_qualification(assignment, now)
    elif check.role in KNOWN_ANSWER:
        _settle_known_answers(assignment.rater, now)


def _test_of(rater: Rater) -> QuerySet[Comparison]:
    return rater.study.comparisons.ready().filter(of_check__role=CheckRole.QUALIFICATION)


def _next_of_qualification(rater: Rater) -> NextLesson | None:
    if is_qualified(rater):
        return None
    current = qualification_try(rater)
    tries = (_first_open(rater, _test_of(rater), occasion=n) for n in (current, current + 1))
    return next(filter(None, tries), None)


def _first_open(rater: Rater, lessons: QuerySet[Comparison], *, occasion: int) -> NextLesson | None:
    seen = rater.assignments.filter(occasion=occasion).exclude(state=AssignmentState.EXPIRED)
    unseen = lessons.exclude(pk__in=seen.values("comparison"))
    comparison = unseen.order_by("of_check__position", "pk").first()
    return NextLesson(comparison, occasion) if comparison else None


def _settle_qualification(assignment: Assignment, now: datetime) -> None:
    """When the last pair of a try is answered: pass, try again, or see the rater off."""
    rater, plan = assignment.rater, check_plan_of(assignment.rater.study)
    score = score_checks(rater, [CheckRole.QUALIFICATION], occasion=assignment.occasion)
    if score.answered < _test_of(rater).count():
        return
    if score.reaches(plan.qualification_percent):
        Rater.objects.filter(pk=rater.pk, qualified_at=None).update(qualified_at=now)
        rater.refresh_from_db(fields=["qualified_at"])
    elif assignment.occasion >= plan.qualification_tries:
        end_part(rater=rater, outcome=RaterOutcome.SCREENED_OUT, now=now)


def _settle_known_answers(rater: Rater, now: datetime) -> None:
    plan = check_plan_of(rater.study)
    score = score_checks(rater, KNOWN_ANSWER)
    enough = score.answered >= plan.judged_after
    if plan.on_failing == CheckAction.NOTHING or not enough or score.reaches(plan.pass_percent):
        return
    if plan.on_failing == CheckAction.STOP:
        end_part(rater=rater, outcome=RaterOutcome.FAILED_CHECK, now=now)
    else:
        Rater.objects.filter(pk=rater.pk, warned_at=None).update(warned_at=now)
        rater.refresh_from_db(fields=["warned_at"])
