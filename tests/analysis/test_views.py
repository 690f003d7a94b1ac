"""The report behind its link."""

import csv
import io
import json

import pytest
from django.urls import reverse

from analysis.models import Report, ReportState
from analysis.services.making import compute_report, compute_report_now
from analysis.tasks import compute
from annotations.enums import StudyState
from annotations.models import Study
from tests.analysis.studies import judged_study
from tests.annotations.factories import NOW, judge, make_rater, make_study

pytestmark = [pytest.mark.django_db, pytest.mark.urls("analysis.urls")]


@pytest.fixture(autouse=True)
def woken(monkeypatch):
    ids = []
    monkeypatch.setattr(compute, "apply_async", lambda args, **options: ids.extend(args))
    return ids


def get(client, name, study):
    return client.get(reverse(name, args=[study.report_token]))


def text_of(response):
    return b"".join(response.streaming_content).decode()


def test_the_first_visit_asks_for_the_report_and_waits(
    client, woken, django_capture_on_commit_callbacks
):
    study = judged_study("left")
    with django_capture_on_commit_callbacks(execute=True):
        page = get(client, "report", study)
    assert woken == [Report.objects.get().pk]
    assert page.status_code == 202
    assert b'<noscript><meta http-equiv="refresh" content="2"></noscript>' in page.content
    assert b"It counts 2 votes" in page.content
    assert b"<style" not in page.content


def test_whoever_waits_sees_how_far_it_is(client):
    study = judged_study("left")
    assert b"as soon as one is free" in get(client, "report", study).content
    Report.objects.update(state=ReportState.RUNNING, started_at=NOW, percent=58)
    page = get(client, "report", study).content.decode()
    assert 'max="100" value="58"' in page and "58&nbsp;%" in page
    assert "as soon as one is free" not in page


def test_a_ready_report_is_shown_under_its_own_policy(client):
    study = judged_study("left", "right")
    compute_report_now(study=study, now=NOW)
    page = get(client, "report", study)
    policy = page.headers["Content-Security-Policy"]
    assert text_of(page).startswith("<!doctype html>")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert policy.endswith("frame-ancestors 'none'")


def test_while_a_newer_report_is_made_the_older_one_is_shown(client):
    study = judged_study("left")
    compute_report_now(study=study, now=NOW)
    judge(make_rater(study))
    assert "<!doctype html>" in text_of(get(client, "report", study))
    assert [report.state for report in Report.objects.all()] == ["queued", "ready"]


def test_a_closed_study_does_not_show_an_interim_report_as_its_result(client):
    study = judged_study("left", "right")
    compute_report_now(study=study, now=NOW)
    Study.objects.update(state=StudyState.CLOSED)
    page = get(client, "report", study)
    assert b"The report is being made" in page.content
    assert get(client, "report-json", study).status_code == 202
    compute_report(report_id=Report.objects.latest("pk").pk, now=NOW)
    shown = text_of(get(client, "report", study))
    assert "Interim" not in shown and "<!doctype html>" in shown
    assert json.loads(get(client, "report-json", study).content)["settings"]["interim"] is False


@pytest.mark.parametrize("name", ["report", "report-judgments", "report-renditions", "report-json"])
def test_a_token_that_is_not_one_finds_nothing(client, name):
    make_study()
    assert client.get(reverse(name, args=["guess"])).status_code == 404


def test_judgments_are_a_file_with_a_row_per_judgment(client):
    study = judged_study("left", "right")
    response = get(client, "report-judgments", study)
    rows = list(csv.DictReader(io.StringIO(text_of(response), newline="")))
    assert len(rows) == 4
    assert {row["rater"] for row in rows} == {"rater-001", "rater-002"}
    expected = f'attachment; filename="{study.slug}-judgments.csv"'
    assert response.headers["Content-Disposition"] == expected


def test_win_rates_and_numbers_are_those_of_the_report(client):
    study = judged_study("left")
    report = compute_report_now(study=study, now=NOW)
    url = reverse("report-file", args=[study.report_token, "win_rates.csv"])
    answer = client.get(url)
    assert answer.content.decode() == report.files["win_rates.csv"]
    assert answer.headers["Content-Disposition"].endswith(f'"{study.slug}-win-rates.csv"')
    assert get(client, "report-json", study).content.decode() == report.content


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("verdicts.csv", "text/csv"), ("win_rates.tex", "application/x-tex")],
)
def test_every_table_is_a_file(client, name, content_type):
    study = judged_study("left")
    compute_report_now(study=study, now=NOW)
    answer = client.get(reverse("report-file", args=[study.report_token, name]))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(content_type)


@pytest.mark.parametrize("name", ["ranking.csv", "secrets.csv", "..", "win_rates"])
def test_a_table_that_there_is_not_is_not_found(client, name):
    study = judged_study("left")
    compute_report_now(study=study, now=NOW)
    assert client.get(f"/r/{study.report_token}/{name}").status_code == 404


def test_numbers_that_are_not_ready_are_asked_for(client):
    study = judged_study("left")
    answer = get(client, "report-json", study)
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert Report.objects.get().state == ReportState.QUEUED


def test_nobody_may_write_to_a_report(client):
    study = judged_study("left")
    assert client.post(reverse("report", args=[study.report_token])).status_code == 405


def test_showing_a_report_costs_the_same_for_one_and_three_raters(
    client, django_assert_num_queries
):
    for choices in (["left"], ["left", "right", "left"]):
        study = judged_study(*choices)
        compute_report_now(study=study, now=NOW)
        with django_assert_num_queries(20):
            get(client, "report", study)
