"""What changes rarely is kept for some seconds, and raters are known by it."""

from itertools import count

import pytest

from annotations.kept_for import kept_for_seconds
from annotations.models import Rater
from annotations.services.pairs.ready import ready_count
from annotations.services.raters.joining import recognise_rater, sign_rater
from tests.annotations.factories import make_comparison, make_rater, make_study
from tests.annotations.visitors import ApiRater

PERIODS = count(1)


@pytest.fixture
def clock(monkeypatch, settings):
    """The time, in a list; 30 s are kept. Each test is long after the others: ids come again."""
    settings.KEPT_SECONDS = 30
    now = [next(PERIODS) * 3000]
    monkeypatch.setattr("annotations.kept_for.time.monotonic", lambda: now[0])
    return now


def test_a_thing_is_asked_again_after_a_while_and_forgotten_when_others_came(clock):
    asked = []
    about = kept_for_seconds(most=2)(lambda name: asked.append(name) or len(asked))
    assert [about("a"), about("a"), about("b"), about("a")] == [1, 1, 2, 1]
    clock[0] += 29
    assert about("a") == 1
    clock[0] += 1
    assert about("a") == 3
    about("c"), about("d")
    assert about("a") == 6


def test_with_0_seconds_nothing_is_kept(settings):
    settings.KEPT_SECONDS = 0
    asked = []
    about = kept_for_seconds(most=2)(lambda name: asked.append(name) or len(asked))
    assert [about("a"), about("a")] == [1, 2]


@pytest.mark.django_db
def test_how_many_comparisons_are_ready_is_told_as_of_a_while_ago(clock):
    study = make_study(comparisons=2)
    assert ready_count(study.pk) == 2
    make_comparison(study)
    assert ready_count(study.pk) == 2
    clock[0] += 30
    assert ready_count(study.pk) == 3


@pytest.mark.django_db
def test_a_rater_is_known_without_a_look_and_the_rest_is_read_when_asked(
    clock, django_assert_num_queries
):
    rater = make_rater(make_study(languages=["en", "es"]), external_id="r1")
    credential = sign_rater(rater)
    with django_assert_num_queries(1):
        known = [recognise_rater(credential) for _ in range(3)]
    assert known == [rater] * 3 and known[0] is not known[1]
    with django_assert_num_queries(0):
        study = known[0].study
        assert (study.slug, study.offered_languages()) == (rater.study.slug, ["en", "es"])
    with django_assert_num_queries(1):
        assert known[0].external_id == "r1"
    assert recognise_rater("forged") is None


@pytest.mark.django_db
def test_a_rater_who_is_gone_is_nobody(clock, client):
    rater = ApiRater(client, make_study())
    address = f"/api/v1/studies/{rater.study.slug}/claim/"
    assert rater.post(address).status_code == 200
    Rater.objects.get().assignments.all().delete()
    Rater.objects.all().delete()
    assert rater.post(address).status_code == 401
