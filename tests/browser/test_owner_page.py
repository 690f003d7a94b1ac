"""A study's page in a real Chromium: its parts stay fresh and take nothing away."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, Route, expect

from analysis.models import Report, ReportState
from analysis.services.making import compute_report_now
from analysis.tasks import compute
from tests.annotations.factories import judge, make_rater, running_study
from tests.browser.conftest import let_pass, stop_clock
from tests.owner.at_work import fail_report

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]
A_ROUND = 16_000


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setattr(compute, "apply_async", lambda *args, **options: None)


@pytest.fixture
def study():
    study = running_study(comparisons=30)
    judge(make_rater(study))
    compute_report_now(study=study)
    return study


@pytest.fixture
def owner_page(page: Page, live_server, study) -> Page:
    client = Client()
    client.force_login(User.objects.create_superuser("owner"))
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    stop_clock(page).goto(f"{live_server.url}/studies/{study.slug}/")
    return page


def asked_again(page: Page):
    """The results' next answer, after a round of fifteen seconds; the page may not have read it."""
    with page.expect_response("**/results/") as found:
        page.clock.run_for(A_ROUND)
    return found.value


def test_new_votes_appear_and_are_said_once(owner_page, study):
    judge(make_rater(study))
    compute_report_now(study=study)
    assert asked_again(owner_page).status == 200
    expect(owner_page.get_by_text("4 votes counted,")).to_be_visible()
    expect(owner_page.locator("[data-live-announced]")).to_have_text("4 votes counted")


def test_what_is_the_same_is_not_sent_again(owner_page):
    let_pass(owner_page.locator("#results"), A_ROUND)
    assert asked_again(owner_page).status == 304
    expect(owner_page.locator("[data-live-announced]")).to_be_empty()


def test_an_open_box_and_the_focus_stay(owner_page, study):
    box = owner_page.locator("#results-how")
    box.locator("summary").click()
    owner_page.locator("#results-report").focus()
    judge(make_rater(study))
    compute_report_now(study=study)
    asked_again(owner_page)
    expect(owner_page.get_by_text("4 votes counted,")).to_be_visible()
    expect(box).to_have_attribute("open", "")
    expect(owner_page.locator("#results-report")).to_be_focused()


def test_a_part_is_not_asked_for_while_an_answer_is_under_way(owner_page):
    asked: list[Route] = []
    owner_page.route("**/results/", lambda route: asked.append(route))
    with owner_page.expect_request("**/results/"):
        owner_page.clock.run_for(A_ROUND)
    owner_page.clock.run_for(A_ROUND)
    assert len(asked) == 1
    asked[0].continue_()


def test_a_failed_report_is_tried_again_by_a_button_in_the_part(owner_page):
    fail_report(Report.objects.get())
    let_pass(owner_page.locator("#results"), A_ROUND)
    owner_page.get_by_role("button", name="Try again now").click()
    expect(owner_page.get_by_text("The report is being made again.")).to_be_visible()
    assert Report.objects.get().state == ReportState.QUEUED


def test_a_hidden_page_asks_for_nothing(owner_page):
    asked: list[str] = []
    owner_page.add_init_script("Object.defineProperty(document, 'hidden', { get: () => true })")
    owner_page.reload()
    owner_page.on("request", lambda request: asked.append(request.url))
    owner_page.clock.run_for(2 * A_ROUND)
    assert [url for url in asked if "/studies/" in url] == []


def test_arrows_go_from_tile_to_tile_and_a_line_says_what_each_is(owner_page):
    tiles = owner_page.locator("[data-tiles] .tile")
    tiles.first.focus()
    owner_page.keyboard.press("ArrowRight")
    expect(tiles.nth(1)).to_be_focused()
    expect(owner_page.locator("[data-tiles-said]")).to_contain_text("of 5 judged")
    owner_page.keyboard.press("End")
    expect(tiles.last).to_be_focused()
    owner_page.keyboard.press("Enter")
    owner_page.wait_for_url("**/comparisons/*/")
