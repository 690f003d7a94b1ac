"""Everything that can disagree is made by hand, found, and mended where nobody has to guess."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from annotations.models import Assignment, Reason, Revision
from annotations.services.pairs.books import check_books, repair_books
from annotations.services.raters.endings import exclude_rater
from tests.annotations.factories import (
    NOW,
    claim,
    judge,
    make_check,
    make_comparison,
    make_rater,
    make_study,
)

pytestmark = pytest.mark.django_db


def kinds(study) -> list[str]:
    return [found.kind for found in check_books(study)]


def mend(study) -> list[str]:
    """What is left after a repair."""
    assert all(found.is_mendable for found in check_books(study)) is True
    repair_books(study)
    return kinds(study)


def change(row, **values) -> None:
    """Behind the services' backs."""
    type(row).objects.filter(pk=row.pk).update(**values)


def test_books_agree_whatever_the_services_did():
    study = make_study(comparisons=3, raters_per_comparison=2)
    leaver, stayer = make_rater(study), make_rater(study)
    judge(leaver)
    judge(stayer)
    claim(stayer)
    exclude_rater(rater=leaver, why="Left.", now=NOW)
    assert check_books(study) == []


@pytest.mark.parametrize("shown", [0, 5])
def test_wrong_open_seats_are_found_and_counted_anew(shown):
    study = make_study(raters_per_comparison=3)
    judge(make_rater(study))
    claim(make_rater(study))
    change(study.comparisons.get(), open_seats=shown)
    assert [found.text for found in check_books(study)] == [
        f"Comparison {study.comparisons.get().pk} shows {shown} open seats; 2 of 3 are held."
    ]
    assert mend(study) == []
    assert study.comparisons.get().open_seats == 1


def test_an_excluded_raters_vote_holds_no_seat():
    study = make_study(raters_per_comparison=2)
    rater = make_rater(study)
    judge(rater)
    change(rater, excluded_at=NOW, excluded_why="Behind the services' backs.")
    assert kinds(study) == ["open seats"]
    assert mend(study) == []
    assert study.comparisons.get().open_seats == 2


def test_a_check_has_no_seats():
    study = make_study()
    comparison = make_check(study, "gold").comparison
    change(comparison, open_seats=1)
    assert kinds(study) == ["open seats"]
    assert mend(study) == []
    comparison.refresh_from_db()
    assert comparison.open_seats == 0


@pytest.mark.parametrize(
    "out",
    [
        {"excluded_at": NOW, "excluded_why": "By hand."},
        {"outcome": "failed-check", "finished_at": NOW},
        {"outcome": "screened-out", "finished_at": NOW},
        {"outcome": "returned"},
        {"outcome": "timed-out"},
    ],
)
def test_a_lease_of_a_rater_who_is_out_is_ended(out):
    study = make_study(raters_per_comparison=2)
    rater = make_rater(study)
    assignment = claim(rater)
    change(rater, **out)
    assert kinds(study) == ["lease of a rater who is out"]
    assert mend(study) == []
    assignment.refresh_from_db()
    assert (assignment.state, study.comparisons.get().open_seats) == ("expired", 2)


def test_two_votes_in_one_seat_are_told_and_left():
    study = make_study(raters_per_comparison=1)
    judge(make_rater(study))
    change(study.comparisons.get(), open_seats=1)
    judge(make_rater(study))
    comparison = study.comparisons.get()
    [found] = check_books(study)
    assert found.text == (
        f"Comparison {comparison.pk} has 2 raters in 1 seats, 2 of them with a vote that counts."
    )
    assert (found.is_mendable, repair_books(study)) == (False, [])


def test_a_lease_beyond_the_seats_is_ended_and_the_vote_stays():
    study = make_study(raters_per_comparison=1)
    judged = judge(make_rater(study))
    change(study.comparisons.get(), open_seats=1)
    leased = claim(make_rater(study))
    assert kinds(study) == ["too many raters"]
    assert mend(study) == []
    states = dict(Assignment.objects.values_list("pk", "state"))
    assert states == {judged.pk: "submitted", leased.pk: "expired"}


