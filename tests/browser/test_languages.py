"""The rating page in a browser that asks for another language."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from annotations.models import Assignment, Judgment, Study
from tests.annotations.factories import make_comparison, make_prompt, make_rendition, make_study
from tests.browser.conftest import PHONE, OpenContext, collect_errors
from tests.browser.rater import RaterAtBrowser
from tests.media.clips import make_clip

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]

PROMPT = "A fox dressed in a suit dancing in a park"
START = {"es": "Empezar", "zh-hans": "开始", "ar": "ابدأ"}
# What is missing, what was chosen, how the clock reads.
SAID = {
    "es": ("Falta: un motivo en 1", "Elegido: Izquierda", r"^\d,\d / 1,0 s$"),
    "zh-hans": ("还缺：问题 1 的理由", "已选择：左", r"^\d\.\d / 1\.0 秒$"),
    "ar": ("ما زال ناقصًا: سبب للسؤال 1", "تم اختيار: اليسار", r"^\d\.\d / 1\.0 ث$"),
}
LOCALES = {"es": "es-MX", "zh-hans": "zh-CN", "ar": "ar-EG"}


@pytest.fixture
def study(tmp_path) -> Study:
    """Two comparisons of one-second clips that Chromium can play."""
    study = make_study(comparisons=0)
    clip = make_clip(
        tmp_path / "clip.mp4", width=256, height=256, fps=16, frames=16, options={"crf": "18"}
    ).read_bytes()
    for text in (PROMPT, "A boat"):
        comparison = make_comparison(study, make_prompt(text))
        comparison.rendition_a = make_rendition(comparison.stimulus_a, clip)
        comparison.rendition_b = make_rendition(comparison.stimulus_b, clip)
        comparison.save()
    return study


def begin(page: Page, site: str, study: Study, language: str) -> RaterAtBrowser:
    page.goto(f"{site}/s/{study.slug}/")
    page.get_by_role("button", name=START[language]).click()
    page.wait_for_url("**/rate/")
    return RaterAtBrowser(page, site, study.slug)


def centre_of(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2


@pytest.fixture
def arabic(open_context: OpenContext, live_server, study) -> RaterAtBrowser:
    page = open_context(locale=LOCALES["ar"]).new_page()
    return begin(page, live_server.url, study, "ar")


def test_a_rater_judges_a_comparison_in_arabic(arabic):
    errors = collect_errors(arabic.page)
    first = arabic.assignment()
    arabic.judge("left", "right")
    kept = Judgment.objects.filter(assignment__public_id=first)
    side_a = Assignment.objects.get(public_id=first).side_a
    assert {one.axis.key: one.choice for one in kept.select_related("axis")} == {
        "quality": "a" if side_a == "left" else "b",
        "faithfulness": "a" if side_a == "right" else "b",
    }
    assert kept[0].assignment.playback["language"] == "ar"
    assert errors == []


def test_left_stays_left_in_arabic_and_so_do_its_key_and_its_clip(arabic):
    page = arabic.page
    arabic.wait_until_seen()
    assert centre_of(page, "video[data-side=left]") < centre_of(page, "video[data-side=right]")
    assert centre_of(page, ".choice--left") < centre_of(page, ".choice--right")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("input[name=choice-quality][value=left]")).to_be_checked()
    expect(page.locator(".choice--left")).to_contain_text("اليسار")


def test_the_transport_runs_from_the_left_in_arabic_and_the_rest_from_the_right(arabic):
    page = arabic.page
    assert centre_of(page, "[data-action=restart]") < centre_of(page, "[data-action=loop]")
    assert centre_of(page, ".rate__title") > centre_of(page, ".skip-box")
    assert centre_of(page, "[data-next]") < centre_of(page, ".later")


@pytest.mark.parametrize("language", LOCALES)
def test_what_scripts_say_is_in_the_pages_language(open_context, live_server, study, language):
    page = open_context(locale=LOCALES[language]).new_page()
    errors = collect_errors(page)
    rater = begin(page, live_server.url, study, language)
    rater.wait_until_seen()
    page.keyboard.press("ArrowLeft")
    missing, chosen, clock = SAID[language]
    expect(page.locator("[data-missing]")).to_have_text(missing)
    expect(page.locator("[data-announce]")).to_have_text(chosen)
    expect(page.locator("[data-clock]")).to_have_text(re.compile(clock))
    assert errors == []


def test_a_rater_changes_the_language_without_a_script(open_context, live_server, study):
    page = open_context(java_script_enabled=False).new_page()
    page.goto(f"{live_server.url}/s/{study.slug}/?PROLIFIC_PID=5f00")
    page.get_by_role("button", name="العربية").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    page.get_by_role("button", name=START["ar"]).click()
    page.wait_for_url("**/rate/")
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    assert Assignment.objects.get().rater.external_id == "5f00"


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize("step", ["welcome", "rate"])
def test_nothing_is_wider_than_a_phone_in_any_language(
    open_context, live_server, study, language, step
):
    page = open_context(PHONE, locale=LOCALES[language], has_touch=True).new_page()
    if step == "welcome":
        page.goto(f"{live_server.url}/s/{study.slug}/")
    else:
        begin(page, live_server.url, study, language)
        expect(page.locator("[data-ready]")).to_be_attached()
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) == 0
