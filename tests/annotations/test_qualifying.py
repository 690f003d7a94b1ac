"""Practice, qualification, and what failing checks does."""

import pytest

from annotations.enums import CheckAction, CheckRole, RaterOutcome, SkipReason
from annotations.errors import PartEnded, StudyNotOpen
from annotations.services.raters.endings import end_part
from annotations.services.rating.qualifying import score_checks
from annotations.services.rating.skipping import skip_assignment
from tests.annotations.factories import (
    NOW,
    claim,
    draft,
    faithfulness,
    judge,
    judge_for,
    make_check,
    make_comparison,
    make_rater,
    make_study,
    plan_quality,
    quality,
    submit,
)

pytestmark = pytest.mark.django_db


def role_of(assignment) -> str:
    check = assignment.comparison.of_check
    return check.role if check else ""


def test_practice_comes_first_then_the_test_then_the_work():
    study = make_study(comparisons=1)
    make_check(study, CheckRole.QUALIFICATION)
    make_check(study, CheckRole.PRACTICE)
    rater = make_rater(study)
    assert [role_of(judge_for(rater)) for _ in range(3)] == ["practice", "qualification", ""]


def test_examples_are_never_given_to_be_judged():
    study = make_study(comparisons=1)
    make_check(study, CheckRole.EXAMPLE)
    assert role_of(claim(make_rater(study))) == ""


def test_who_reaches_the_pass_mark_is_qualified():
    study = make_study(comparisons=1)
    plan_quality(study, qualification_percent=50)
    for _ in range(2):
        make_check(study, CheckRole.QUALIFICATION)
    rater = make_rater(study)
    judge_for(rater, "a")
    judge_for(rater, "b")
    rater.refresh_from_db()
    assert rater.qualified_at == NOW
    assert role_of(claim(rater)) == ""


def test_who_fails_the_test_may_try_it_once_more():
    study = make_study(comparisons=1)
    make_check(study, CheckRole.QUALIFICATION)
    rater = make_rater(study)
    judge_for(rater, "b")
    second = judge_for(rater, "a")
    rater.refresh_from_db()
    assert [second.occasion, rater.qualified_at, rater.outcome] == [2, NOW, ""]


def test_who_fails_every_try_is_screened_out():
    study = make_study(comparisons=1)
    make_check(study, CheckRole.QUALIFICATION)
    rater = make_rater(study)
    judge_for(rater, "b")
    judge_for(rater, "b")
    rater.refresh_from_db()
    assert rater.outcome == RaterOutcome.SCREENED_OUT
    with pytest.raises(PartEnded):
        claim(rater)


def test_the_test_cannot_be_passed_by_skipping():
    study = make_study(comparisons=1)
    plan_quality(study, qualification_tries=1)
    make_check(study, CheckRole.QUALIFICATION)
    rater = make_rater(study)
    skip_assignment(
        rater=rater, public_id=claim(rater).public_id, reason=SkipReason.UNSURE, now=NOW
    )
    rater.refresh_from_db()
    assert rater.outcome == RaterOutcome.SCREENED_OUT


def test_a_right_answer_is_right_on_every_axis_that_has_one():
    study = make_study(comparisons=1)
    make_check(study, CheckRole.PRACTICE)
    rater = make_rater(study)
    assignment = claim(rater)
    right, wrong = assignment.side_of_choice("a"), assignment.side_of_choice("b")
    draft(assignment, quality(right))
    submit(assignment, faithfulness(wrong))
    score = score_checks(rater, [CheckRole.PRACTICE])
    assert [score.right, score.answered] == [0, 1]


def test_an_axis_without_an_expected_answer_is_free():
    study = make_study(comparisons=1)
    make_check(study, CheckRole.PRACTICE, expected={"quality": "a"})
    rater = make_rater(study)
    assignment = claim(rater)
    draft(assignment, quality(assignment.side_of_choice("a")))
    submit(assignment, faithfulness(assignment.side_of_choice("b")))
    assert score_checks(rater, [CheckRole.PRACTICE]).right == 1


def failing_rater(action: str, **plan):
    """A rater who answered two gold pairs wrong, among three comparisons."""
    study = make_study(comparisons=3)
    plan_quality(study, gold_per_rater=2, on_failing=action, **{"judged_after": 2, **plan})
    for _ in range(2):
        make_check(study, CheckRole.GOLD)
    rater = make_rater(study)
    while score_checks(rater, [CheckRole.GOLD]).answered < 2:
        judge_for(rater, "b")
    rater.refresh_from_db()
    return rater


def test_failing_checks_does_nothing_unless_the_study_says_so():
    rater = failing_rater(CheckAction.NOTHING)
    assert [rater.warned_at, rater.outcome] == [None, ""]


def test_a_rater_is_warned_where_the_study_says_so():
    rater = failing_rater(CheckAction.WARN)
    assert [rater.warned_at, rater.outcome] == [NOW, ""]


def test_a_rater_is_stopped_where_the_study_says_so():
    rater = failing_rater(CheckAction.STOP)
    assert rater.outcome == RaterOutcome.FAILED_CHECK
    with pytest.raises(PartEnded):
        claim(rater)


def test_nobody_is_judged_by_too_few_checks():
    rater = failing_rater(CheckAction.STOP, judged_after=3)
    assert rater.outcome == ""


def test_a_stopped_rater_cannot_answer_what_was_loaded_ahead():
    study = make_study(comparisons=1)
    rater = make_rater(study)
    assignment = claim(rater)
    type(rater).objects.filter(pk=rater.pk).update(outcome=RaterOutcome.FAILED_CHECK)
    with pytest.raises(StudyNotOpen):
        draft(assignment, quality())


def test_who_is_done_gets_more_when_seats_open_again():
    study = make_study(comparisons=1)
    rater = make_rater(study)
    judge(rater)
    end_part(rater=rater, outcome=RaterOutcome.DONE, now=NOW)
    make_comparison(study)
    assert claim(rater) is not None
