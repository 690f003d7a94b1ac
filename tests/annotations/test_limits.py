"""When a study gives out work, and how much of it one rater gets."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from annotations.errors import ShareReached, StudyNotOpen, StudyOver
from annotations.models import Rater, Recruitment
from annotations.services.raters.entry import PanelIdentity, most_by_one_rater, recruitment_of
from annotations.services.raters.joining import join_study
from tests.annotations.factories import NOW, claim, judge, make_rater, make_study
from tests.annotations.visitors import Visitor, recruit

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def test_nothing_is_given_out_before_the_study_opens():
    study = make_study()
    rater = make_rater(study)
    recruit(study, opens_at=NOW + HOUR)
    with pytest.raises(StudyNotOpen, match="opens on 23 November 2026, 13:00"):
        claim(rater)
    assert claim(rater, now=NOW + HOUR) is not None


def test_nothing_new_is_given_out_after_the_study_closed():
    study = make_study()
    rater = make_rater(study)
    recruit(study, closes_at=NOW + HOUR)
    assert claim(rater) is not None
    with pytest.raises(StudyOver):
        claim(make_rater_at(study, NOW), now=NOW + HOUR)


def make_rater_at(study, now):
    return join_study(study=study, identity=PanelIdentity(), now=now)


def test_a_pair_in_hand_can_be_finished_after_the_study_closed():
    study = recruit(make_study(), closes_at=timezone.now() + HOUR)
    visitor = Visitor(Client(), study)
    visitor.open()
    visitor.send()
    recruit(study, closes_at=timezone.now() - HOUR)
    visitor.answer_quality()
    page = visitor.answer_faithfulness().content.decode()
    assert study.completion_code in page
    assert "This study closed on" in page


def test_who_comes_after_the_study_closed_is_not_taken_in():
    study = recruit(make_study(), closes_at=timezone.now() - HOUR)
    visitor = Visitor(Client(), study)
    visitor.open()
    page = visitor.send().content.decode()
    assert "This study closed on" in page
    assert study.completion_code not in page
    assert not Rater.objects.exists()


def test_who_comes_too_early_is_told_when_to_come():
    study = recruit(make_study(), opens_at=timezone.now() + HOUR)
    visitor = Visitor(Client(), study)
    visitor.open()
    assert "Please come back then." in visitor.send().content.decode()


def test_people_at_the_door_are_spoken_to_in_their_language():
    study = recruit(make_study(), closes_at=NOW - HOUR)
    client = Client(headers={"Accept-Language": "es"})
    page = client.post(f"/s/{study.slug}/", {}).content.decode()
    assert "Este estudio ya no admite a más personas" in page
    assert "Este estudio se cerró el" in page


def test_one_rater_judges_no_more_than_the_largest_share():
    # 10 pairs x 2 raters = 20 judgments; a tenth of them is 2.
    study = recruit(make_study(comparisons=10, raters_per_comparison=2), max_share=10)
    rater = make_rater(study)
    judge(rater)
    judge(rater)
    with pytest.raises(ShareReached):
        claim(rater)


def test_the_largest_share_allows_at_least_one():
    study = recruit(make_study(), max_share=1)
    judge(make_rater(study))
    assert most_by_one_rater(study) == 1


def test_the_smaller_of_both_limits_holds():
    study = recruit(make_study(comparisons=10, max_per_rater=3), max_share=100)
    assert most_by_one_rater(study) == 3
    assert most_by_one_rater(recruit(study, max_share=4)) == 2


def test_a_rater_at_the_largest_share_is_done_and_told_why():
    study = recruit(make_study(comparisons=4, raters_per_comparison=1), max_share=25)
    visitor = Visitor(Client(), study)
    visitor.open()
    visitor.send()
    assert visitor.page.context["asked"].progress.total == 1
    visitor.answer_quality()
    page = visitor.answer_faithfulness().content.decode()
    assert study.completion_code in page
    assert "as many pairs as one person may" in page


def test_the_api_says_when_the_largest_share_is_reached(client):
    study = recruit(make_study(comparisons=4, raters_per_comparison=1), max_share=25)
    url = f"/api/v1/studies/{study.slug}"
    joined = client.post(f"{url}/join/", {}, "application/json").json()
    headers = {"Authorization": f"Rater {joined['credential']}"}
    judge(Rater.objects.get(), now=timezone.now())
    turn = client.post(f"{url}/claim/", headers=headers).json()
    assert turn["turn"] == "done"
    assert "as many pairs as one person may" in turn["ending"]["note"]
    assert Rater.objects.get().finished_at is not None


def test_a_rater_whose_study_was_closed_early_is_paid():
    study = make_study(comparisons=2)
    visitor = Visitor(Client(), study)
    visitor.open()
    visitor.send()
    visitor.answer_quality()
    visitor.answer_faithfulness()
    type(study).objects.update(state="closed")
    assert study.completion_code in visitor.open("rate/").content.decode()


@pytest.mark.parametrize(
    "values",
    [
        {"opens_at": NOW, "closes_at": NOW},
        {"max_share": 0},
        {"max_share": 101},
        {"panel": "unknown"},
        {"entry": "unknown"},
    ],
)
def test_the_database_refuses_settings_that_mean_nothing(values):
    recruitment = recruitment_of(make_study())
    with pytest.raises(IntegrityError), transaction.atomic():
        Recruitment.objects.filter(pk=recruitment.pk).update(**values)
