"""Count seats, leases, votes and outcomes of studies against each other.

Every finding rests on one SQL statement, which sees one moment: raters may be at work meanwhile.
What a constraint of the database already refuses is not looked for. The counts are made from the
rows alone and not by the services that write them, whose faults they are to find.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest

from annotations.batches import in_batches
from annotations.enums import (
    ENDED_AT_PANEL,
    STOPPED,
    AssignmentState,
    Choice,
    Protocol,
    RaterOutcome,
    TiePolicy,
)
from annotations.models import (
    Assignment,
    Axis,
    Comparison,
    Judgment,
    Rater,
    Reason,
    Revision,
    Study,
)
from annotations.models.study import count_of
from annotations.services.pairs.seats import recount_seats

# Primary keys of studies.
Keys = Sequence[int]

# One that a rater has before them, and the next one, whose clips are loaded meanwhile.
MOST_LEASES = 2
# A row of one study's, by its own key: of a comparison or rater, an assignment, a judgment.
ROW = ("study", "pk")
OF_COMPARISON = ("comparison__study", "pk")
OF_ASSIGNMENT = ("assignment__comparison__study", "pk")
IS_OUT = Q(rater__excluded_at__isnull=False) | Q(rater__outcome__in=[*STOPPED, *ENDED_AT_PANEL])


@dataclass(frozen=True)
class Discrepancy:
    """Two things in a study's books that do not agree.

    Attributes
    ----------
    study
        Primary key.
    kind
        One word or two for counting and for tests.
    text
        A sentence that names the row.
    is_mendable
        Whether `repair_books` can put it right without guessing what a person meant.
    """

    study: int
    kind: str
    text: str
    is_mendable: bool = False


@dataclass(frozen=True)
class Size:
    """How much there is in a study's books, checks and repeats included."""

    comparisons: int
    assignments: int
    judgments: int


def check_books(*studies: Study) -> list[Discrepancy]:
    """All that does not agree, in a number of queries that grows with nothing."""
    keys = [study.pk for study in studies]
    return [found for check in CHECKS for found in check(keys)]


def size_of(study: Study) -> Size:
    own = [study.pk]
    return Size(study.comparisons.count(), _assignments(own).count(), _judgments(own).count())


def repair_books(study: Study) -> list[str]:
    """Put right what can be, in one transaction; a sentence for each thing that was done.

    No answer is changed or taken away: leases of people who are out are ended, leases whose
    answers are saved become submitted, and the open seats are counted anew.
    """
    with transaction.atomic():
        _lock_raters(study)
        people_out = _leases_of_people_out([study.pk]).values_list("pk", flat=True)
        done = {
            "answered assignment that was still leased is submitted": _settle_answered(study),
            "lease of a rater who is out was ended": _expire(people_out),
            "lease beyond a comparison's seats was ended": _expire(_leases_too_many(study)),
            "comparison's open seats were counted anew": _recount_seats(study),
        }
    return [f"{count} × {what}." for what, count in done.items() if count]


def _assignments(studies: Keys) -> QuerySet[Assignment]:
    return Assignment.objects.filter(comparison__study__in=studies)


def _judgments(studies: Keys) -> QuerySet[Judgment]:
    return Judgment.objects.filter(assignment__comparison__study__in=studies)


def _seats_held() -> QuerySet[Assignment]:
    """The assignments that hold a seat, of the comparison in an outer query."""
    holds = Q(state=AssignmentState.LEASED) | Q(
        state=AssignmentState.SUBMITTED, rater__excluded_at=None
    )
    return Assignment.objects.filter(holds, comparison=OuterRef("pk"), occasion=1)


def _with_holders(studies: Keys) -> QuerySet[Any]:
    """The studies' own comparisons, each with the number `held` and of `seats`."""
    own = Comparison.objects.counted().filter(study__in=studies)
    return own.annotate(held=count_of(_seats_held()), seats=F("study__raters_per_comparison"))


def _wrong_seats(studies: Keys) -> QuerySet[Any]:
    return _with_holders(studies).exclude(open_seats=Greatest(F("seats") - F("held"), 0))


def _seats_of_checks(studies: Keys) -> QuerySet[Comparison]:
    return Comparison.objects.filter(study__in=studies, of_check__isnull=False, open_seats__gt=0)


def _overfull(studies: Keys) -> QuerySet[Any]:
    return _with_holders(studies).filter(held__gt=F("seats"))


def _leases_of_people_out(studies: Keys) -> QuerySet[Assignment]:
    return _assignments(studies).filter(IS_OUT, state=AssignmentState.LEASED)


def _answered_leases(studies: Keys) -> QuerySet[Assignment]:
    """Leased, and yet with every answer and the id that it was sent under."""
    leased = _assignments(studies).filter(
        state=AssignmentState.LEASED, submission_id__isnull=False, submitted_at__isnull=False
    )
    return _with_answers(leased).filter(answers=F("wanted"))


def _with_answers(assignments: QuerySet[Assignment]) -> QuerySet[Any]:
    """Each with the number of `answers` and how many are `wanted`."""
    axes = Axis.objects.filter(study=OuterRef("comparison__study"))
    answers = Judgment.objects.filter(assignment=OuterRef("pk"))
    return assignments.annotate(answers=count_of(answers), wanted=count_of(axes))


