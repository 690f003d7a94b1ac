"""Sides: balanced within the rater and the comparison, and never to be foreseen."""

import random
import uuid
from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from django.db import transaction

from annotations.enums import CheckRole, Side
from annotations.models import Assignment, Comparison, Rater
from annotations.services.rating.claiming import claim_assignment
from annotations.services.rating.ordering import FIRST_OF_ALL
from annotations.services.rating.sides import chance_of_left, draw_side, leads_of
from tests.annotations.factories import (
    NOW,
    judge,
    make_check,
    make_rater,
    make_study,
    plan_quality,
)

SEED = 20231117
AFTER_LEASE = NOW + timedelta(minutes=16)


def show(comparison: Comparison, rater: Rater, side: str, state: str = "submitted", **values):
    """An assignment as it stands after a claim, or after what became of it."""
    submitted = {"submitted_at": NOW, "submission_id": uuid.uuid4()}
    return Assignment.objects.create(
        comparison=comparison,
        rater=rater,
        side_a=side,
        state=state,
        skip_reason="unsure" if state == "skipped" else "",
        leased_at=NOW,
        lease_expires_at=NOW + timedelta(minutes=15),
        **(submitted if state == "submitted" else {}) | values,
    )


def simulate(studies: int = 200, comparisons: int = 40, raters: int = 5):
    """Studies judged by five raters at once: all draws, and the leads they led to."""
    rng = random.Random(SEED)
    draws, within_raters, within_comparisons = [], [], []
    for _ in range(studies):
        own, shared, most = [0] * raters, [0] * comparisons, [0] * raters
        orders = [rng.sample(range(comparisons), comparisons) for _ in range(raters)]
        for place in range(comparisons):
            for rater in range(raters):
                comparison = orders[rater][place]
                chance = chance_of_left(own[rater], shared[comparison])
                step = 1 if rng.random() < chance else -1
                draws.append((own[rater], chance, step))
                own[rater] += step
                shared[comparison] += step
                most[rater] = max(most[rater], abs(own[rater]))
        within_raters += most
        within_comparisons += shared
    return draws, within_raters, within_comparisons


@pytest.fixture(scope="module")
def simulated():
    return simulate()


def test_hardly_any_comparison_has_all_votes_on_one_layout(simulated):
    """Of fair coins, 2 * 0.5 ** 5 = 6.25 % would have."""
    *_, within_comparisons = simulated
    assert sum(abs(lead) == 5 for lead in within_comparisons) / len(within_comparisons) < 0.005
    assert sum(abs(lead) == 1 for lead in within_comparisons) / len(within_comparisons) > 0.9


def test_no_side_is_far_ahead_within_a_rater(simulated):
    """Over 40 pairs; fair coins would lead to 17 at the same quantile."""
    _, within_raters, _ = simulated
    assert sorted(within_raters)[round(0.99 * len(within_raters))] <= 6


def test_nobody_who_knows_the_own_sides_can_foresee_the_next(simulated):
    """Never for certain; and the best guess is right in less than two of three draws."""
    draws, *_ = simulated
    assert {round(chance, 9) for _, chance, _ in draws} == {0.15, 0.5, 0.85}
    seen = defaultdict(Counter)
    for own_lead, _, step in draws:
        seen[own_lead][step] += 1
    assert sum(max(steps.values()) for steps in seen.values()) / len(draws) < 2 / 3


@pytest.mark.parametrize(
    ("rater_lead", "comparison_lead", "chance"),
    [
        (0, 0, 0.5),
        (1, 0, 0.15),
        (-1, 0, 0.85),
        (0, 1, 0.15),
        (1, -1, 0.85),
        (2, -1, 0.5),
        (3, -1, 0.15),
    ],
)
def test_a_lead_within_a_comparison_weighs_twice_as_much(rater_lead, comparison_lead, chance):
    assert chance_of_left(rater_lead, comparison_lead) == pytest.approx(chance)


