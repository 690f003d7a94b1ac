"""Count seats, leases, votes and outcomes of a study against each other.

Every finding rests on one SQL statement, which sees one moment: raters may be at work meanwhile.
What a constraint of the database already refuses is not looked for. The counts are made from the
rows alone and not by the services that write them, whose faults they are to find.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest

from annotations.enums import (
    ENDED_AT_PANEL,
    STOPPED,
    AssignmentState,
    Choice,
    Protocol,
    RaterOutcome,
    TiePolicy,
)
from annotations.models import Assignment, Comparison, Judgment, Rater, Reason, Revision, Study
from annotations.models.study import count_of
from annotations.services.pairs.seats import recount_seats

# One that a rater has before them, and the next one, whose clips are loaded meanwhile.
MOST_LEASES = 2
# Far below the number of values that SQLite takes in one statement.
AT_ONCE = 500
IS_OUT = Q(rater__excluded_at__isnull=False) | Q(rater__outcome__in=[*STOPPED, *ENDED_AT_PANEL])


@dataclass(frozen=True)
class Discrepancy:
    """Two things in a study's books that do not agree.

    Attributes
    ----------
    kind
        One word or two for counting and for tests.
    text
        A sentence that names the row.
    is_mendable
        Whether `repair_books` can put it right without guessing what a person meant.
    """

    kind: str
    text: str
    is_mendable: bool = False


@dataclass(frozen=True)
class Size:
    """How much there is in a study's books, checks and repeats included."""

    comparisons: int
    assignments: int
    judgments: int


def check_books(study: Study) -> list[Discrepancy]:
    """All that does not agree, in a number of queries that does not grow with the study."""
    return [found for check in CHECKS for found in check(study)]


def size_of(study: Study) -> Size:
    judgments = Judgment.objects.filter(assignment__comparison__study=study)
    return Size(study.comparisons.count(), _assignments(study).count(), judgments.count())


def repair_books(study: Study) -> list[str]:
    """Put right what can be, in one transaction; a sentence for each thing that was done.

    No answer is changed or taken away: leases of people who are out are ended, leases whose
    answers are saved become submitted, and the open seats are counted anew.
    """
    with transaction.atomic():
        _lock_raters(study)
        people_out = _leases_of_people_out(study).values_list("pk", flat=True)
        done = {
            "answered assignment that was still leased is submitted": _settle_answered(study),
            "lease of a rater who is out was ended": _expire(people_out),
            "lease beyond a comparison's seats was ended": _expire(_leases_too_many(study)),
            "comparison's open seats were counted anew": _recount_seats(study),
        }
    return [f"{count} × {what}." for what, count in done.items() if count]


def _assignments(study: Study) -> QuerySet[Assignment]:
    return Assignment.objects.filter(comparison__study=study)


def _seats_held() -> QuerySet[Assignment]:
    """The assignments that hold a seat, of the comparison in an outer query."""
    holds = Q(state=AssignmentState.LEASED) | Q(
        state=AssignmentState.SUBMITTED, rater__excluded_at=None
    )
    return Assignment.objects.filter(holds, comparison=OuterRef("pk"), occasion=1)


def _with_holders(study: Study) -> QuerySet[Any]:
    """The study's own comparisons, each with the number `held`."""
    return study.comparisons.counted().annotate(held=count_of(_seats_held()))


def _wrong_seats(study: Study) -> QuerySet[Any]:
    right = Greatest(study.raters_per_comparison - F("held"), 0)
    return _with_holders(study).exclude(open_seats=right)


def _seats_of_checks(study: Study) -> QuerySet[Comparison]:
    return study.comparisons.filter(of_check__isnull=False, open_seats__gt=0)


def _overfull(study: Study) -> QuerySet[Any]:
    return _with_holders(study).filter(held__gt=study.raters_per_comparison)


def _leases_of_people_out(study: Study) -> QuerySet[Assignment]:
    return _assignments(study).filter(IS_OUT, state=AssignmentState.LEASED)


def _answered_leases(study: Study) -> QuerySet[Assignment]:
    """Leased, and yet with every answer and the id that it was sent under."""
    leased = _assignments(study).filter(
        state=AssignmentState.LEASED, submission_id__isnull=False, submitted_at__isnull=False
    )
    return leased.annotate(answers=_answers()).filter(answers=study.axes.count())


