"""What is read by a prepared query is what its queryset reads."""

import gc
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Count, F
from django.db.transaction import TransactionManagementError

from annotations.models import Assignment, Judgment, Rater
from annotations.models.prepared import (
    Given,
    Prepared,
    PreparedInsert,
    PreparedUpdate,
    given_id,
    given_moment,
    given_text,
    given_uuid,
)
from annotations.services.raters.locking import LOCKED_RATER, RATER_AT_WORK
from annotations.services.rating.sides import LEADS_OF, with_leads
from annotations.services.rating.submitting import ASSIGNMENT_AT_WORK
from annotations.views import common, media
from tests.annotations.factories import NOW, claim, judge, make_rater, make_study
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db

ANYTHING = {
    "rater": 1,
    "study": 1,
    "comparison": 1,
    "now": NOW,
    "public_id": uuid.uuid4(),
    "token": "none",
    "slug": "none",
    "low": 0,
    "high": 1,
    "submission_id": uuid.uuid4(),
}


def prepared_queries() -> list[Prepared]:
    """All there are in the modules that answer raters."""
    assert common.STUDY and media.SHOWING
    return [one for one in gc.get_objects() if type(one) is Prepared]


def test_every_prepared_query_can_be_asked_on_this_database():
    """Often enough that PostgreSQL keeps its plan, too."""
    queries = prepared_queries()
    assert len(queries) > 10
    for query in queries:
        first = query.all(**ANYTHING)
        assert all(query.all(**ANYTHING) == first for _ in range(8))


def test_rows_come_with_what_was_joined(django_assert_num_queries):
    rater = make_rater(make_study())
    assignment = claim(rater)
    prompt, plan = assignment.comparison.prompt, assignment.comparison.rendition_a.plan
    with django_assert_num_queries(2):
        locked = LOCKED_RATER.first(rater=rater.pk)
        found = ASSIGNMENT_AT_WORK.first(rater=rater.pk, public_id=assignment.public_id)
        for read in (locked, found.rater):
            assert (read, read.study, read.study.title) == (rater, rater.study, rater.study.title)
            assert getattr(read, "invite", None) is None
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
    here, rater = study.comparisons.first(), raters[0]
    [found] = LEADS_OF.all(comparison=here.pk, rater=rater.pk, now=NOW)
    plain = with_leads(study.comparisons.filter(pk=here.pk), rater=rater.pk, now=NOW).get()
    leads = [(one, one.rater_lead, one.own_lead) for one in (found, plain)]
    assert leads[0] == leads[1] and leads[0][1:] != (0, 0)


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


def test_an_update_changes_what_the_queryset_finds():
    rater = make_rater(make_study(comparisons=2))
    first, second = judge(rater), claim(rater)
    answers = [{"axis": "quality", "reasons": ["50 % of “it”"]}]
    field = Assignment._meta.get_field
    changed = PreparedUpdate(
        lambda: Assignment.objects.filter(rater=given_id("rater"), state=given_text("state")),
        lambda: {"draft": Given("draft", field("draft")), "occasion": F("occasion") + 1},
    )
    assert changed.run(rater=rater.pk, state="leased", draft=answers) == 1
    assert changed.run(rater=rater.pk, state="expired", draft=answers) == 0
    rows = Assignment.objects.in_bulk()
    assert (rows[second.pk].draft, rows[second.pk].occasion) == (answers, 2)
    assert (rows[first.pk].draft, rows[first.pk].occasion) == (first.draft, 1)
    assert changed.run(rater=rater.pk, state="leased", draft=None) == 1
    assert Assignment.objects.filter(pk=second.pk, draft__isnull=True).exists()


def test_inserted_rows_are_what_django_would_have_written():
    assignment = judge(make_rater(make_study()))
    judgments = list(assignment.judgments.order_by("axis"))
    assignment.judgments.all().delete()
    new = [
        Judgment(**{f.attname: getattr(one, f.attname) for f in one._meta.fields if f.name != "id"})
        for one in judgments
    ]
    PreparedInsert(Judgment).run([])
    PreparedInsert(Judgment).run(new)
    written = Judgment.objects.in_bulk([one.pk for one in new])
    assert len(written) == len(judgments) > 1
    for one in new:
        for field in Judgment._meta.fields:
            assert getattr(written[one.pk], field.attname) == getattr(one, field.attname)
        assert one._state.adding is False


def test_a_refused_row_leaves_the_transaction_as_any_other_would():
    assignment = judge(make_rater(make_study()))
    first, _ = assignment.judgments.all()
    first.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        PreparedInsert(Judgment).run([first])
    assert Judgment.objects.count() == 2


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("query", [RATER_AT_WORK, ASSIGNMENT_AT_WORK], ids=["rater", "assignment"])
def test_postgres_takes_the_locks_in_their_order(query):
    """Study, rater, assignment: who waits for one of them holds those before it, and no other."""
    assignment = claim(make_rater(make_study()))
    rows = [assignment.comparison.study, assignment.rater, assignment]
    rows = rows if query is ASSIGNMENT_AT_WORK else rows[:2]
    given = {"rater": assignment.rater_id, "public_id": assignment.public_id}
    for place, held in enumerate(rows):
        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            _lock(held)
            waiting = pool.submit(_lock_by, query, given)
            wait_for(somebody_waits_for_a_lock, "the one who waits for the lock")
            others = [one for one in rows if one is not held]
            assert [_is_locked(one) for one in others] == [
                rows.index(one) < place for one in others
            ]
            transaction.set_rollback(True)
        waiting.result()


def somebody_waits_for_a_lock() -> bool:
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone() == (1,)


def _lock(row, **how):
    return type(row).objects.select_for_update(**how).filter(pk=row.pk).values_list("pk").get()


def _lock_by(query, given):
    with transaction.atomic():
        query.all(**given)
    connection.close()


def _is_locked(row):
    try:
        with transaction.atomic():
            _lock(row, nowait=True)
    except OperationalError:
        return True
    return False


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
    assert Given("rater", Rater._meta.pk).of({"rater": "12"}, connection) == 12
