"""What is read by a prepared query is what its queryset reads."""

import gc
import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Count
from django.db.transaction import TransactionManagementError

from annotations.models import Assignment, Rater
from annotations.models.prepared import Given, Prepared, given_id, given_moment, given_uuid
from annotations.services.raters.locking import LOCKED_RATER
from annotations.services.rating.ordering import MOST_OPEN_SEATS
from annotations.services.rating.submitting import LOCKED_ASSIGNMENT
from annotations.views import common, media
from tests.annotations.factories import NOW, claim, judge, make_rater, make_study

pytestmark = pytest.mark.django_db

ANYTHING = {
    "rater": 1,
    "study": 1,
    "comparison": 1,
    "now": NOW,
    "public_id": uuid.uuid4(),
    "token": "none",
    "slug": "none",
}


def prepared_queries() -> list[Prepared]:
    """All there are in the modules that answer raters."""
    assert common.STUDY and media.SHOWING
    return [one for one in gc.get_objects() if type(one) is Prepared]


def test_every_prepared_query_can_be_asked_on_this_database():
    queries = prepared_queries()
    assert len(queries) > 10
    for query in queries:
        assert query.all(**ANYTHING) == query.all(**ANYTHING)


def test_rows_come_with_what_was_joined(django_assert_num_queries):
    rater = make_rater(make_study())
    assignment = claim(rater)
    prompt, plan = assignment.comparison.prompt, assignment.comparison.rendition_a.plan
    with django_assert_num_queries(2):
        locked = LOCKED_RATER.first(rater=rater.pk)
        found = LOCKED_ASSIGNMENT.first(rater=rater.pk, public_id=assignment.public_id)
        assert (locked, locked.study, locked.study.title) == (
            rater,
            rater.study,
            rater.study.title,
        )
        assert getattr(locked, "invite", None) is None
        assert (found.comparison.prompt, found.comparison.rendition_a.plan) == (prompt, plan)
    for field in Assignment._meta.concrete_fields:
        expected = getattr(Assignment.objects.get(), field.attname)
        assert getattr(found, field.attname) == expected, field.name
    assert found._state.adding is False


def test_values_are_those_of_the_queryset():
    study = make_study(comparisons=3)
    raters = [make_rater(study), make_rater(study)]
    for rater in (*raters, raters[0]):
        judge(rater)
    last = Prepared(
        lambda: (
            Assignment.objects.for_rater(given_id("rater"))
            .filter(submitted_at__gt=given_moment("after"))
            .order_by("-pk")
            .values_list("state", "submitted_at")
        )
    )
    for rater in raters:
        for after in (NOW - timedelta(days=1), NOW + timedelta(days=1)):
            own = rater.assignments.filter(submitted_at__gt=after).order_by("-pk")
            assert last.all(rater=rater.pk, after=after) == list(
                own.values_list("state", "submitted_at")
            )
    free = study.comparisons.with_free_seat().unseen_by(raters[0].pk)
    assert MOST_OPEN_SEATS.all(study=study.pk, rater=raters[0].pk) == list(
        free.values_list("open_seats", flat=True)[:1]
    )


def test_groups_and_ids_are_read_alike():
    rater = make_rater(make_study(comparisons=2))
    first, second = judge(rater), claim(rater)
    counted = Prepared(
        lambda: (
            Assignment.objects.for_rater(given_id("rater"))
            .order_by("state")
            .values_list("state")
            .annotate(n=Count("pk"))
        )
    )
    by_id = Prepared(lambda: Assignment.objects.filter(public_id=given_uuid("public_id")))
    assert counted.all(rater=rater.pk) == [("leased", 1), ("submitted", 1)]
    assert [by_id.first(public_id=one.public_id) for one in (first, second)] == [first, second]
    assert by_id.first(public_id=uuid.uuid4()) is None


def test_a_value_that_is_not_given_is_an_error():
    with pytest.raises(KeyError, match="rater"):
        LOCKED_RATER.first(study=1)


@pytest.mark.django_db(transaction=True)
def test_rows_are_locked_within_a_transaction_only():
    rater = make_rater(make_study())
    with pytest.raises(TransactionManagementError):
        LOCKED_RATER.first(rater=rater.pk)
    with transaction.atomic():
        assert LOCKED_RATER.first(rater=rater.pk) == rater


def test_places_have_names():
    assert Given("rater", Rater._meta.pk).of({"rater": "12"}) == 12
