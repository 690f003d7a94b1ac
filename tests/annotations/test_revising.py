"""One step back: the last answer can be changed for a while; the earlier one is kept."""

import uuid
from datetime import timedelta

import pytest

from annotations.enums import CheckRole
from annotations.errors import AnswersRefused, RevisionRefused, SubmissionConflict
from annotations.models import Assignment, Revision
from annotations.services.rating.revising import revise_answers
from annotations.services.rating.stages import previous_assignment
from annotations.services.rating.submitting import Answer
from tests.annotations.factories import (
    NOW,
    answer_both,
    claim,
    faithfulness,
    judge,
    make_check,
    make_rater,
    make_study,
    quality,
    submit,
)

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=1)


def revise(assignment, *answers, now=LATER, submission_id=None):
    return revise_answers(
        rater=assignment.rater,
        public_id=assignment.public_id,
        submission_id=submission_id or uuid.uuid4(),
        answers=answers or [faithfulness("right")],
        now=now,
    )


def choices(assignment) -> dict[str, str]:
    return {
        judgment.axis.key: assignment.side_of_choice(judgment.choice)
        for judgment in assignment.judgments.select_related("axis")
    }


def test_the_last_answer_can_be_changed():
    assignment = judge(make_rater(make_study()), "left")
    revise(assignment, faithfulness("right"))
    assert choices(assignment) == {"quality": "left", "faithfulness": "right"}


def test_the_earlier_answer_stays_in_the_history():
    assignment = judge(make_rater(make_study()), "left")
    before = assignment.submission_id
    revise(assignment)
    kept = Revision.objects.get()
    assert [kept.submission_id, kept.submitted_at, kept.replaced_at] == [before, NOW, LATER]
    assert {row["axis"]: row["choice"] for row in kept.answers} == {
        "quality": assignment.choice_of_side("left"),
        "faithfulness": assignment.choice_of_side("left"),
    }


def test_an_answer_from_before_the_text_was_shown_cannot_change():
    assignment = judge(make_rater(make_study()))
    with pytest.raises(AnswersRefused):
        revise(assignment, quality("right"), faithfulness("right"))


def test_every_answer_can_change_where_no_text_was_hidden():
    study = make_study()
    study.axes.update(shows_prompt=True)
    rater = make_rater(study)
    assignment = claim(rater)
    submit(assignment, quality("left"), faithfulness("left"))
    revise(assignment, quality("right"), faithfulness("right"))
    assert choices(assignment) == {"quality": "right", "faithfulness": "right"}


def test_a_repeat_of_the_change_changes_nothing():
    assignment = judge(make_rater(make_study()))
    submission_id = uuid.uuid4()
    revise(assignment, submission_id=submission_id)
    revise(assignment, submission_id=submission_id)
    assert Revision.objects.count() == 1


def test_another_answer_under_the_same_id_is_refused():
    assignment = judge(make_rater(make_study()))
    submission_id = uuid.uuid4()
    revise(assignment, faithfulness("right"), submission_id=submission_id)
    with pytest.raises(SubmissionConflict):
        revise(assignment, faithfulness("left"), submission_id=submission_id)


def test_a_late_repeat_of_the_first_submission_does_not_undo_the_change():
    assignment = judge(make_rater(make_study()), "left")
    first = assignment.submission_id
    revise(assignment, faithfulness("right"))
    submit(assignment, faithfulness("left"), submission_id=first)
    assert choices(assignment)["faithfulness"] == "right"


def test_an_incomplete_change_is_refused_and_nothing_is_lost():
    assignment = judge(make_rater(make_study()), "left")
    with pytest.raises(AnswersRefused):
        revise(assignment, Answer(axis="faithfulness", choice="right"))
    assert choices(assignment)["faithfulness"] == "left"
    assert not Revision.objects.exists()


def test_only_the_last_answer_can_be_changed():
    rater = make_rater(make_study(comparisons=2))
    first = judge(rater)
    judge(rater, now=LATER)
    with pytest.raises(RevisionRefused):
        revise(first, now=LATER)


def test_after_a_while_the_answer_stands():
    assignment = judge(make_rater(make_study(revise_minutes=15)))
    with pytest.raises(RevisionRefused):
        revise(assignment, now=NOW + timedelta(minutes=15))


def test_a_study_can_forbid_going_back():
    rater = make_rater(make_study(revise_minutes=0))
    judge(rater)
    assert previous_assignment(rater=rater, now=NOW) is None


def test_a_practice_pair_whose_answer_was_told_cannot_be_changed():
    study = make_study()
    make_check(study, CheckRole.PRACTICE)
    rater = make_rater(study)
    judge(rater)
    assert previous_assignment(rater=rater, now=NOW) is None


def test_a_gold_pair_can_be_changed_like_any_other():
    study = make_study()
    check = make_check(study, CheckRole.GOLD)
    rater = make_rater(study)
    assignment = Assignment.objects.create(
        comparison=check.comparison,
        rater=rater,
        side_a="left",
        leased_at=NOW,
        shown_at=NOW,
        lease_expires_at=NOW + timedelta(minutes=15),
    )
    answer_both(assignment, "left")
    assert previous_assignment(rater=rater, now=NOW) == assignment
