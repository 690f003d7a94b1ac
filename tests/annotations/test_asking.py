"""What is asked of a rater now: all of it in one description, and nothing before its time."""

import dataclasses
import importlib
import uuid
from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.apps import apps

from annotations.enums import CheckAction, CheckRole, SkipReason
from annotations.models import Judgment, Rater, Study
from annotations.services.rating.asking import ask, ask_again
from annotations.services.rating.explaining import examples_of, explained_assignment, feedback_on
from annotations.services.rating.qualifying import Score
from annotations.services.rating.skipping import skip_assignment
from annotations.services.rating.stages import Answer, reasons_in_order
from annotations.services.studies.protocol import describe_protocol
from tests.annotations.factories import (
    NOW,
    answer_both,
    claim,
    draft,
    judge,
    judge_for,
    make_check,
    make_rater,
    make_study,
    plan_quality,
    quality,
)

pytestmark = pytest.mark.django_db

PLAIN_VALUES = (str, int, float, bool, type(None), uuid.UUID, datetime)


def values_in(told):
    """Every value of a description, whatever it is nested in."""
    if dataclasses.is_dataclass(told):
        for field in dataclasses.fields(told):
            yield from values_in(getattr(told, field.name))
    elif isinstance(told, tuple):
        for part in told:
            yield from values_in(part)
    else:
        yield told


def test_before_the_prompts_stage_the_text_is_nowhere_in_it():
    assignment = claim(make_rater(make_study()))
    text = assignment.comparison.prompt.text
    before, after = ask(assignment, now=NOW), ask(draft(assignment), now=NOW)
    assert [text in values_in(before), text in values_in(after)] == [False, True]
    assert [before.prompt, before.source, before.stage] == [None, None, "blind"]


def test_it_holds_plain_values_and_no_rows():
    study = make_study()
    check = make_check(study, CheckRole.PRACTICE)
    make_check(study, CheckRole.EXAMPLE)
    judged = judge(make_rater(study))
    told = (ask(judged, now=NOW), ask_again(judged), feedback_on(judged), examples_of(study))
    assert check.comparison == judged.comparison
    assert [value for value in values_in(told) if not isinstance(value, PLAIN_VALUES)] == []


def test_the_description_cannot_be_changed():
    asked = ask(claim(make_rater(make_study())), now=NOW)
    with pytest.raises(dataclasses.FrozenInstanceError):
        asked.prompt = "told"


def test_the_questions_come_as_open_answered_and_later():
    assignment = claim(make_rater(make_study()))
    before = ask(assignment, now=NOW)
    assert [[q.key for q in before.questions], before.answered, before.later] == [
        ["quality"],
        (),
        (2,),
    ]
    after = ask(draft(assignment, quality("right")), now=NOW)
    assert [q.key for q in after.questions] == ["faithfulness"]
    assert [(a.key, a.choice.value, a.choice.label) for a in after.answered] == [
        ("quality", "right", "Right")
    ]
    assert [before.is_last_stage, after.is_last_stage, after.later] == [False, True, ()]


def test_one_step_back_has_the_answers_and_what_stands():
    judged = judge(make_rater(make_study()), "right")
    again = ask_again(judged)
    [question] = again.questions
    assert question.answer == Answer("faithfulness", "right", ("spatial-text-alignment",))
    assert [a.key for a in again.answered] == ["quality"]
    assert [again.is_revision, again.must_watch, again.lease_expires_at] == [True, False, None]


def test_one_may_go_back_while_the_last_answer_may_be_changed():
    study = make_study(comparisons=2, revise_minutes=10)
    rater = make_rater(study)
    first = ask(claim(rater), now=NOW)
    judge(rater)
    second = claim(rater)
    moments = [NOW, NOW + timedelta(minutes=9), NOW + timedelta(minutes=10)]
    assert first.can_go_back is False
    assert [ask(second, now=moment).can_go_back for moment in moments] == [True, True, False]


def test_a_lesson_says_which_of_how_many_and_the_score_before():
    study = make_study()
    for _ in range(2):
        make_check(study, CheckRole.QUALIFICATION)
    rater = make_rater(study)
    judge_for(rater, "a")
    judge_for(rater, "b")
    lesson = ask(claim(rater), now=NOW).lesson
    assert (lesson.role, lesson.number, lesson.total) == ("qualification", 1, 2)
    assert (lesson.occasion, lesson.earlier) == (2, Score(right=1, answered=2))


def test_a_warning_is_told_at_the_next_pair_and_once():
    study = make_study(comparisons=3)
    plan_quality(study, gold_per_rater=1, on_failing=CheckAction.WARN, judged_after=1)
    gold = make_check(study, CheckRole.GOLD)
    rater = make_rater(study)
    met, warned = [], []
    for minute in range(4):
        now = NOW + timedelta(minutes=minute)
        assignment = claim(rater, now=now)
        met.append(assignment.comparison.of_check)
        warned.append(ask(_fresh(assignment), now=now).is_warned)
        answer_both(assignment, assignment.side_of_choice("b"), now=now)
    place = met.index(gold)
    assert warned == [number == place + 1 for number in range(4)]


