"""A worker rates in a frame of MTurk's site, with a real browser's cookies and policies."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from tests.annotations.factories import judge, make_study
from tests.annotations.panel_standins import MechanicalTurk
from tests.annotations.visitors import recruit

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]

WORKER_SITE = "https://worker.mturk.com/"
ELSEWHERE = "https://elsewhere.example/"


def show_in_frame(page: Page, site: str, address: str) -> None:
    """Open a site that shows the address in a frame."""
    body = f'<iframe src="{address.replace("&", "&amp;")}" width="1300" height="850"></iframe>'
    page.route(f"{site}**", lambda route: route.fulfill(content_type="text/html", body=body))
    page.goto(site)


def address_of(live_server, study) -> str:
    # Browsers treat localhost like https: it may stand in a frame, and keep Secure cookies.
    site = live_server.url.replace("127.0.0.1", "localhost")
    return f"{site}/s/{study.slug}/?{urlencode(MechanicalTurk().query())}"


def test_a_worker_starts_in_the_frame_and_hands_the_work_in(live_server, open_context):
    page = open_context(permissions=["local-network-access"]).new_page()
    study = recruit(make_study(completion_code="CODE"), panel="mturk")
    handed_in: list[str] = []

    def take(route: Route) -> None:
        handed_in.append(route.request.post_data or "")
        route.fulfill(content_type="text/html", body="Thanks from MTurk")

    page.route("https://www.mturk.com/mturk/externalSubmit", take)
    show_in_frame(page, WORKER_SITE, address_of(live_server, study))
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Start").click()
    expect(frame.get_by_text("1 of 1")).to_be_visible()
    judge_for(study)
    frame.locator("body").evaluate("location.reload()")
    frame.get_by_role("button", name="Hand in and finish").click()
    expect(frame.get_by_text("Thanks from MTurk")).to_be_visible()
    fields = {name: value for name, [value] in parse_qs(handed_in[0]).items()}
    assert fields == {
        "assignmentId": MechanicalTurk().query()["assignmentId"],
        "completionCode": "CODE",
    }


def judge_for(study) -> None:
    """The worker's answer; how a page is answered in a browser is tested with the rater's page."""
    judge(study.raters.get(), now=timezone.now())


@pytest.mark.parametrize(("site", "panel"), [(ELSEWHERE, "mturk"), (WORKER_SITE, "prolific")])
def test_no_other_site_frames_it_and_no_other_study_is_framed(
    live_server, open_context, site, panel
):
    page = open_context(permissions=["local-network-access"]).new_page()
    study = recruit(make_study(), panel=panel)
    refusals: list[str] = []
    page.on("console", lambda message: refusals.append(message.text))
    show_in_frame(page, site, address_of(live_server, study))
    expect(page.frame_locator("iframe").get_by_role("button", name="Start")).to_have_count(0)
    assert any("frame-ancestors" in text for text in refusals)