def test_the_youngest_lease_beyond_the_seats_goes():
    study = make_study(raters_per_comparison=1)
    first = claim(make_rater(study))
    change(study.comparisons.get(), open_seats=1)
    second = claim(make_rater(study), now=NOW + timedelta(minutes=1))
    assert mend(study) == []
    states = dict(Assignment.objects.values_list("pk", "state"))
    assert states == {first.pk: "leased", second.pk: "expired"}


def test_three_leases_at_once_are_too_many():
    study = make_study(comparisons=3)
    rater = make_rater(study)
    first = claim(rater)
    for comparison in study.comparisons.exclude(pk=first.comparison_id):
        lease_by_hand(comparison, rater)
    assert kinds(study) == ["too many leases"]


def test_a_lease_that_ran_out_before_the_next_was_given_is_not_counted_with_it():
    study = make_study(comparisons=3)
    rater = make_rater(study)
    for minutes, comparison in enumerate(study.comparisons.all()):
        start = NOW + timedelta(hours=minutes)
        lease_by_hand(comparison, rater, leased_at=start, expires=start + timedelta(minutes=15))
    assert check_books(study) == []


def lease_by_hand(comparison, rater, *, leased_at=NOW, expires=None, **values) -> Assignment:
    change(comparison, open_seats=F("open_seats") - int("occasion" not in values))
    expires = expires or NOW + timedelta(minutes=15)
    return Assignment.objects.create(
        comparison=comparison,
        rater=rater,
        side_a="left",
        leased_at=leased_at,
        lease_expires_at=expires,
        **values,
    )


def test_an_answer_to_one_question_of_two_is_told():
    study = make_study()
    assignment = judge(make_rater(study))
    assignment.judgments.last().delete()
    assert [found.text for found in check_books(study)] == [
        f"Assignment {assignment.pk} is submitted with 1 answers to 2 questions."
    ]
    assert repair_books(study) == []


def test_an_answered_assignment_that_is_still_leased_becomes_submitted():
    study = make_study(raters_per_comparison=2)
    assignment = judge(make_rater(study))
    change(assignment, state="leased")
    assert kinds(study) == ["answers unsubmitted"]
    assert mend(study) == []
    assignment.refresh_from_db()
    assert assignment.state == "submitted"


@pytest.mark.parametrize("state", ["expired", "skipped"])
def test_answers_of_an_assignment_that_ended_otherwise_are_told(state):
    study = make_study()
    assignment = judge(make_rater(study))
    change(assignment, state=state, skip_reason="unsure")
    change(study.comparisons.get(), open_seats=study.raters_per_comparison)
    [found] = check_books(study)
    assert (found.kind, found.is_mendable) == ("answers unsubmitted", False)


def test_half_an_answer_under_a_lease_is_told():
    study = make_study()
    assignment = judge(make_rater(study))
    change(assignment, state="leased")
    assignment.judgments.last().delete()
    assert [found.is_mendable for found in check_books(study)] == [False]


def test_a_reason_of_another_question_is_told():
    study = make_study()
    quality, _ = judge(make_rater(study)).judgments.order_by("axis__position")
    quality.reasons.set([Reason.objects.get(axis__study=study, key="spatial-text-alignment")])
    assert kinds(study) == ["reason of another question"]


@pytest.mark.parametrize(("protocol", "found"), [("juice", ["no reason"]), ("plain", [])])
def test_a_vote_without_reasons_is_told_where_the_study_asks_for_them(protocol, found):
    study = make_study(protocol=protocol)
    judge(make_rater(study)).judgments.first().reasons.clear()
    assert kinds(study) == found


def test_a_question_without_reasons_needs_none():
    study = make_study()
    assignment = judge(make_rater(study))
    assignment.judgments.last().reasons.clear()
    study.axes.last().reasons.all().delete()
    assert check_books(study) == []


@pytest.mark.parametrize(("policy", "found"), [("forced", ["tie"]), ("allowed", [])])
def test_a_tie_is_told_where_there_is_none(policy, found):
    study = make_study(tie_policy=policy)
    change(judge(make_rater(study)).judgments.first(), choice="tie")
    assert kinds(study) == found


