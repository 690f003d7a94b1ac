"""Changing an open study by mouse; what was changed stands on its page and in the report."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from analysis.services.making import compute_report_now
from annotations.models import Comparison, Judgment, Study
from annotations.services.pairs.extending import want_more_raters
from annotations.services.pairs.withdrawing import withdraw_comparison
from annotations.services.studies.states import create_study
from tests.annotations.factories import NOW, judge, make_rater, running_study

pytestmark = pytest.mark.django_db

WHY = "Too few raters to tell."


@pytest.fixture
def study() -> Study:
    study = running_study(comparisons=2)
    judge(make_rater(study))
    return study


def url_of(study: Study) -> str:
    return reverse("owner-changes", args=[study.slug])


def send(owner, study: Study, what: str, **values: str):
    data = {f"{what}-{name}": value for name, value in values.items()}
    return owner.post(url_of(study), {"what": what, **data}, follow=True)


def test_more_raters_are_asked_for_by_mouse(owner, study):
    page = send(owner, study, "raters", raters="7", reason=WHY).content.decode()
    assert "judged by 7 raters from now on" in page
    assert "More raters per comparison: 7 instead of 5." in page
    assert WHY in page
    study.refresh_from_db()
    assert study.raters_per_comparison == 7


def test_more_prompts_are_pasted(owner, study):
    page = send(owner, study, "prompts", prompts="A boat\nA kite", reason=WHY).content.decode()
    assert "2 prompts are new" in page
    assert study.study_prompts.count() == 4


def test_a_text_is_corrected(owner, study):
    prompt = study.prompts.first()
    values = {"prompt": str(prompt.pk), "text": "A fox, corrected", "reason": WHY}
    page = send(owner, study, "correct", **values).content.decode()
    assert "A fox, corrected" in page
    assert prompt.text in page


@pytest.mark.parametrize(
    ("what", "values", "said"),
    [
        ("raters", {"raters": "7"}, "Say why"),
        ("raters", {"raters": "3", "reason": WHY}, "wants 5 raters now"),
        ("raters", {"raters": "many", "reason": WHY}, "whole number"),
        ("prompts", {"prompts": "prompt_id,prompt\n1,A fox, a boat\n", "reason": WHY}, "ine 2"),
        ("correct", {"prompt": "0", "text": "x", "reason": WHY}, "valid choice"),
    ],
)
def test_what_is_wrong_is_said_beside_its_form(owner, study, what, values, said):
    answer = send(owner, study, what, **values)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert study.amendments.count() == 0


def test_a_change_that_there_is_not_is_refused(owner, study):
    assert send(owner, study, "colours").status_code == 400


def test_a_drafts_text_is_corrected_without_a_reason(owner, study):
    Study.objects.filter(pk=study.pk).update(state="draft")
    assert 'name="correct-reason"' not in owner.get(url_of(study)).content.decode()
    send(owner, study, "correct", prompt=str(study.prompts.first().pk), text="Corrected")
    assert study.prompts.filter(text="Corrected").exists()
    assert study.amendments.count() == 0


@pytest.mark.parametrize(("state", "said"), [("preparing", "back to draft"), ("closed", "nothing")])
def test_a_study_that_cannot_be_changed_says_so(owner, study, state, said):
    Study.objects.filter(pk=study.pk).update(state=state)
    page = owner.get(url_of(study)).content.decode()
    assert said in page
    assert "<textarea" not in page


def test_a_comparison_is_withdrawn_on_its_page(owner, study):
    comparison = Comparison.objects.get(assignments__isnull=False)
    page_url = reverse("owner-comparison", args=[study.slug, comparison.pk])
    withdraw = reverse("owner-comparison-withdraw", args=[study.slug, comparison.pk])
    assert withdraw in owner.get(page_url).content.decode()
    page = owner.post(withdraw, {"reason": WHY}, follow=True).content.decode()
    assert "Votes set aside: 2; they are kept." in page
    assert f": {WHY} Its votes are kept here" in page
    assert "rater-001" in page
    assert withdraw not in page


def test_withdrawing_without_a_reason_is_refused_in_words(owner, study):
    comparison = study.comparisons.first()
    withdraw = reverse("owner-comparison-withdraw", args=[study.slug, comparison.pk])
    assert "Say why" in owner.post(withdraw, follow=True).content.decode()
    assert study.amendments.count() == 0


def test_progress_counts_what_is_left(owner, study):
    withdraw_comparison(study=study, comparison=study.comparisons.first(), reason=WHY, now=NOW)
    [told] = Study.objects.with_counts().filter(pk=study.pk)
    assert told.comparison_count == 1


def report_of(study: Study) -> tuple[dict, str]:
    report = compute_report_now(study=study)
    return json.loads(report.content), report.page.open("rb").read().decode()


def test_the_report_lists_every_change_with_its_reason(study):
    judged = Comparison.objects.get(assignments__isnull=False)
    left = study.comparisons.exclude(pk=judged.pk).get()
    withdraw_comparison(study=study, comparison=judged, reason="A broken clip.", now=NOW)
    judge(make_rater(study))
    want_more_raters(study=study, raters=6, reason=WHY, now=NOW)
    content, page = report_of(study)
    kinds = [one["kind"] for one in content["settings"]["amendments"]]
    assert kinds == ["withdrawn", "more-raters"]
    assert content["panel"]["votes"] == Judgment.objects.for_study(study.pk).count() == 2
    for words in ("What was changed while raters were at work", "A broken clip.", WHY):
        assert words in page
    assert f"1 comparison withdrawn: {judged.prompt.key}" in page
    assert content["settings"]["planned"][0]["comparisons"] == 1
    assert left.assignments.count() == 1


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("fixed", "only if the result was not what led to it"),
        ("anytime", "no longer hold at every look"),
    ],
)
def test_the_report_says_whether_the_plan_still_holds(study, rule, said):
    Study.objects.filter(pk=study.pk).update(stopping_rule=rule)
    study.refresh_from_db()
    want_more_raters(study=study, raters=6, reason=WHY, now=NOW)
    assert said in report_of(study)[1]


def test_a_report_without_changes_says_nothing_of_them(study):
    content, page = report_of(study)
    assert content["settings"]["amendments"] == []
    assert "What was changed" not in page


def test_a_change_asks_for_a_new_report(study):
    from analysis.votes.seen import votes_seen

    before = votes_seen(study).fingerprint
    withdraw_comparison(study=study, comparison=study.comparisons.last(), reason=WHY, now=NOW)
    assert votes_seen(study).fingerprint != before


def test_a_new_draft_offers_its_set_up(owner):
    study = create_study(title="S", slug="s")
    assert "can be changed freely" in owner.get(url_of(study)).content.decode()
