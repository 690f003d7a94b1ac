"""What an owner is told about raters: who stands out, and who does not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from annotations.models import Rater
from owner.raters.flags import flagged_raters
from tests.annotations.factories import (
    NOW,
    claim,
    draft,
    faithfulness,
    make_rater,
    quality,
    running_study,
    submit,
)

pytestmark = pytest.mark.django_db

PAIRS = 24
QUALITY_REASONS = ("motion-smoothness", "pixel-sharpness")
FAITHFULNESS_REASONS = ("spatial-text-alignment", "temporal-text-alignment")


def rate_all(rater: Rater, *, side=None, seconds: float = 20.0) -> None:
    """Judge every pair: always the given side, or model A wherever it stands."""
    for number in range(PAIRS):
        given = NOW + timedelta(minutes=number)
        assignment = claim(rater, now=given, seed=rater.pk * 1000 + number)
        chosen = side or assignment.side_a
        at = given + timedelta(seconds=seconds)
        even = number % 2 == 0
        draft(assignment, quality(chosen, (QUALITY_REASONS[even],)), now=at)
        submit(assignment, faithfulness(chosen, (FAITHFULNESS_REASONS[even],)), now=at)


@pytest.fixture
def judged():
    """Four honest raters, one who always presses left, and one who is too fast to have looked."""
    study = running_study(comparisons=PAIRS)
    type(study).objects.update(raters_per_comparison=6)
    study.comparisons.update(open_seats=6)
    for number in range(4):
        rate_all(make_rater(study, f"honest-{number}"), seconds=18 + 2 * number)
    rate_all(make_rater(study, "lefty"), side="left")
    rate_all(make_rater(study, "hasty"), seconds=0.5)
    return study


def test_only_those_who_stand_out_are_named(judged):
    flagged = {str(one.rater): one for one in flagged_raters(judged)}
    assert flagged["lefty"].flags == ["leans to one side"]
    assert flagged["hasty"].flags == ["answers too fast", "answers that cannot be true"]
    assert [flagged[f"honest-{number}"].flags for number in range(4)] == [[]] * 4


def test_the_figures_are_those_of_the_votes(judged):
    flagged = {str(one.rater): one for one in flagged_raters(judged)}
    assert flagged["lefty"].left == "100.0\u202f% of 24"
    assert flagged["hasty"].pace == "0.5 s, 24 of 24 fast"
    assert flagged["honest-0"].pace == "18.0 s, 0 of 24 fast"
    assert flagged["honest-0"].agreement.startswith("100.0\u202f% of 48")


def test_those_who_stand_out_come_first(owner, judged):
    page = owner.get(reverse("owner-raters", args=[judged.slug])).content.decode()
    assert page.index("lefty") < page.index("honest-0")
    assert "leans to one side" in page


def test_without_votes_the_page_says_so(owner):
    study = running_study(comparisons=1)
    page = owner.get(reverse("owner-raters", args=[study.slug])).content.decode()
    assert "There are no votes yet." in page


def test_the_number_of_queries_does_not_grow_with_raters(judged, django_assert_num_queries):
    small = running_study(comparisons=PAIRS)
    rate_all(make_rater(small))
    for study in (small, judged):
        with django_assert_num_queries(19):
            flagged_raters(study)
