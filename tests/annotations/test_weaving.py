"""Checks among a rater's comparisons: evenly spread, never first, never counted."""

import random
from itertools import pairwise

import pytest

from annotations.enums import CheckRole
from annotations.models import Assignment, Judgment
from annotations.services.rating.weaving import REPEAT_DISTANCE, check_places
from tests.annotations.factories import (
    claim,
    judge,
    judge_for,
    make_check,
    make_rater,
    make_study,
    plan_quality,
)

pytestmark = pytest.mark.django_db


def work_through(rater) -> list[Assignment]:
    """Everything that the rater is given, in order."""
    while claim(rater) is not None:
        judge(rater)
    return list(rater.assignments.order_by("pk").select_related("comparison__of_check"))


def is_check(assignment: Assignment) -> bool:
    return assignment.comparison.of_check_id is not None or assignment.occasion > 1


@pytest.mark.parametrize(("total", "checks"), [(20, 4), (100, 7), (5, 5), (200, 1)])
def test_one_check_comes_in_each_block_of_the_work(total, checks):
    for seed in range(50):
        places = check_places(total, checks, rng=random.Random(seed))
        edges = [round(index * total / checks) for index in range(checks + 1)]
        blocks = list(pairwise(edges))
        assert all(
            max(1, start) <= place < max(end, 2)
            for place, (start, end) in zip(places, blocks, strict=True)
        )


def test_the_places_differ_between_raters():
    places = {tuple(check_places(40, 4, rng=random.Random(seed))) for seed in range(30)}
    assert len(places) == 30


def test_no_check_comes_before_the_first_comparison():
    study = make_study(comparisons=3)
    plan_quality(study, gold_per_rater=3)
    for _ in range(3):
        make_check(study, CheckRole.GOLD)
    given = work_through(make_rater(study))
    assert [is_check(given[0]), sum(map(is_check, given)), len(given)] == [False, 3, 6]


def test_every_kind_comes_as_often_as_planned():
    study = make_study(comparisons=12)
    plan_quality(study, gold_per_rater=2, repeats_per_rater=2)
    for _ in range(5):
        make_check(study, CheckRole.GOLD)
    given = work_through(make_rater(study))
    gold = [one for one in given if one.comparison.of_check_id]
    repeats = [one for one in given if one.occasion == 2]
    assert [len(given), len(gold), len(repeats)] == [16, 2, 2]


def test_a_repeat_has_the_sides_changed_and_comes_some_pairs_later():
    study = make_study(comparisons=12)
    plan_quality(study, repeats_per_rater=3)
    given = work_through(make_rater(study))
    for place, second in enumerate(given):
        if second.occasion == 1:
            continue
        first = next(one for one in given if one.comparison_id == second.comparison_id)
        assert first.side_a != second.side_a
        assert place - given.index(first) > REPEAT_DISTANCE


def test_checks_and_repeats_take_no_seat():
    study = make_study(comparisons=8, raters_per_comparison=2)
    plan_quality(study, gold_per_rater=1, repeats_per_rater=1)
    make_check(study, CheckRole.GOLD)
    work_through(make_rater(study))
    seats = study.comparisons.counted().values_list("open_seats", flat=True)
    assert set(seats) == {1}


def test_votes_on_checks_and_repeats_never_count():
    study = make_study(comparisons=8)
    plan_quality(study, gold_per_rater=2, repeats_per_rater=2)
    for _ in range(2):
        make_check(study, CheckRole.GOLD)
    work_through(make_rater(study))
    assert Judgment.objects.for_study(study.pk).count() == 2 * 8
    assert Judgment.objects.filter(assignment__comparison__study=study).count() == 2 * 12


def test_the_maximum_of_a_rater_counts_the_studys_own_pairs():
    study = make_study(comparisons=6, max_per_rater=4)
    plan_quality(study, gold_per_rater=2)
    for _ in range(2):
        make_check(study, CheckRole.GOLD)
    given = work_through(make_rater(study))
    assert [is_check(one) for one in given].count(False) == 4


def test_a_check_whose_clips_are_not_ready_is_not_given():
    study = make_study(comparisons=4)
    plan_quality(study, gold_per_rater=1)
    check = make_check(study, CheckRole.GOLD)
    check.comparison.state = "preparing"
    check.comparison.save()
    given = work_through(make_rater(study))
    assert [is_check(one) for one in given] == [False] * 4


def test_a_rater_who_comes_back_gets_the_same_check_again():
    study = make_study(comparisons=1)
    plan_quality(study, gold_per_rater=1)
    make_check(study, CheckRole.GOLD)
    rater = make_rater(study)
    judge_for(rater)
    first, second = claim(rater), claim(rater)
    assert first is not None
    assert first == second
    assert is_check(first)
