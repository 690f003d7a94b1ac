"""Whoever waits for a report sees how far it is, and then the report."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from analysis.models import Report, ReportState
from analysis.services.making import compute_extras, compute_report, compute_report_now
from analysis.services.requesting import request_report, retry_report
from analysis.tasks import compute, compute_files
from annotations.models import Study
from tests.annotations.factories import judge, make_rater, running_study
from tests.browser.conftest import PHONE, stop_clock
from tests.owner.at_work import fail_report

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    for task in (compute, compute_files):
        monkeypatch.setattr(task, "apply_async", lambda *args, **options: None)


@pytest.fixture
def study() -> Study:
    study = running_study(comparisons=3)
    judge(make_rater(study))
    return study


def test_a_report_in_the_making_shows_how_far_it_is_and_then_itself(page: Page, live_server, study):
    report = request_report(study=study, now=timezone.now())
    page.goto(f"{live_server.url}/r/{study.report_token}/")
    expect(page.get_by_text("A worker begins as soon as one is free.")).to_be_visible()
    Report.objects.update(state=ReportState.RUNNING, started_at=timezone.now(), percent=58)
    expect(page.get_by_text("58 %")).to_be_visible()
    expect(page.get_by_role("progressbar", name="Made so far")).to_be_visible()
    assert serious(page) == []
    Report.objects.update(state=ReportState.QUEUED)
    compute_report(report_id=report.pk, now=timezone.now())
    expect(page.get_by_role("heading", name="What was asked")).to_be_visible()


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in ("serious", "critical")]


def test_who_was_told_that_it_failed_sees_it_when_it_is_there(open_context, live_server, study):
    """Of a browser of its own: an answer 503 is an error in its console."""
    fail_report(request_report(study=study, now=timezone.now()))
    address = f"{live_server.url}/r/{study.report_token}/"
    # axe waits by the page's clock, so it looks at a page whose clock runs.
    running = open_context(PHONE).new_page()
    running.goto(address)
    assert serious(running) == []
    page = stop_clock(open_context(PHONE).new_page())
    page.goto(address)
    expect(page.get_by_role("heading", name="The report could not be made yet")).to_be_visible()
    expect(page.get_by_text(re.compile(r"The next try is in about \d+ minutes\."))).to_be_visible()
    report = retry_report(study=study, now=timezone.now())
    page.clock.run_for(16_000)
    expect(page.get_by_text("A worker begins as soon as one is free.")).to_be_visible()
    # The page loaded itself anew: its script asks again only once it has run.
    page.wait_for_load_state("load")
    compute_report(report_id=report.pk, now=timezone.now())
    page.clock.run_for(3_000)
    expect(page.get_by_role("heading", name="What was asked")).to_be_visible()


def test_a_file_comes_when_it_is_made(page: Page, live_server, study):
    report = compute_report_now(study=study)
    page.goto(f"{live_server.url}/r/{study.report_token}/report.zip")
    expect(page.get_by_role("heading", name="report.zip is being made")).to_be_visible()
    with page.expect_download() as download:
        compute_extras(report_id=report.pk)
    assert download.value.suggested_filename == f"{study.slug}-report.zip"
    expect(page.get_by_text("It is being downloaded.")).to_be_visible()
