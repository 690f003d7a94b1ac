"""The results on a study's page: what holds at every look, and only when something is new."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from analysis.models import Report, ReportState
from analysis.services.making import compute_report_now
from analysis.services.requesting import request_report
from analysis.tasks import compute
from annotations.enums import StudyState
from owner.results.standing import results_of
from tests.annotations.factories import NOW, judge, judge_for, make_rater, make_study
from tests.owner.at_work import fail_report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setattr(compute, "apply_async", lambda *args, **options: None)


def judged_study(*votes: str, state: str = StudyState.OPEN):
    """One comparison that wants as many raters as there are votes."""
    study = make_study(raters_per_comparison=len(votes))
    for winner in votes:
        judge_for(make_rater(study), winner)
    type(study).objects.filter(pk=study.pk).update(state=state, planned_comparisons=40)
    study.refresh_from_db()
    return study


def part(owner, study, **headers):
    return owner.get(reverse("owner-results", args=[study.slug]), headers=headers)


def shown_intervals(page: str) -> list[str]:
    """Those of the table: the page also tells a time of day."""
    return re.findall(r'results__won">.*?([0-9.]+ to [0-9.]+)<', page)


def test_only_staff_see_them(client):
    study = judged_study("a")
    for name in ("owner-results", "owner-comparison-matrix", "owner-people"):
        assert client.get(reverse(name, args=[study.slug])).status_code == 302


def test_a_running_study_shows_the_interval_that_holds_at_every_look(owner):
    study = judged_study("a", "a", "b")
    compute_report_now(study=study, now=NOW)
    page = part(owner, study).content.decode()
    lines = results_of(study, now=NOW).lines
    # Robbins' mixture after one win: p below 1/2 of (1 / alpha), so from 2.5 to 100.
    assert [(line.rate, round(line.lower, 1), line.upper) for line in lines] == [
        (100.0, 2.5, 100.0)
    ] * 2
    assert shown_intervals(page) == ["2.5 to 100.0"] * 2
    assert "holds however often you look" in page and "Wilson" not in page


def test_the_page_says_what_was_planned(owner):
    study = judged_study("a")
    page = owner.get(reverse("owner-study", args=[study.slug])).content.decode()
    assert "Planned: 40 comparisons per pair of models, read once" in page


def test_a_closed_study_shows_its_final_interval(owner):
    study = judged_study("a", "a", "b", state=StudyState.CLOSED)
    compute_report_now(study=study, now=NOW)
    # Wilson of 1 of 1, scipy binomtest(1, 1).proportion_ci(method="wilson").
    assert [round(line.lower, 1) for line in results_of(study, now=NOW).lines] == [20.7, 20.7]
    assert "holds however often you look" not in part(owner, study).content.decode()


def test_the_interim_figures_of_a_study_that_is_closed_are_gone_at_once(owner):
    study = judged_study("a", "a", "b")
    compute_report_now(study=study, now=NOW)
    type(study).objects.filter(pk=study.pk).update(state=StudyState.CLOSED)
    assert "The figures are being computed." in part(owner, study).content.decode()
    assert [report.state for report in Report.objects.all()] == ["queued", "ready"]


def test_the_same_results_are_not_sent_again(owner):
    study = judged_study("a", state=StudyState.CLOSED)
    compute_report_now(study=study, now=NOW)
    first = part(owner, study)
    again = part(owner, study, if_none_match=first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["Cache-Control"] == "private, no-cache"


def test_new_votes_change_the_part(owner):
    study = make_study(raters_per_comparison=2)
    judge(make_rater(study))
    compute_report_now(study=study, now=NOW)
    first = part(owner, study)
    judge(make_rater(study))
    compute_report_now(study=study, now=NOW)
    again = part(owner, study, if_none_match=first.headers["ETag"])
    assert again.status_code == 200
    assert "4 votes counted" in again.content.decode()


def test_before_the_first_vote_no_report_is_asked_for(owner):
    study = make_study()
    assert "No votes yet." in part(owner, study).content.decode()
    assert not Report.objects.exists()


def test_the_first_votes_ask_for_a_report(owner):
    study = judged_study("a")
    assert "The figures are being computed." in part(owner, study).content.decode()
    assert Report.objects.get().state == ReportState.QUEUED


@pytest.mark.parametrize(("seconds", "reports"), [(14, 1), (16, 2)])
def test_a_newer_report_is_asked_for_at_most_every_fifteen_seconds(seconds, reports):
    study = make_study(raters_per_comparison=2)
    judge(make_rater(study))
    report = compute_report_now(study=study, now=NOW)
    Report.objects.filter(pk=report.pk).update(finished_at=NOW, started_at=NOW)
    judge(make_rater(study))
    results_of(study, now=NOW + timedelta(seconds=seconds))
    assert Report.objects.count() == reports


def test_a_report_that_takes_long_is_made_less_often():
    study = make_study(raters_per_comparison=2)
    judge(make_rater(study))
    report = compute_report_now(study=study, now=NOW)
    started = NOW - timedelta(seconds=30)
    Report.objects.filter(pk=report.pk).update(finished_at=NOW, started_at=started)
    judge(make_rater(study))
    results_of(study, now=NOW + timedelta(seconds=290))
    assert Report.objects.count() == 1


def test_simulated_votes_are_said_to_be(owner):
    study = judged_study("a")
    study.raters.update(is_simulated=True)
    compute_report_now(study=study, now=NOW)
    assert "simulated votes" in part(owner, study).content.decode()


def with_failed_report(**settings):
    study = judged_study("a", **settings)
    fail_report(compute_report_now(study=study, now=NOW))
    return study


RETRY = re.compile(r'<button [^>]*form="report-retry-form" name="action" value="retry-report">')


def test_a_report_that_could_not_be_made_is_said_with_what_to_do(owner):
    page = part(owner, with_failed_report(state=StudyState.CLOSED)).content.decode()
    assert "<strong>The report could not be made</strong> in 3 tries." in page
    assert "The disk is full. Make room on it." in page
    assert "It is tried again by itself, next on" in page
    assert "Until then readers are told that it is not there yet. No vote is lost." in page
    assert len(RETRY.findall(page)) == 1 and "computed" not in page


def test_the_button_tries_again_at_once(owner):
    study = with_failed_report(state=StudyState.CLOSED)
    answer = owner.post(
        reverse("owner-action", args=[study.slug]), {"action": "retry-report"}, follow=True
    )
    page = answer.content.decode()
    assert Report.objects.get().state == ReportState.QUEUED
    assert "The report is being made again. It is shown here when it is ready." in page
    assert "It is being tried again now." in page and RETRY.findall(page) == []


def test_the_button_has_its_form_on_the_page_around_the_part(owner):
    study = with_failed_report()
    page = owner.get(reverse("owner-study", args=[study.slug])).content.decode()
    forms = re.findall(r'<form [^>]*action="([^"]*)" id="report-retry-form">', page)
    assert forms == [reverse("owner-action", args=[study.slug])]


def test_a_failure_that_stays_the_same_is_not_sent_again(owner):
    study = with_failed_report(state=StudyState.CLOSED)
    first = part(owner, study)
    assert part(owner, study, if_none_match=first.headers["ETag"]).status_code == 304


def test_a_running_study_shows_earlier_figures_and_says_that_they_are(owner):
    study = make_study(raters_per_comparison=2)
    judge(make_rater(study))
    Report.objects.filter(pk=compute_report_now(study=study, now=NOW).pk).update(finished_at=NOW)
    judge(make_rater(study))
    fail_report(request_report(study=study, now=NOW))
    page = part(owner, study).content.decode()
    assert "2 votes counted" in page and "23 Nov, 12:00:00" in page
    assert "the figures below are those of the earlier report, and readers are told so" in page


def test_files_that_could_not_be_made_are_said_too(owner):
    study = judged_study("a", state=StudyState.CLOSED)
    compute_report_now(study=study, now=NOW)
    Report.objects.update(
        extras_error="The disk is full.", extras_tries=1, extras_next_try_at=timezone.now()
    )
    page = part(owner, study).content.decode()
    assert "<strong>The files with the figures could not be made</strong>. The disk" in page
    assert len(RETRY.findall(page)) == 1 and "votes counted" in page


def test_a_draft_shows_no_results(owner):
    study = make_study(state=StudyState.DRAFT)
    page = owner.get(reverse("owner-study", args=[study.slug])).content.decode()
    assert 'id="results"' not in page and 'id="tiles"' not in page