def _wrong_open_seats(studies: Keys) -> Iterator[Discrepancy]:
    wrong = _wrong_seats(studies)
    for study, pk, shown, held, seats in wrong.values_list(*ROW, "open_seats", "held", "seats"):
        text = f"Comparison {pk} shows {shown} open seats; {held} of {seats} are held."
        yield Discrepancy(study, "open seats", text, is_mendable=True)
    for study, pk, shown in _seats_of_checks(studies).values_list(*ROW, "open_seats"):
        text = f"Comparison {pk} is a check and shows {shown} open seats; checks have none."
        yield Discrepancy(study, "open seats", text, is_mendable=True)


def _too_many_holders(studies: Keys) -> Iterator[Discrepancy]:
    voted = count_of(_seats_held().filter(state=AssignmentState.SUBMITTED))
    overfull = _overfull(studies).annotate(voted=voted)
    for study, pk, held, votes, seats in overfull.values_list(*ROW, "held", "voted", "seats"):
        text = f"Comparison {pk} has {held} raters in {seats} seats, "
        text += f"{votes} of them with a vote that counts."
        yield Discrepancy(study, "too many raters", text, is_mendable=votes <= seats)


def _leases_without_a_rater(studies: Keys) -> Iterator[Discrepancy]:
    for study, pk, rater in _leases_of_people_out(studies).values_list(*OF_COMPARISON, "rater"):
        text = f"Assignment {pk} is leased to rater {rater}, whose part has ended."
        yield Discrepancy(study, "lease of a rater who is out", text, is_mendable=True)


def _too_many_leases(studies: Keys) -> Iterator[Discrepancy]:
    """More than two leases that ran at the moment when one of them was given."""
    leased = _assignments(studies).filter(state=AssignmentState.LEASED)
    spans: defaultdict[tuple[int, int], list[tuple[datetime, datetime]]] = defaultdict(list)
    times = ("leased_at", "lease_expires_at")
    for study, rater, *span in leased.values_list("comparison__study", "rater", *times):
        spans[study, rater].append((span[0], span[1]))
    for (study, rater), own in spans.items():
        most = max(sum(start <= moment < end for start, end in own) for moment, _ in own)
        if most > MOST_LEASES:
            text = f"Rater {rater} holds {most} leases at once."
            yield Discrepancy(study, "too many leases", text)


def _answers_incomplete(studies: Keys) -> Iterator[Discrepancy]:
    submitted = _with_answers(_assignments(studies).filter(state=AssignmentState.SUBMITTED))
    wrong = submitted.exclude(answers=F("wanted"))
    for study, pk, answers, wanted in wrong.values_list(*OF_COMPARISON, "answers", "wanted"):
        text = f"Assignment {pk} is submitted with {answers} answers to {wanted} questions."
        yield Discrepancy(study, "answers incomplete", text)


def _answers_unsubmitted(studies: Keys) -> Iterator[Discrepancy]:
    mendable = set(_answered_leases(studies).values_list("pk", flat=True))
    stray = _judgments(studies).exclude(assignment__state=AssignmentState.SUBMITTED).order_by()
    row = ("assignment__comparison__study", "assignment", "assignment__state")
    for study, pk, state, answers in stray.values_list(*row).annotate(answers=Count("pk")):
        text = f"Assignment {pk} is {state} and has {answers} answers all the same."
        yield Discrepancy(study, "answers unsubmitted", text, is_mendable=pk in mendable)


def _answers_to_others(studies: Keys) -> Iterator[Discrepancy]:
    """Answers and raters of one study in another."""
    asked = _judgments(studies).exclude(axis__study=F("assignment__comparison__study"))
    for study, pk, axis in asked.values_list(*OF_ASSIGNMENT, "axis"):
        text = f"Judgment {pk} answers question {axis}, which another study asks."
        yield Discrepancy(study, "question of another study", text)
    strangers = _assignments(studies).exclude(rater__study=F("comparison__study"))
    for study, pk, rater in strangers.values_list(*OF_COMPARISON, "rater"):
        text = f"Assignment {pk} belongs to rater {rater} of another study."
        yield Discrepancy(study, "rater of another study", text)


def _wrong_reasons(studies: Keys) -> Iterator[Discrepancy]:
    of_study = "judgment__assignment__comparison__study"
    ticked = Judgment.reasons.through.objects.filter(**{f"{of_study}__in": studies})
    wrong = ticked.exclude(reason__axis=F("judgment__axis"))
    for study, judgment, reason in wrong.values_list(of_study, "judgment", "reason"):
        text = f"Judgment {judgment} has reason {reason}, which belongs to another question."
        yield Discrepancy(study, "reason of another question", text)


