"""Reports as jobs: asked for once, made once, failing visibly, never lost."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from kombu.exceptions import OperationalError

from analysis.models import Report, ReportState
from analysis.services import making, requesting
from analysis.services.making import compute_report, compute_report_now
from analysis.services.requesting import request_report, requeue_stale_reports
from analysis.tasks import compute
from tests.analysis.studies import judged_study
from tests.annotations.factories import NOW, judge, make_rater

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def woken(monkeypatch):
    """Ids of the reports that a worker was woken for."""
    ids = []
    monkeypatch.setattr(compute, "apply_async", lambda args, **options: ids.extend(args))
    return ids


@pytest.fixture
def broken(monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(making, "render_report", fail)


def test_a_report_is_asked_for_once(woken, django_capture_on_commit_callbacks):
    study = judged_study("left")
    with django_capture_on_commit_callbacks(execute=True):
        first, again = (request_report(study=study, now=NOW) for _ in range(2))
    assert first == again
    assert (first.state, first.votes, woken) == (ReportState.QUEUED, 2, [first.pk])


def test_a_report_that_is_ready_is_the_answer_until_votes_change(woken):
    study = judged_study("left")
    ready = compute_report_now(study=study, now=NOW)
    assert request_report(study=study, now=LATER) == ready
    judge(make_rater(study))
    assert request_report(study=study, now=LATER) != ready


def test_while_one_is_under_way_no_other_is_queued(woken):
    study = judged_study("left")
    first = request_report(study=study, now=NOW)
    judge(make_rater(study))
    assert request_report(study=study, now=NOW) == first


def test_a_computed_report_holds_page_numbers_and_table():
    report = compute_report_now(study=judged_study("left", "left"), now=NOW)
    assert report.state == ReportState.READY
    assert default_storage.open(report.page.name).read().startswith(b"<!doctype html>")
    assert report.content.startswith('{\n "settings"')
    assert report.files["win_rates.csv"].startswith("study,protocol,axis,model_a,model_b,n,")


def test_the_verdict_of_five_raters_reaches_the_headline():
    study = judged_study(*["left"] * 5)
    assert "5 raters per comparison" in compute_report_now(study=study, now=NOW).headline


def test_computing_twice_makes_one_report():
    study = judged_study("left")
    first = compute_report_now(study=study, now=NOW)
    compute_report(report_id=first.pk, now=LATER)
    first.refresh_from_db()
    assert (first.tries, first.started_at) == (1, NOW)


def test_a_newer_report_takes_the_place_of_the_older_one():
    study = judged_study("left")
    older = compute_report_now(study=study, now=NOW)
    judge(make_rater(study))
    newer = compute_report_now(study=study, now=NOW)
    assert list(Report.objects.all()) == [newer]
    assert not default_storage.exists(older.page.name)


def test_a_failure_is_stored_in_words(broken):
    report = compute_report_now(study=judged_study("left"), now=NOW)
    words = "RuntimeError: the disk is full. The workers' log tells where."
    assert (report.state, report.error) == ("failed", words)


def test_a_failed_report_is_tried_again_after_a_pause(broken, woken):
    study = judged_study("left")
    report = compute_report_now(study=study, now=NOW)
    before = request_report(study=study, now=report.next_try_at - timedelta(seconds=1))
    assert before.state == ReportState.FAILED
    assert request_report(study=study, now=report.next_try_at).state == ReportState.QUEUED


def test_without_a_broker_the_report_waits_for_the_sweep(monkeypatch, caplog):
    def refuse(*args, **options):
        raise OperationalError("connection refused")

    monkeypatch.setattr(compute, "apply_async", refuse)
    requesting.enqueue(7)
    assert "report 7 waits" in caplog.text


def test_the_sweep_wakes_workers_for_lost_reports_only(woken):
    study = judged_study("left")
    report = request_report(study=study, now=NOW)
    assert requeue_stale_reports(now=NOW + timedelta(seconds=29)) == []
    assert requeue_stale_reports(now=NOW + timedelta(seconds=31)) == [report.pk]
    assert requeue_stale_reports(now=NOW + timedelta(seconds=32)) == []


def test_a_report_whose_worker_died_is_made_again(woken):
    report = request_report(study=judged_study("left"), now=NOW)
    Report.objects.update(state=ReportState.RUNNING, started_at=NOW, tries=1)
    assert requeue_stale_reports(now=LATER) == [report.pk]
    compute_report(report_id=report.pk, now=LATER)
    assert Report.objects.get().state == ReportState.READY


def test_a_report_tells_how_much_of_it_is_made(monkeypatch):
    """A third is reading; then one step for each pair of models on each of two questions."""
    build, seen = making.build_report, []

    def watched(votes, *, settings, on_progress):
        def look(share):
            on_progress(share)
            seen.append(Report.objects.get().percent)

        look(0)
        return build(votes, settings=settings, on_progress=look)

    monkeypatch.setattr(making, "build_report", watched)
    report = compute_report_now(study=judged_study("left"), now=NOW)
    assert [*seen, report.percent] == [30, 58, 85, 100]


def test_a_run_that_was_given_up_tells_nothing(woken):
    study = judged_study("left")
    request_report(study=study, now=NOW)
    stale = Report.objects.get()
    Report.objects.update(state=ReportState.RUNNING, started_at=NOW, percent=58)
    making.ReportProgress(stale).note(30)
    assert Report.objects.get().percent == 58


def test_what_is_made_is_noted_with_each_new_per_cent_and_no_oftener(
    woken, django_assert_num_queries
):
    request_report(study=judged_study("left"), now=NOW)
    Report.objects.update(state=ReportState.RUNNING, started_at=NOW)
    progress = making.ReportProgress(Report.objects.get())
    with django_assert_num_queries(2):
        for pair in range(1_000):
            progress.note(30 + pair / 1_000)
    assert Report.objects.get().percent == 31


def test_a_report_sees_the_votes_it_was_asked_for(woken):
    study = judged_study("left")
    report = request_report(study=study, now=NOW)
    judge(make_rater(study))
    compute_report(report_id=report.pk, now=NOW)
    assert '"votes": 2,' in Report.objects.get(pk=report.pk).content
