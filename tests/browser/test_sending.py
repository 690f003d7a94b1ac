"""What the rating page says and does when an answer does not arrive."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from annotations.models import Assignment, Judgment, Study
from tests.annotations.factories import make_comparison, make_prompt, make_rendition, make_study
from tests.browser.conftest import OpenContext
from tests.browser.rater import RaterAtBrowser
from tests.media.clips import make_clip

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]

MOST_TRIES = 12
PAUSES = [1, 2, 4, 8, 15, *[30] * 6]
# Clips that are loaded late wait 3 s to be painted (static/rater/loading.js): no pause after a
# failure.
NOTE_PAUSES = """() => {
  const wait = window.setTimeout;
  const isOfAFailure = (milliseconds) => milliseconds >= 1000 && milliseconds !== 3000;
  window.pauses = [];
  window.setTimeout = (act, milliseconds, ...rest) => {
    if (isOfAFailure(milliseconds)) window.pauses.push(milliseconds);
    return wait(act, milliseconds, ...rest);
  };
}"""
KEPT = "Your answer is kept on this device"


@pytest.fixture
def study(tmp_path) -> Study:
    """One comparison that need not be watched."""
    study = make_study(comparisons=0, must_watch=False)
    clip = make_clip(tmp_path / "clip.mp4", width=256, height=256, fps=16, frames=16).read_bytes()
    comparison = make_comparison(study, make_prompt("A fox"))
    comparison.rendition_a = make_rendition(comparison.stimulus_a, clip)
    comparison.rendition_b = make_rendition(comparison.stimulus_b, clip)
    comparison.save()
    return study


class Line:
    """The line between the page and the server: counts what is sent, and answers in its place."""

    def __init__(self, page: Page) -> None:
        self.sent = 0
        self.answer: Callable[[Route], None] = lambda route: route.continue_()
        page.route("**/rate/", self.take)

    def take(self, route: Route) -> None:
        if route.request.method != "POST":
            return route.continue_()
        self.sent += 1
        return self.answer(route)

    def answers(self, status: int, **options: object) -> None:
        self.answer = lambda route: route.fulfill(status=status, **options)

    def is_dead(self) -> None:
        self.answer = lambda route: route.abort()

    def is_whole(self) -> None:
        self.answer = lambda route: route.continue_()


@pytest.fixture
def rater(open_context: OpenContext, live_server, study) -> RaterAtBrowser:
    """Somebody who has answered the first question, on a page whose clock can be moved."""
    rater = RaterAtBrowser(open_context().new_page(), live_server.url, study.slug)
    rater.start()
    rater.wait_until_seen()
    rater.choose("quality", "left", "pixel-sharpness")
    stop_the_clock(rater.page)
    return rater


def stop_the_clock(page: Page) -> None:
    """From here on time passes only as the test says; clips and the line take their own."""
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    page.evaluate(NOTE_PAUSES)


def nth_pause(page: Page, number: int) -> int:
    """The milliseconds of the pause that a script makes after so many failures, once it does.

    An answer that has come is not yet read: time that passes before the pause begins is lost to it.
    """
    page.wait_for_function("number => window.pauses.length >= number", arg=number)
    pauses = page.evaluate("window.pauses")
    assert len(pauses) == number
    return int(pauses[-1])


@pytest.fixture
def line(rater) -> Line:
    return Line(rater.page)


def expect_said(rater, text: str) -> None:
    expect(rater.page.locator("[data-missing]")).to_contain_text(text)


def again(rater):
    return rater.page.locator("[data-again]")


def expect_second_question(rater) -> None:
    expect(rater.page.locator("input[name=choice-faithfulness]").first).to_be_attached()
    [assignment] = Assignment.objects.all()
    assert [answer["choice"] for answer in assignment.draft] == ["left"]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_and_the_answer_saved_once(rater, line, status):
    line.answers(status)
    rater.send()
    expect_said(rater, f"Not sent yet: the server is busy. {KEPT}; next try in 1 s.")
    line.is_whole()
    rater.page.clock.fast_forward(1000)
    expect_second_question(rater)
    assert line.sent == 2


def test_a_lost_line_is_said_with_the_time_of_the_next_try(rater, line):
    line.is_dead()
    rater.send()
    expect_said(rater, f"Not sent yet: there is no connection. {KEPT}; next try in 1 s.")
    rater.page.clock.fast_forward(1000)
    expect_said(rater, "next try in 2 s.")
    line.is_whole()
    rater.page.clock.fast_forward(2000)
    expect_second_question(rater)


def test_a_server_that_says_when_is_not_asked_before(rater, line):
    line.answers(503, headers={"Retry-After": "90"})
    rater.send()
    expect_said(rater, "next try in 90 s.")
    rater.page.clock.fast_forward(89_000)
    assert line.sent == 1
    line.is_whole()
    rater.page.clock.fast_forward(1000)
    expect_second_question(rater)


def test_after_a_dozen_tries_the_page_stops_and_offers_another(rater, line):
    line.answers(503)
    rater.send()
    for tries, seconds in enumerate(PAUSES, start=1):
        pause = nth_pause(rater.page, tries)
        assert (line.sent, pause) == (tries, seconds * 1000)
        expect_said(rater, f"next try in {seconds} s.")
        rater.page.clock.fast_forward(pause)
    expect_said(rater, f"Not sent: the server has not answered so far. {KEPT}.")
    rater.page.clock.fast_forward(600_000)
    assert line.sent == MOST_TRIES
    line.is_whole()
    expect(again(rater)).to_be_focused()
    again(rater).click()
    expect_second_question(rater)


def test_a_server_that_asks_for_hours_is_left_alone(rater, line):
    line.answers(503, headers={"Retry-After": "7200"})
    rater.send()
    expect_said(rater, "Not sent: the server has not answered so far.")
    assert line.sent == 1


def test_a_fault_of_the_server_is_said_at_once_and_not_repeated(rater, line):
    line.answers(500, content_type="text/html", body="<h1>Server Error (500)</h1>")
    rater.send()
    expect_said(rater, f"Not saved: something went wrong on the server. {KEPT}.")
    rater.page.clock.fast_forward(600_000)
    assert line.sent == 1
    expect(rater.page.locator("input[name=choice-quality][value=left]")).to_be_checked()
    line.is_whole()
    again(rater).click()
    expect_second_question(rater)


@pytest.mark.parametrize("status", [400, 403, 408, 413])
def test_a_refusal_is_said_in_the_words_of_the_server_and_not_repeated(rater, line, status):
    body = '{"detail": "It holds a NUL.", "code": "bad-input"}'
    line.answers(status, content_type="application/problem+json", body=body)
    rater.send()
    expect(rater.page.get_by_text("It holds a NUL.")).to_be_visible()
    rater.page.clock.fast_forward(600_000)
    assert line.sent == 1
    line.is_whole()
    rater.page.clock.resume()
    rater.page.get_by_role("link", name="Load again").click()
    expect_second_question(rater)


def test_an_answer_that_was_given_up_is_sent_when_the_page_is_loaded_again(rater, line):
    line.answers(500)
    rater.send()
    expect(again(rater)).to_be_visible()
    line.is_whole()
    rater.page.clock.resume()
    rater.page.reload()
    expect_second_question(rater)
    assert Judgment.objects.count() == 0


def test_a_lease_that_cannot_be_renewed_is_tried_less_and_less_and_not_for_ever(rater):
    renewals = []

    def refuse(route: Route) -> None:
        renewals.append(route)
        route.fulfill(status=503)

    rater.page.route("**/renew/", refuse)
    rater.page.reload()
    rater.wait_until_seen()
    rater.page.evaluate(NOTE_PAUSES)
    with rater.page.expect_response("**/renew/"):
        rater.page.clock.fast_forward(60_000)
    for number, minutes in enumerate([2, 4, 8, 8, 8], start=1):
        pause = nth_pause(rater.page, number)
        assert (len(renewals), pause) == (number, minutes * 60_000)
        with rater.page.expect_response("**/renew/"):
            rater.page.clock.fast_forward(pause)
    rater.page.clock.fast_forward(3_600_000)
    assert len(renewals) == 6
