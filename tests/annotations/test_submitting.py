import uuid
from datetime import timedelta

import pytest

from annotations.enums import Protocol, StudyState, TiePolicy
from annotations.errors import (
    AnswersRefused,
    AssignmentNotFound,
    SeatGivenAway,
    StudyNotOpen,
    SubmissionConflict,
)
from annotations.models import Judgment
from annotations.services.rating.claiming import release_overdue_leases
from annotations.services.rating.submitting import Answer, submit_answers
from tests.annotations.factories import (
    NOW,
    claim,
    draft,
    faithfulness,
    judge,
    make_rater,
    make_study,
    quality,
    submit,
)

pytestmark = pytest.mark.django_db

AFTER_LEASE = NOW + timedelta(minutes=16)


@pytest.fixture
def assignment():
    return claim(make_rater(make_study()))


def test_a_complete_answer_is_a_judgment_on_every_axis(assignment):
    draft(assignment)
    submit(assignment)
    assert list(assignment.judgments.values_list("axis__key", flat=True)) == [
        "quality",
        "faithfulness",
    ]


@pytest.mark.parametrize(("pressed", "stored"), [("left", "a"), ("right", "b")])
def test_the_side_pressed_is_stored_as_the_model_shown_there(assignment, pressed, stored):
    assignment.side_a = "left"
    assignment.save()
    draft(assignment, quality(pressed))
    submit(assignment)
    assert assignment.judgments.get(axis__key="quality").choice == stored


def test_the_other_layout_resolves_the_other_way(assignment):
    assignment.side_a = "right"
    assignment.save()
    draft(assignment, quality("left"))
    submit(assignment)
    assert assignment.judgments.get(axis__key="quality").choice == "b"


def test_reasons_are_stored_with_their_judgment(assignment):
    draft(assignment, quality(reasons=("pixel-sharpness", "amount-of-motion")))
    submit(assignment)
    judgment = assignment.judgments.get(axis__key="quality")
    assert sorted(judgment.reasons.values_list("key", flat=True)) == [
        "amount-of-motion",
        "pixel-sharpness",
    ]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (quality(choice=""), "Please choose one of the two."),
        (quality(reasons=()), "Please tick at least one reason."),
        (
            quality(reasons=("spatial-text-alignment",)),
            "A reason was ticked that does not belong to this question.",
        ),
        (quality(choice="banana"), "“banana” is not one of the choices."),
        (quality(choice="tie"), "“tie” is not one of the choices."),
        (quality(reasons=("pixel-sharpness",) * 2), "A reason was ticked twice."),
        (
            Answer("quality", "left", ("pixel-sharpness",), note="x" * 2001),
            "The note is longer than 2000 characters.",
        ),
    ],
)
def test_an_answer_that_is_not_complete_or_possible_is_refused(assignment, answer, problem):
    with pytest.raises(AnswersRefused) as refusal:
        draft(assignment, answer)
    assert refusal.value.by_axis == {"quality": [problem]}


def test_a_refused_last_answer_saves_nothing(assignment):
    draft(assignment)
    with pytest.raises(AnswersRefused):
        submit(assignment, faithfulness(choice=""))
    assert Judgment.objects.count() == 0


def test_a_missing_axis_is_refused(assignment):
    draft(assignment)
    with pytest.raises(AnswersRefused):
        submit_answers(
            rater=assignment.rater,
            public_id=assignment.public_id,
            submission_id=uuid.uuid4(),
            answers=[],
            now=NOW,
        )


def test_an_unknown_axis_is_refused(assignment):
    with pytest.raises(AnswersRefused) as refusal:
        draft(assignment, quality(), Answer("beauty", "left", ()))
    assert refusal.value.by_axis == {"": ["There is no open question “beauty” here."]}


def test_faithfulness_cannot_be_answered_before_the_prompt_was_shown(assignment):
    with pytest.raises(AnswersRefused):
        submit(assignment, quality(), faithfulness())
    assert Judgment.objects.count() == 0


def test_the_answer_from_before_the_prompt_cannot_change(assignment):
    draft(assignment, quality("left"))
    with pytest.raises(SubmissionConflict):
        draft(assignment, quality("right"))


def test_the_same_answer_from_before_the_prompt_is_taken_again(assignment):
    draft(assignment, quality("left"))
    assert draft(assignment, quality("left")).draft[0]["choice"] == "left"


def test_a_tie_is_taken_where_the_study_allows_it():
    assignment = claim(make_rater(make_study(tie_policy=TiePolicy.ALLOWED)))
    draft(assignment, quality("tie"))
    submit(assignment)
    assert assignment.judgments.get(axis__key="quality").choice == "tie"


def test_the_plain_protocol_asks_for_no_reason():
    assignment = claim(make_rater(make_study(protocol=Protocol.PLAIN)))
    draft(assignment, quality(reasons=()))
    submit(assignment, faithfulness(reasons=()))
    assert assignment.judgments.count() == 2


def test_somebody_elses_comparison_is_refused(assignment):
    stranger = make_rater(assignment.rater.study)
    with pytest.raises(AssignmentNotFound):
        submit_answers(
            rater=stranger,
            public_id=assignment.public_id,
            submission_id=uuid.uuid4(),
            answers=[quality()],
            now=NOW,
        )


def test_the_same_submission_twice_is_saved_once(assignment):
    draft(assignment)
    submission_id = uuid.uuid4()
    for _ in range(2):
        submit(assignment, faithfulness("left"), submission_id=submission_id)
    assert Judgment.objects.count() == 2


def test_another_body_under_the_same_submission_id_is_refused(assignment):
    draft(assignment)
    submission_id = uuid.uuid4()
    submit(assignment, faithfulness("left"), submission_id=submission_id)
    with pytest.raises(SubmissionConflict):
        submit(assignment, faithfulness("right"), submission_id=submission_id)


def test_a_second_submission_is_refused(assignment):
    draft(assignment)
    submit(assignment, faithfulness("left"))
    with pytest.raises(SubmissionConflict):
        submit(assignment, faithfulness("right"))


def test_a_submission_id_of_another_comparison_is_refused():
    rater = make_rater(make_study(comparisons=2))
    submission_id = uuid.uuid4()
    submit(draft(claim(rater)), submission_id=submission_id)
    with pytest.raises(SubmissionConflict):
        submit(draft(claim(rater)), submission_id=submission_id)


def test_a_late_answer_counts_while_the_seat_is_free(assignment):
    draft(assignment)
    release_overdue_leases(now=AFTER_LEASE)
    submit(assignment, now=AFTER_LEASE)
    assignment.comparison.refresh_from_db()
    assert (Judgment.objects.count(), assignment.comparison.open_seats) == (2, 4)


def test_an_answer_after_the_seat_was_given_away_is_refused_and_kept():
    study = make_study(comparisons=1, raters_per_comparison=1)
    late = draft(claim(make_rater(study)))
    judge(make_rater(study), now=AFTER_LEASE)
    with pytest.raises(SeatGivenAway):
        submit(late, faithfulness("right"), now=AFTER_LEASE)
    late.refresh_from_db()
    assert [answer["choice"] for answer in late.late_answers] == ["left", "right"]
    assert Judgment.objects.filter(assignment=late).count() == 0


def test_a_paused_study_takes_no_answers(assignment):
    draft(assignment)
    type(assignment.rater.study).objects.update(state=StudyState.PAUSED)
    with pytest.raises(StudyNotOpen):
        submit(assignment)