def _answers() -> Coalesce:
    return count_of(Judgment.objects.filter(assignment=OuterRef("pk")))


def _wrong_open_seats(study: Study) -> Iterator[Discrepancy]:
    for pk, shown, held in _wrong_seats(study).values_list("pk", "open_seats", "held"):
        text = f"Comparison {pk} shows {shown} open seats; {held} of {study.raters_per_comparison}"
        yield Discrepancy("open seats", f"{text} are held.", is_mendable=True)
    for pk, shown in _seats_of_checks(study).values_list("pk", "open_seats"):
        text = f"Comparison {pk} is a check and shows {shown} open seats; checks have none."
        yield Discrepancy("open seats", text, is_mendable=True)


def _too_many_holders(study: Study) -> Iterator[Discrepancy]:
    voted = count_of(_seats_held().filter(state=AssignmentState.SUBMITTED))
    overfull = _overfull(study).annotate(voted=voted)
    for pk, held, votes in overfull.values_list("pk", "held", "voted"):
        text = f"Comparison {pk} has {held} raters in {study.raters_per_comparison} seats, "
        text += f"{votes} of them with a vote that counts."
        can_mend = votes <= study.raters_per_comparison
        yield Discrepancy("too many raters", text, is_mendable=can_mend)


def _leases_without_a_rater(study: Study) -> Iterator[Discrepancy]:
    for pk, rater in _leases_of_people_out(study).values_list("pk", "rater"):
        text = f"Assignment {pk} is leased to rater {rater}, whose part has ended."
        yield Discrepancy("lease of a rater who is out", text, is_mendable=True)


def _too_many_leases(study: Study) -> Iterator[Discrepancy]:
    """More than two leases that ran at the moment when one of them was given."""
    leased = _assignments(study).filter(state=AssignmentState.LEASED)
    spans: defaultdict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for rater, *span in leased.values_list("rater", "leased_at", "lease_expires_at"):
        spans[rater].append((span[0], span[1]))
    for rater, own in spans.items():
        most = max(sum(start <= moment < end for start, end in own) for moment, _ in own)
        if most > MOST_LEASES:
            yield Discrepancy("too many leases", f"Rater {rater} holds {most} leases at once.")


def _answers_incomplete(study: Study) -> Iterator[Discrepancy]:
    wanted = study.axes.count()
    submitted = _assignments(study).filter(state=AssignmentState.SUBMITTED)
    wrong = submitted.annotate(answers=_answers()).exclude(answers=wanted)
    for pk, answers in wrong.values_list("pk", "answers"):
        text = f"Assignment {pk} is submitted with {answers} answers to {wanted} questions."
        yield Discrepancy("answers incomplete", text)


def _answers_unsubmitted(study: Study) -> Iterator[Discrepancy]:
    mendable = set(_answered_leases(study).values_list("pk", flat=True))
    judgments = Judgment.objects.filter(assignment__comparison__study=study)
    stray = judgments.exclude(assignment__state=AssignmentState.SUBMITTED).order_by()
    rows = stray.values_list("assignment", "assignment__state").annotate(answers=Count("pk"))
    for pk, state, answers in rows:
        text = f"Assignment {pk} is {state} and has {answers} answers all the same."
        yield Discrepancy("answers unsubmitted", text, is_mendable=pk in mendable)


def _answers_to_others(study: Study) -> Iterator[Discrepancy]:
    """Answers and raters of one study in another."""
    judgments = Judgment.objects.filter(assignment__comparison__study=study)
    for pk, axis in judgments.exclude(axis__study=study).values_list("pk", "axis"):
        text = f"Judgment {pk} answers question {axis}, which another study asks."
        yield Discrepancy("question of another study", text)
    strangers = _assignments(study).exclude(rater__study=study)
    for pk, rater in strangers.values_list("pk", "rater"):
        text = f"Assignment {pk} belongs to rater {rater} of another study."
        yield Discrepancy("rater of another study", text)


