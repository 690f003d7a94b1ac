"""What is counted of raters, and the rule that leaves some out."""

import itertools
from datetime import timedelta

import pytest

from annotations.enums import CheckRole, Doubt
from annotations.services.rating.conduct import conduct_of, exclude_by_rule, raters_under_rule
from tests.annotations.factories import (
    NOW,
    claim,
    draft,
    faithfulness,
    judge,
    judge_for,
    make_check,
    make_rater,
    make_study,
    plan_quality,
    quality,
    submit,
)

pytestmark = pytest.mark.django_db


def finish(rater, answer) -> None:
    while claim(rater) is not None:
        answer(rater)


def only(study):
    return next(iter(conduct_of(study).values()))


def study_with_gold(gold: int = 4, **plan):
    study = make_study(comparisons=6)
    plan_quality(study, gold_per_rater=gold, **plan)
    for _ in range(gold):
        make_check(study, CheckRole.GOLD)
    return study


def test_right_answers_to_checks_are_counted():
    study = study_with_gold()
    winners = itertools.cycle("abbb")
    rater = make_rater(study)
    while (assignment := claim(rater)) is not None:
        is_gold = assignment.comparison.of_check_id is not None
        judge_for(rater, next(winners) if is_gold else "a")
    conduct = only(study)
    assert [conduct.gold_right, conduct.gold] == [1, 4]


def test_a_repeat_answered_for_the_same_clip_is_alike():
    study = make_study(comparisons=8)
    plan_quality(study, repeats_per_rater=2)
    finish(make_rater(study), lambda rater: judge_for(rater, "a"))
    conduct = only(study)
    assert [conduct.repeats_alike, conduct.repeats] == [4, 4]


def test_a_rater_who_presses_one_side_changes_with_the_repeat():
    study = make_study(comparisons=8)
    plan_quality(study, repeats_per_rater=2)
    finish(make_rater(study), lambda rater: judge(rater, "left"))
    conduct = only(study)
    assert [conduct.repeats_alike, conduct.repeats] == [0, 4]


def test_answers_that_the_clock_cannot_believe_are_counted():
    study = make_study(comparisons=2)
    rater = make_rater(study)
    judge(rater)
    later = NOW + timedelta(minutes=1)
    assignment = claim(rater, now=later)
    draft(assignment, now=later + timedelta(seconds=9))
    submit(assignment, now=later + timedelta(seconds=10))
    conduct = only(study)
    assert [conduct.too_soon, conduct.answered] == [1, 2]


def test_facts_of_the_browser_are_added_up():
    study = make_study(comparisons=2)
    rater = make_rater(study)
    for touch, lost in ((True, 3), (False, 2)):
        assignment = judge(rater)
        assignment.playback = {"touch": touch, "focus_lost": lost, "pasted": "many"}
        assignment.save()
    conduct = only(study)
    assert [conduct.devices, conduct.focus_lost, conduct.pasted] == [{"touch", "pointer"}, 5, 0]


def test_the_same_reason_every_time_is_noticed():
    study = make_study(comparisons=10)
    finish(make_rater(study), judge)
    assert sorted(only(study).same_reasons) == ["faithfulness", "quality"]


def test_a_note_that_two_raters_wrote_word_for_word_is_noticed():
    study = make_study()
    for _ in range(2):
        assignment = claim(make_rater(study))
        note = "The motion of the fox is smoother on this side."
        draft(assignment, quality())
        submit(
            assignment,
            type(faithfulness())(
                axis="faithfulness",
                choice="left",
                reasons=("spatial-text-alignment",),
                note=note,
            ),
        )
    assert [one.copied_notes for one in conduct_of(study).values()] == [1, 1]


def test_without_a_rule_nobody_is_named():
    study = study_with_gold()
    finish(make_rater(study), lambda rater: judge_for(rater, "b"))
    assert raters_under_rule(study) == []


def test_the_rule_names_who_has_too_few_checks_right():
    study = study_with_gold(exclude_gold_below=50)
    good, bad = make_rater(study, "good"), make_rater(study, "bad")
    finish(good, lambda rater: judge_for(rater, "a"))
    finish(bad, lambda rater: judge_for(rater, "b"))
    assert raters_under_rule(study) == [(bad, "0 of 4 checks right, under 50 %")]


def test_a_rater_with_too_few_checks_is_not_named():
    study = study_with_gold(gold=3, exclude_gold_below=50)
    finish(make_rater(study), lambda rater: judge_for(rater, "b"))
    assert raters_under_rule(study) == []


def test_the_rule_opens_the_seats_and_keeps_the_reason():
    study = study_with_gold(exclude_gold_below=50)
    rater = make_rater(study)
    finish(rater, lambda one: judge_for(one, "b"))
    assert exclude_by_rule(study=study, now=NOW) == 1
    rater.refresh_from_db()
    assert rater.excluded_why == "By rule: 0 of 4 checks right, under 50 %"
    assert set(study.comparisons.counted().values_list("open_seats", flat=True)) == {5}


def test_the_rule_names_who_answers_too_soon():
    study = make_study(comparisons=4)
    plan_quality(study, exclude_fast_above=50)
    rater = make_rater(study)
    finish(rater, judge)
    assert rater.assignments.first().doubts == [Doubt.TOO_SOON, Doubt.NO_FACTS]
    assert raters_under_rule(study) == [(rater, "4 of 4 answered too soon, over 50 %")]
