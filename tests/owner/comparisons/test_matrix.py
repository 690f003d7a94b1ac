"""Every comparison of a study as a tile."""

from __future__ import annotations

import pytest
from django.urls import reverse

from annotations.enums import ComparisonState, Pairing, StudyState
from annotations.services.studies.states import create_study, set_prompts
from owner.comparisons.matrix import matrix_of
from tests.annotations.factories import (
    judge,
    make_model,
    make_prompt,
    make_rater,
    make_study,
    running_study,
)

pytestmark = pytest.mark.django_db


def part(owner, study, **query):
    return owner.get(reverse("owner-comparison-matrix", args=[study.slug]), query)


def levels(study) -> list[str]:
    return [tile.level for pair in matrix_of(study).model_pairs for tile in pair.tiles]


def test_a_tile_says_how_far_its_comparison_is():
    study = make_study(comparisons=4, state=StudyState.DRAFT, raters_per_comparison=2)
    set_prompts(
        study=study, prompts=[one.prompt for one in study.comparisons.all()] + [make_prompt()]
    )
    type(study).objects.filter(pk=study.pk).update(state=StudyState.OPEN)
    study.refresh_from_db()
    third, fourth = study.comparisons.order_by("pk")[2:]
    for comparison, state in ((third, ComparisonState.PREPARING), (fourth, ComparisonState.FAILED)):
        study.comparisons.filter(pk=comparison.pk).update(state=state)
    for _ in range(3):
        judge(make_rater(study))
    assert sorted(levels(study)) == ["2", "4", "failed", "none", "preparing"]


def test_one_vote_of_many_is_seen():
    study = running_study(comparisons=1)
    type(study).objects.filter(pk=study.pk).update(raters_per_comparison=5)
    study.refresh_from_db()
    judge(make_rater(study))
    assert levels(study) == ["1"]


def test_a_tile_leads_to_its_comparison_and_says_what_it_is(owner):
    study = running_study(comparisons=1)
    comparison = study.comparisons.get()
    page = part(owner, study).content.decode()
    address = reverse("owner-comparison", args=[study.slug, comparison.pk])
    assert f'href="{address}" title="{comparison.prompt.key}, ' in page
    assert "0 of 5 judged" in page


def test_pairs_are_those_of_the_study():
    models = [make_model() for _ in range(3)]
    study = create_study(
        title="All",
        slug="all",
        models=models,
        prompts=[make_prompt()],
        pairing=Pairing.ROUND_ROBIN,
    )
    assert len(matrix_of(study).model_pairs) == 3


def test_a_thousand_prompts_are_shown_a_page_at_a_time(owner, monkeypatch):
    monkeypatch.setattr("owner.comparisons.matrix.MOST_TILES", 60)
    study = running_study(comparisons=62)
    page = part(owner, study).content.decode()
    assert page.count('<a id="c') == 60
    assert "prompts 1 to 60 of 62" in page
    assert part(owner, study, prompts=2).content.decode().count('<a id="c') == 2


def test_the_tiles_cost_the_same_for_one_and_three(owner, django_assert_max_num_queries):
    counts = []
    for size in (1, 3):
        study = running_study(comparisons=size)
        for _ in range(size):
            judge(make_rater(study))
        with django_assert_max_num_queries(12) as seen:
            part(owner, study)
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_the_same_tiles_are_not_sent_again(owner):
    study = running_study(comparisons=1)
    first = part(owner, study)
    url = reverse("owner-comparison-matrix", args=[study.slug])
    again = owner.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
