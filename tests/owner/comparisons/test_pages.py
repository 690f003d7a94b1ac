"""Where raters disagree, and one comparison with its clips and every vote."""

import pytest
from django.urls import reverse

from annotations.enums import CheckRole, Doubt, SkipReason
from annotations.services.raters.endings import exclude_rater
from annotations.services.rating.skipping import skip_assignment
from owner.comparisons.splits import vote_counts
from tests.annotations.factories import (
    CLIP_BYTES,
    NOW,
    claim,
    judge,
    judge_for,
    make_check,
    make_comparison,
    make_prompt,
    make_rater,
    make_study,
    plan_quality,
)

pytestmark = pytest.mark.django_db


def study_of(*votes: str, **settings):
    """One comparison, each rater voting for a or b on both axes."""
    study = make_study(comparisons=1, raters_per_comparison=5, **settings)
    for number, winner in enumerate(votes):
        judge_for(make_rater(study, f"panel-{number}"), winner)
    return study


def page(owner, study, **query):
    return owner.get(reverse("owner-comparisons", args=[study.slug]), query)


@pytest.mark.parametrize("name", ["owner-comparisons", "owner-comparison", "owner-clip"])
def test_the_pages_are_for_owners_only(client, name):
    study = study_of("a")
    comparison = study.comparisons.get()
    rest = {"owner-comparisons": [], "owner-comparison": [comparison.pk]}
    args = [study.slug, *rest.get(name, [comparison.pk, "a"])]
    assert client.get(reverse(name, args=args)).status_code == 302


def test_votes_are_counted_by_comparison_and_axis():
    rows = vote_counts(study_of("a", "a", "b"))
    assert [(row["axis"], row["votes_a"], row["votes_b"], row["ties"]) for row in rows] == [
        ("faithfulness", 2, 1, 0),
        ("quality", 2, 1, 0),
    ]


def test_votes_of_excluded_raters_and_on_checks_are_left_out():
    study = study_of("a", "b")
    exclude_rater(rater=study.raters.get(external_id="panel-1"), why="bots", now=NOW)
    plan_quality(study, gold_per_rater=1)
    make_check(study, CheckRole.GOLD)
    judge_for(study.raters.get(external_id="panel-0"))
    assert {(row["votes_a"], row["votes_b"]) for row in vote_counts(study)} == {(1, 0)}


def test_the_most_split_comparison_comes_first(owner):
    study = make_study(comparisons=2, raters_per_comparison=2)
    clear, split = study.comparisons.order_by("position")
    for winner in ("a", "b"):
        rater = make_rater(study)
        for _ in range(2):
            assignment = claim(rater)
            alike = assignment.comparison_id == clear.pk
            judge_for(rater, "a" if alike else winner)
    rows = page(owner, study).context["rows"]
    assert rows[0][0].comparison_id == str(split.pk)
    rows = page(owner, study, order="lead").context["rows"]
    assert rows[0][0].comparison_id == str(clear.pk)


def test_the_list_is_filtered_by_question_and_category(owner):
    study = study_of("a", "b")
    prompt = make_prompt("A dog")
    type(prompt).objects.filter(pk=prompt.pk).update(category="animals")
    make_comparison(study, prompt)
    study.prompts.add(prompt)
    for rater in study.raters.all():
        judge(rater)
    found = page(owner, study, axis="quality", category="animals").context["rows"]
    assert [(split.axis, shown.text) for split, shown in found] == [("quality", "A dog")]


def test_the_list_costs_the_same_for_one_and_three_raters(owner, django_assert_max_num_queries):
    counts = []
    for study in (study_of("a", "b"), study_of("a", "b", "a", "b")):
        with django_assert_max_num_queries(30) as captured:
            page(owner, study)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_a_comparison_shows_its_models_votes_and_skips(owner):
    study = study_of("a")
    rater = make_rater(study, "panel-9")
    skip_assignment(
        rater=rater,
        public_id=claim(rater).public_id,
        reason=SkipReason.BROKEN,
        note="It stops.",
        now=NOW,
    )
    comparison = study.comparisons.get()
    answer = owner.get(reverse("owner-comparison", args=[study.slug, comparison.pk]))
    text = answer.content.decode()
    assert [vote["chosen"] for vote in answer.context["votes"]] == [
        comparison.stimulus_a.model.name
    ] * 2
    assert "rater-001" in text
    assert "It stops." in text


def test_a_clip_is_the_one_that_raters_saw(owner):
    study = study_of("a")
    address = reverse("owner-clip", args=[study.slug, study.comparisons.get().pk, "a"])
    answer = owner.get(address, headers={"Range": "bytes=0-9"})
    assert [answer.status_code, b"".join(answer.streaming_content)] == [206, CLIP_BYTES[:10]]


def test_a_check_has_no_such_page(owner):
    study = study_of("a")
    check = make_check(study, CheckRole.GOLD)
    answer = owner.get(reverse("owner-comparison", args=[study.slug, check.comparison.pk]))
    assert answer.status_code == 404


def test_what_the_clock_says_against_an_answer_is_said_in_words(owner):
    study = study_of("a")
    study.raters.get().assignments.update(doubts=[Doubt.TOO_SOON])
    address = reverse("owner-comparison", args=[study.slug, study.comparisons.get().pk])
    assert "answered before the clips could have ended" in owner.get(address).content.decode()