def _fresh(assignment):
    return type(assignment).objects.with_stimuli().get(pk=assignment.pk)


def test_a_practice_pair_is_explained_to_its_rater_once_judged():
    study = make_study()
    make_check(study, CheckRole.PRACTICE, explanation="The left hand has six fingers.")
    rater = make_rater(study)
    held = claim(rater)
    before = explained_assignment(rater=rater, public_id=held.public_id)
    judged = judge_for(rater, "b")
    feedback = feedback_on(explained_assignment(rater=rater, public_id=held.public_id))
    assert [before, feedback.is_right] == [None, False]
    assert feedback.explanation == "The left hand has six fingers."
    assert {answer.expected for answer in feedback.answers} == {judged.side_of_choice("a")}


def test_no_other_answer_is_ever_explained():
    study = make_study(comparisons=2)
    plan_quality(study, gold_per_rater=1)
    make_check(study, CheckRole.QUALIFICATION)
    make_check(study, CheckRole.GOLD)
    rater = make_rater(study)
    judged = [judge_for(rater) for _ in range(4)]
    told = [explained_assignment(rater=rater, public_id=one.public_id) for one in judged]
    assert told == [None] * 4


def test_a_skip_can_be_given_every_reason_that_is_offered():
    study = make_study(comparisons=3)
    rater = make_rater(study)
    offered = [one.value for one in ask(claim(rater), now=NOW).skip_reasons]
    assert offered == SkipReason.values


# The order of the reasons.


def order_of(asked) -> list[str]:
    return [reason.key for reason in asked.questions[0].reasons]


def test_a_rater_meets_the_reasons_in_one_order_at_every_pair():
    rater = make_rater(make_study(comparisons=3))
    orders = []
    for _ in range(3):
        orders.append(order_of(ask(claim(rater), now=NOW)))
        judge(rater)
    assert orders[1:] == orders[:1] * 2


def test_every_reason_stands_first_for_about_as_many_raters():
    study = make_study(order_seed=7)
    axis = study.axes.get(key="quality")
    raters = [Rater(pk=number, study=study) for number in range(1, 501)]
    first = Counter(reasons_in_order(axis, rater)[0].key for rater in raters)
    # 500 draws of five: 100 each, and four standard deviations of 9 to either side.
    assert set(first) == set(axis.reasons.values_list("key", flat=True))
    assert all(64 <= count <= 136 for count in first.values())


def test_the_order_of_one_question_does_not_tell_that_of_another():
    study = make_study(order_seed=7)
    axes = study.axes.all()
    last_listed = [axis.reasons.last() for axis in axes]
    raters = [Rater(pk=number, study=study) for number in range(1, 501)]
    firsts = Counter(
        tuple(
            reasons_in_order(axis, rater)[0] == last
            for axis, last in zip(axes, last_listed, strict=True)
        )
        for rater in raters
    )
    # A fifth and a half, independent: 50 of 500 both, four standard deviations of 7 around.
    assert 22 <= firsts[(True, True)] <= 78


def test_a_study_may_fix_the_order():
    study = make_study(reason_order="fixed")
    listed = list(study.axes.get(key="quality").reasons.values_list("key", flat=True))
    orders = [order_of(ask(claim(make_rater(study)), now=NOW)) for _ in range(4)]
    assert orders == [listed] * 4


def test_the_numbers_follow_what_is_shown():
    asked = ask(draft(claim(make_rater(make_study()))), now=NOW)
    [question] = asked.questions
    # The first question has five reasons.
    assert [reason.number for reason in question.reasons] == [6, 7]


def test_the_order_that_was_shown_is_stored_with_the_vote():
    rater = make_rater(make_study())
    shown = order_of(ask(claim(rater), now=NOW))
    judge(rater)
    assert Judgment.objects.get(axis__key="quality").reason_order == shown


def test_a_study_with_the_order_that_all_had_once_keeps_its_hash():
    fixed, random = make_study(reason_order="fixed"), make_study()
    described = [describe_protocol(study).get("reason_order") for study in (fixed, random)]
    assert described == [None, "random"]


def test_studies_past_their_draft_go_on_with_the_order_that_their_raters_saw():
    states = ["draft", "preparing", "open", "paused", "closed"]
    studies = [make_study(state=state) for state in states]
    migration = importlib.import_module("annotations.migrations.0012_reason_order")
    migration.keep_earlier_order(apps, None)
    orders = [Study.objects.get(pk=study.pk).reason_order for study in studies]
    assert orders == ["random", "fixed", "fixed", "fixed", "fixed"]


def test_skipped_pairs_lower_what_is_still_to_do():
    rater = make_rater(make_study(comparisons=3))
    before = ask(claim(rater), now=NOW).progress
    skip_assignment(rater=rater, public_id=claim(rater).public_id, reason="unsure", now=NOW)
    after = ask(claim(rater), now=NOW).progress
    assert [(p.number, p.total) for p in (before, after)] == [(1, 3), (1, 2)]
