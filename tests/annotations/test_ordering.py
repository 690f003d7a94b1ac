"""The order in which raters get comparisons: even coverage, and an order of everybody's own."""

import random
from itertools import combinations, pairwise
from statistics import correlation, mean

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotations.models import Assignment, Rater, Study
from annotations.services.rating.claiming import claim_assignment
from annotations.services.rating.ordering import PLACES, free_for, new_place, on_arc
from tests.annotations.factories import NOW, make_comparison, make_rater, make_study

pytestmark = pytest.mark.django_db

RATERS = 5


def study_with_places(comparisons: int) -> Study:
    study = make_study(comparisons=0, raters_per_comparison=RATERS)
    rng = random.Random(1)
    for _ in range(comparisons):
        make_comparison(study, position=new_place(rng=rng))
    return study


def take_next(rater: Rater, rng: random.Random) -> int | None:
    """Claim a comparison and be done with it, without the answers; its primary key."""
    given = claim_assignment(rater=rater, now=NOW, rng=rng)
    if given is None:
        return None
    Assignment.objects.filter(pk=given.pk).update(
        state="submitted", submitted_at=NOW, submission_id=given.public_id
    )
    return given.comparison_id


def take_all(study: Study) -> list[list[int]]:
    """What raters get who come one after another, each in their order."""
    rng = random.Random(20231117)
    raters = [make_rater(study) for _ in range(RATERS)]
    return [list(iter(lambda rater=rater: take_next(rater, rng), None)) for rater in raters]


def ranks(order: list[int]) -> list[int]:
    """At which place each comparison came, by primary key, which is the study's order."""
    return [order.index(comparison) for comparison in sorted(order)]


def test_raters_who_come_one_after_another_share_no_order():
    """Correlations of 30 independent ranks: standard error 1 / sqrt(29) = 0.19."""
    orders = take_all(study_with_places(30))
    with_the_study = [correlation(range(30), ranks(order)) for order in orders]
    with_each_other = [correlation(ranks(one), ranks(two)) for one, two in combinations(orders, 2)]
    assert max(map(abs, with_the_study + with_each_other)) < 4 * 0.19
    assert abs(mean(with_the_study)) < 0.19 and abs(mean(with_each_other)) < 0.19
    # 29 of the 870 successions that there can be are a rater's: by chance two share 0.97.
    followers = [set(pairwise(order)) for order in orders]
    assert mean(len(one & two) for one, two in combinations(followers, 2)) < 2


def test_every_comparison_gets_its_next_vote_before_any_is_two_ahead():
    study, rng, spreads = study_with_places(6), random.Random(1), []
    for rater in [make_rater(study) for _ in range(RATERS)]:
        while take_next(rater, rng) is not None:
            seats = study.comparisons.values_list("open_seats", flat=True)
            spreads.append(max(seats) - min(seats))
    assert (len(spreads), max(spreads)) == (6 * RATERS, 1)


def test_a_comparison_gets_a_new_place_with_every_seat():
    study, rng = study_with_places(1), random.Random(2)
    places = {study.comparisons.get().position}
    for _ in range(RATERS):
        take_next(make_rater(study), rng)
        places.add(study.comparisons.get().position)
    assert len(places) == 1 + RATERS


@pytest.mark.parametrize("seed", range(3))
def test_what_wants_more_raters_comes_first_wherever_it_stands(seed):
    study = study_with_places(5)
    needy = study.comparisons.order_by("position")[2]
    study.comparisons.exclude(pk=needy.pk).update(open_seats=2)
    assert take_next(make_rater(study), random.Random(seed)) == needy.pk


@pytest.mark.parametrize("where", ["on an arc", "anywhere"])
def test_one_index_leads_to_the_next_comparison(where):
    """Otherwise a claim would read and sort the comparisons of the whole study."""
    rater = make_rater(study_with_places(2))
    whose = rater.study_id, rater.pk
    free = on_arc(*whose, (1, PLACES)) if where == "on an arc" else free_for(*whose)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # So few rows it would rather read as a whole.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        plan = free[:1].explain()
    assert "comparison_free_seats" in plan
    assert "TEMP B-TREE" not in plan and "Sort" not in plan


@pytest.mark.sqlite
def test_what_a_rater_judged_is_found_from_the_rater():
    """SQLite would begin with all comparisons, if what is no check were asked for by "is null"."""
    if connection.vendor == "sqlite":
        first, *_ = make_rater(study_with_places(2)).assignments.counted().explain().splitlines()
        assert "SEARCH annotations_assignment USING INDEX" in first


def test_a_claim_takes_as_many_queries_whatever_there_is_to_judge():
    counts = []
    for comparisons in (2, 12):
        rater = make_rater(study_with_places(comparisons))
        with CaptureQueriesContext(connection) as queries:
            claim_assignment(rater=rater, now=NOW, rng=random.Random(1))
        counts.append(len(queries))
    assert counts[0] == counts[1]