def test_questions_and_raters_of_another_study_are_told():
    study, other = make_study(raters_per_comparison=1), make_study(raters_per_comparison=1)
    judgment = judge(make_rater(study)).judgments.order_by("axis__position").first()
    change(judgment, axis=other.axes.get(key="quality"))
    judgment.reasons.set(other.axes.get(key="quality").reasons.all()[:1])
    lease_by_hand(make_comparison(study), make_rater(other))
    assert kinds(study) == ["question of another study", "rater of another study"]
    assert check_books(other) == []


def test_a_repeat_of_what_was_not_judged_is_told():
    study = make_study()
    rater = make_rater(study)
    first = claim(rater)
    lease_by_hand(first.comparison, rater, occasion=2, state="expired")
    assert kinds(study) == ["repeat of nothing"]


def test_a_submission_id_of_two_answers_is_told():
    study = make_study(comparisons=2)
    rater = make_rater(study)
    first, second = judge(rater), judge(rater)
    Revision.objects.create(
        assignment=first,
        submission_id=second.submission_id,
        answers=[],
        submitted_at=NOW,
        replaced_at=NOW,
    )
    assert kinds(study) == ["submission id used twice"]


@pytest.mark.parametrize("ending", [{"outcome": "done"}, {"finished_at": NOW}])
def test_an_outcome_and_its_time_belong_together(ending):
    study = make_study()
    change(make_rater(study), **ending)
    assert kinds(study) == ["outcome"]


def test_the_number_of_queries_does_not_grow_with_the_study():
    def queries(comparisons: int) -> int:
        study = make_study(comparisons=comparisons, raters_per_comparison=1)
        rater = make_rater(study)
        for _ in range(comparisons):
            judge(rater)
        study.comparisons.update(open_seats=1)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert len(check_books(study)) == comparisons
        return len(captured)

    assert queries(1) == queries(4)


def run(*slugs: str, **options) -> str:
    out = StringIO()
    call_command("check_books", *slugs, stdout=out, **options)
    return out.getvalue()


def test_the_command_counts_every_study_that_agrees():
    first, second = make_study(), make_study(comparisons=2)
    judge(make_rater(second))
    assert run() == (
        f"{first.slug}: books agree: 1 comparisons, 0 assignments, 0 judgments\n"
        f"{second.slug}: books agree: 2 comparisons, 1 assignments, 2 judgments\n"
    )
    assert run(first.slug).count("\n") == 1


def test_the_command_fails_while_something_does_not_agree():
    study = make_study(raters_per_comparison=2)
    change(study.comparisons.get(), open_seats=1)
    with pytest.raises(CommandError, match=r"The books of 1 of 1 do not agree\. Give --repair"):
        run(study.slug)
    assert run(study.slug, repair=True) == (
        f"{study.slug}: mended: 1 × comparison's open seats were counted anew.\n"
        f"{study.slug}: books agree: 1 comparisons, 0 assignments, 0 judgments\n"
    )


def test_the_command_fails_when_a_repair_leaves_something():
    study = make_study()
    judge(make_rater(study)).judgments.first().reasons.clear()
    with pytest.raises(CommandError, match=r"The books of 1 of 1 do not agree\.$"):
        run(study.slug, repair=True)


def test_the_command_shows_twenty_of_a_kind_and_counts_the_rest():
    study = make_study(comparisons=23, raters_per_comparison=2)
    study.comparisons.update(open_seats=1)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("check_books", study.slug, stdout=out)
    lines = out.getvalue().splitlines()
    assert (
        lines[0]
        == f"{study.slug}: 23 things do not agree in 23 comparisons, 0 assignments, 0 judgments"
    )
    assert lines[-1] == "  ... and 3 more of this kind: open seats"
    assert len(lines) == 22


def test_the_command_knows_its_studies():
    with pytest.raises(CommandError, match="There is no study “nowhere”"):
        run("nowhere")