@pytest.mark.django_db
def test_both_leads_are_of_what_counts():
    study = make_study(comparisons=3)
    rater, other, excluded = make_rater(study), make_rater(study), make_rater(study)
    here, *elsewhere = study.comparisons.all()
    excluded.excluded_at, excluded.excluded_why = NOW, "gold pairs failed"
    excluded.save()
    show(elsewhere[0], rater, "left")
    show(elsewhere[0], rater, "right", occasion=2)
    show(elsewhere[1], rater, "right", state="skipped")
    show(here, other, "right")
    show(here, other, "left", occasion=2)
    show(here, excluded, "right")
    show(here, make_rater(study), "right", state="expired")
    show(here, make_rater(study), "right", state="leased")
    assert leads_of(rater=rater, comparison=here, now=NOW) == (1, -2)
    assert leads_of(rater=rater, comparison=here, now=AFTER_LEASE) == (1, -1)


@pytest.mark.django_db
def test_what_is_found_for_a_rater_comes_with_its_leads():
    study = make_study(comparisons=1)
    here, rater = study.comparisons.get(), make_rater(study)
    show(here, make_rater(study), "right")
    show(here, make_rater(study), "right", state="leased")
    with transaction.atomic():
        found = FIRST_OF_ALL.first(study=study.pk, rater=rater.pk, now=NOW)
    assert (found, found.own_lead, found.rater_lead) == (here, -2, 0)
    assert leads_of(rater=rater, comparison=here, now=NOW) == (0, -2)


@pytest.mark.django_db
def test_checks_are_balanced_among_the_raters_checks_only():
    study = make_study(comparisons=1)
    gold, before = (make_check(study, CheckRole.GOLD).comparison for _ in range(2))
    rater = make_rater(study)
    show(study.comparisons.counted().get(), rater, "left")
    show(before, rater, "right")
    show(gold, make_rater(study), "left")
    assert leads_of(rater=rater, comparison=gold, now=NOW) == (-1, 0)


@pytest.mark.django_db
def test_a_side_is_drawn_as_the_leads_say():
    comparison = make_study(comparisons=1).comparisons.get()
    show(comparison, make_rater(comparison.study), "left")
    rater, rng = make_rater(comparison.study), random.Random(SEED)
    leads = leads_of(rater=rater, comparison=comparison, now=NOW)
    sides = Counter(draw_side(*leads, rng=rng) for _ in range(60))
    # Left in 15 % of them, 9 of 60; 20 or more come once in 5,000 times, and the seed is fixed.
    assert 1 <= sides[Side.LEFT] < 20


@pytest.mark.django_db
def test_a_repeat_keeps_its_side_whatever_the_leads_are():
    study = make_study(comparisons=6)
    plan_quality(study, repeats_per_rater=1)
    rater = make_rater(study)
    given = [judge(rater) for _ in range(7)]
    second = next(one for one in given if one.occasion == 2)
    first = rater.assignments.get(comparison=second.comparison, occasion=1)
    assert second.side_a == Side(first.side_a).other


@pytest.mark.django_db
def test_the_second_of_two_raters_mostly_sees_the_other_layout():
    study, rng = make_study(comparisons=12, raters_per_comparison=2), random.Random(SEED)
    first, second = (sides_given(make_rater(study), rng) for _ in range(2))
    # Of fair coins 6 of 12 would be alike; of this one 15 %, and 5 or more once in 30 times.
    assert sum(first[comparison] == side for comparison, side in second.items()) < 5


def sides_given(rater: Rater, rng: random.Random) -> dict[int, str]:
    """The side of a at each comparison, over all that there is for the rater."""
    given = {}
    while (assignment := claim_assignment(rater=rater, now=NOW, rng=rng)) is not None:
        given[assignment.comparison_id] = assignment.side_a
        Assignment.objects.filter(pk=assignment.pk).update(
            state="submitted", submitted_at=NOW, submission_id=uuid.uuid4()
        )
    return given
