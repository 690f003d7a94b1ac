"""The owner's page of examples, practice, tests and gold pairs."""

import io

import pytest
from django.urls import reverse

from annotations.enums import CheckRole
from tests.annotations.factories import (
    judge,
    judge_for,
    make_check,
    make_prompt,
    make_rater,
    make_stimulus,
    make_study,
    plan_quality,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return make_study(state="draft")


@pytest.fixture
def clips(study):
    prompt = make_prompt("A cat on a roof")
    return [make_stimulus(row.model, prompt) for row in study.study_models.all()]


def page(owner, study) -> str:
    return owner.get(reverse("owner-checks", args=[study.slug])).content.decode()


def test_the_page_is_for_owners_only(client, study):
    answer = client.get(reverse("owner-checks", args=[study.slug]))
    assert [answer.status_code, "login" in answer.url] == [302, True]


def test_a_pair_is_added_by_the_form(owner, study, clips):
    reason = study.axes.get(key="quality").reasons.first()
    answer = owner.post(
        reverse("owner-checks", args=[study.slug]),
        {
            "role": "example",
            "prompt_id": clips[0].prompt.key,
            "model_a": clips[0].model.pk,
            "model_b": clips[1].model.pk,
            "winner-quality": "b",
            "reason": reason.pk,
            "explanation": "The first one flickers.",
        },
    )
    assert answer.status_code == 302
    check = study.checks.get()
    assert [check.role, check.expected, check.reason] == ["example", {"quality": "b"}, reason]


def test_a_pair_without_an_answer_is_refused_with_the_reason(owner, study, clips):
    answer = owner.post(
        reverse("owner-checks", args=[study.slug]),
        {
            "role": "gold",
            "prompt_id": clips[0].prompt.key,
            "model_a": clips[0].model.pk,
            "model_b": clips[1].model.pk,
        },
    )
    assert answer.status_code == 400
    assert "Say which of the two is better" in answer.content.decode()


def upload(owner, study, text: str):
    file = io.BytesIO(text.encode())
    file.name = "checks.csv"
    return owner.post(
        reverse("owner-checks-import", args=[study.slug]), {"file": file}, follow=True
    )


def test_many_pairs_are_added_from_a_table(owner, study, clips):
    a, b = (clip.model.slug for clip in clips)
    upload(
        owner,
        study,
        "role,prompt_id,model_a,model_b,winner_quality,winner_faithfulness\n"
        f"gold,{clips[0].prompt.key},{a},{b},model_a,model_b\n"
        f"practice,{clips[0].prompt.key},{b},{a},model_b,\n",
    )
    found = {check.role: check.expected for check in study.checks.all()}
    assert found == {
        "gold": {"quality": "a", "faithfulness": "b"},
        "practice": {"quality": "b"},
    }


def test_a_table_with_a_bad_row_writes_nothing_and_names_the_line(owner, study, clips):
    a, b = (clip.model.slug for clip in clips)
    answer = upload(
        owner,
        study,
        "role,prompt_id,model_a,model_b,winner_quality\n"
        f"gold,{clips[0].prompt.key},{a},{b},model_a\n"
        f"gold,{clips[0].prompt.key},{a},{b},left\n",
    )
    assert "Line 3: The winner on quality is model_a or model_b, not “left”." in (
        answer.content.decode()
    )
    assert not study.checks.exists()


def test_an_unknown_column_is_refused(owner, study):
    answer = upload(owner, study, "role,prompt_id,model_a,model_b,beauty\n")
    assert "There is no column beauty here." in answer.content.decode()


def test_a_pair_is_taken_out(owner, study):
    check = make_check(study, CheckRole.GOLD)
    owner.post(reverse("owner-check-remove", args=[study.slug, check.pk]))
    assert not study.checks.exists()


def test_examples_that_one_model_always_wins_are_named(owner, study):
    reason = study.axes.get(key="quality").reasons.first()
    for _ in range(2):
        make_check(study, CheckRole.EXAMPLE, reason=reason)
    winner = study.study_models.first().model.name
    assert f"always won by {winner}" in page(owner, study)


def test_the_page_costs_the_same_for_one_and_three_pairs(
    owner, study, django_assert_max_num_queries
):
    counts = []
    for wanted in (1, 3):
        while study.checks.count() < wanted:
            make_check(study, CheckRole.GOLD)
        with django_assert_max_num_queries(40) as captured:
            page(owner, study)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_the_owner_sees_who_failed_checks_and_who_changes_with_the_side(owner):
    study = make_study(comparisons=16)
    plan_quality(study, gold_per_rater=6, repeats_per_rater=6)
    for _ in range(6):
        make_check(study, CheckRole.GOLD)
    honest, lazy = make_rater(study, "honest"), make_rater(study, "lazy")
    for _ in range(28):
        judge_for(honest, "a")
        judge(lazy, "left")
    answer = owner.get(reverse("owner-raters", args=[study.slug]))
    flags = {str(one.rater): one.flags for one in answer.context["raters"]}
    assert "fails checks" not in flags["honest"]
    assert "changes with the side" not in flags["honest"]
    assert "changes with the side" in flags["lazy"]


def test_the_rule_is_applied_by_a_button(owner):
    study = make_study(comparisons=6)
    plan_quality(study, gold_per_rater=4, exclude_gold_below=50)
    for _ in range(4):
        make_check(study, CheckRole.GOLD)
    rater = make_rater(study, "careless")
    for _ in range(10):
        judge_for(rater, "b")
    shown = owner.get(reverse("owner-raters", args=[study.slug])).content.decode()
    assert "0 of 4 checks right, under 50 %" in shown
    owner.post(reverse("owner-rater-rule", args=[study.slug]))
    rater.refresh_from_db()
    assert rater.excluded_at is not None