def _missing_reasons(studies: Keys) -> Iterator[Discrepancy]:
    with_reasons = Reason.objects.filter(axis=OuterRef("axis"))
    ticked = Judgment.reasons.through.objects.filter(judgment=OuterRef("pk"))
    asked = _judgments(studies).filter(assignment__comparison__study__protocol=Protocol.JUICE)
    bare = asked.filter(Exists(with_reasons), ~Exists(ticked))
    for study, pk in bare.values_list(*OF_ASSIGNMENT):
        text = f"Judgment {pk} has no reason, and the study asks for one."
        yield Discrepancy(study, "no reason", text)


def _impossible_ties(studies: Keys) -> Iterator[Discrepancy]:
    ties = _judgments(studies).filter(choice=Choice.TIE)
    wrong = ties.exclude(assignment__comparison__study__tie_policy=TiePolicy.ALLOWED)
    for study, pk in wrong.values_list(*OF_ASSIGNMENT):
        yield Discrepancy(study, "tie", f"Judgment {pk} is a tie, and the study allows none.")


def _repeats_of_nothing(studies: Keys) -> Iterator[Discrepancy]:
    first = Assignment.objects.filter(
        comparison=OuterRef("comparison"),
        rater=OuterRef("rater"),
        occasion=1,
        state=AssignmentState.SUBMITTED,
    )
    repeats = _assignments(studies).filter(comparison__of_check=None, occasion__gt=1)
    for study, pk in repeats.filter(~Exists(first)).values_list(*OF_COMPARISON):
        text = f"Assignment {pk} repeats a comparison that its rater did not judge before."
        yield Discrepancy(study, "repeat of nothing", text)


def _ids_used_twice(studies: Keys) -> Iterator[Discrepancy]:
    """Within each of the two tables the database sees to it."""
    same = Assignment.objects.filter(submission_id=OuterRef("submission_id"))
    of_study = "assignment__comparison__study"
    replaced = Revision.objects.filter(Exists(same), **{f"{of_study}__in": studies})
    for study, pk, used in replaced.values_list(of_study, "assignment", "submission_id"):
        text = f"Submission {used} stands for an earlier answer of assignment {pk} and for another."
        yield Discrepancy(study, "submission id used twice", text)


def _wrong_endings(studies: Keys) -> Iterator[Discrepancy]:
    undated = Q(outcome__in=[RaterOutcome.DONE, *STOPPED], finished_at=None)
    nameless = Q(outcome="", finished_at__isnull=False)
    wrong = Rater.objects.filter(undated | nameless, study__in=studies)
    for study, pk, outcome in wrong.values_list(*ROW, "outcome"):
        text = f"Rater {pk} has the outcome “{outcome}” and no time at which the part ended."
        if not outcome:
            text = f"Rater {pk} has a time at which the part ended and no outcome."
        yield Discrepancy(study, "outcome", text)


CHECKS = (
    _wrong_open_seats,
    _too_many_holders,
    _leases_without_a_rater,
    _too_many_leases,
    _answers_incomplete,
    _answers_unsubmitted,
    _answers_to_others,
    _wrong_reasons,
    _missing_reasons,
    _impossible_ties,
    _repeats_of_nothing,
    _ids_used_twice,
    _wrong_endings,
)


def _lock_raters(study: Study) -> None:
    """Everybody who holds a lease, as every other writer does first."""
    holders = _assignments([study.pk]).filter(state=AssignmentState.LEASED).values("rater")
    raters = Rater.objects.filter(pk__in=holders).order_by("pk")
    list(raters.select_for_update(of=("self",), no_key=True).values_list("pk"))


def _settle_answered(study: Study) -> int:
    return sum(
        Assignment.objects.filter(pk=pk, state=AssignmentState.LEASED).update(
            state=AssignmentState.SUBMITTED
        )
        for pk in list(_answered_leases([study.pk]).values_list("pk", flat=True))
    )


def _leases_too_many(study: Study) -> list[int]:
    """The youngest leases of comparisons that have more raters than seats."""
    surplus = dict(_overfull([study.pk]).values_list("pk", "held"))
    leased = Assignment.objects.counted().filter(
        state=AssignmentState.LEASED, comparison__in=_overfull([study.pk]).values("pk")
    )
    found = []
    for pk, comparison in leased.order_by("-leased_at", "-pk").values_list("pk", "comparison"):
        if surplus.get(comparison, 0) > study.raters_per_comparison:
            surplus[comparison] -= 1
            found.append(pk)
    return found


def _expire(assignments: Iterable[int]) -> int:
    """End these leases; one that was answered or ended meanwhile stays as it is."""
    leased = Assignment.objects.filter(state=AssignmentState.LEASED)
    return sum(
        leased.filter(pk=pk).update(state=AssignmentState.EXPIRED) for pk in sorted(assignments)
    )


def _recount_seats(study: Study) -> int:
    """Counted by statements that begin when the rows are locked, so nobody's change is lost."""
    rows = study.comparisons.select_for_update(of=("self",), no_key=True).order_by("pk")
    wrong = Q(pk__in=_wrong_seats([study.pk]).values("pk"))
    wrong |= Q(pk__in=_seats_of_checks([study.pk]).values("pk"))
    locked = list(rows.filter(wrong).values_list("pk", flat=True))
    for some in in_batches(locked):
        recount_seats(study=study, comparison_ids=some)
    return len(locked)