def _wrong_reasons(study: Study) -> Iterator[Discrepancy]:
    ticked = Judgment.reasons.through.objects.filter(judgment__assignment__comparison__study=study)
    wrong = ticked.exclude(reason__axis=F("judgment__axis"))
    for judgment, reason in wrong.values_list("judgment", "reason"):
        text = f"Judgment {judgment} has reason {reason}, which belongs to another question."
        yield Discrepancy("reason of another question", text)


def _missing_reasons(study: Study) -> Iterator[Discrepancy]:
    if study.protocol != Protocol.JUICE:
        return
    with_reasons = Reason.objects.filter(axis__study=study).values("axis")
    judgments = Judgment.objects.filter(assignment__comparison__study=study, axis__in=with_reasons)
    ticked = Judgment.reasons.through.objects.filter(judgment=OuterRef("pk"))
    for pk in judgments.filter(~Exists(ticked)).values_list("pk", flat=True):
        yield Discrepancy("no reason", f"Judgment {pk} has no reason, and the study asks for one.")


def _impossible_ties(study: Study) -> Iterator[Discrepancy]:
    if study.tie_policy == TiePolicy.ALLOWED:
        return
    ties = Judgment.objects.filter(assignment__comparison__study=study, choice=Choice.TIE)
    for pk in ties.values_list("pk", flat=True):
        yield Discrepancy("tie", f"Judgment {pk} is a tie, and the study allows none.")


def _repeats_of_nothing(study: Study) -> Iterator[Discrepancy]:
    first = Assignment.objects.filter(
        comparison=OuterRef("comparison"),
        rater=OuterRef("rater"),
        occasion=1,
        state=AssignmentState.SUBMITTED,
    )
    repeats = _assignments(study).filter(comparison__of_check=None, occasion__gt=1)
    for pk in repeats.filter(~Exists(first)).values_list("pk", flat=True):
        text = f"Assignment {pk} repeats a comparison that its rater did not judge before."
        yield Discrepancy("repeat of nothing", text)


def _ids_used_twice(study: Study) -> Iterator[Discrepancy]:
    """Within each of the two tables the database sees to it."""
    same = Assignment.objects.filter(submission_id=OuterRef("submission_id"))
    replaced = Revision.objects.filter(assignment__comparison__study=study)
    for pk, used in replaced.filter(Exists(same)).values_list("assignment", "submission_id"):
        text = f"Submission {used} stands for an earlier answer of assignment {pk} and for another."
        yield Discrepancy("submission id used twice", text)


def _wrong_endings(study: Study) -> Iterator[Discrepancy]:
    undated = Q(outcome__in=[RaterOutcome.DONE, *STOPPED], finished_at=None)
    nameless = Q(outcome="", finished_at__isnull=False)
    for pk, outcome in study.raters.filter(undated | nameless).values_list("pk", "outcome"):
        text = f"Rater {pk} has the outcome “{outcome}” and no time at which the part ended."
        if not outcome:
            text = f"Rater {pk} has a time at which the part ended and no outcome."
        yield Discrepancy("outcome", text)


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
    holders = _assignments(study).filter(state=AssignmentState.LEASED).values("rater")
    raters = Rater.objects.filter(pk__in=holders).order_by("pk")
    list(raters.select_for_update(of=("self",), no_key=True).values_list("pk"))


def _settle_answered(study: Study) -> int:
    return sum(
        Assignment.objects.filter(pk=pk, state=AssignmentState.LEASED).update(
            state=AssignmentState.SUBMITTED
        )
        for pk in list(_answered_leases(study).values_list("pk", flat=True))
    )


def _leases_too_many(study: Study) -> list[int]:
    """The youngest leases of comparisons that have more raters than seats."""
    surplus = dict(_overfull(study).values_list("pk", "held"))
    leased = Assignment.objects.counted().filter(
        state=AssignmentState.LEASED, comparison__in=_overfull(study).values("pk")
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
    wrong = Q(pk__in=_wrong_seats(study).values("pk"))
    wrong |= Q(pk__in=_seats_of_checks(study).values("pk"))
    locked = list(rows.filter(wrong).values_list("pk", flat=True))
    for start in range(0, len(locked), AT_ONCE):
        recount_seats(study=study, comparison_ids=locked[start : start + AT_ONCE])
    return len(locked)
