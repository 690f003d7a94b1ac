"""Every rater page, by language and theme: axe finds nothing serious, and its picture is taken.

`make screenshots` writes the pictures to docs/images/raters; see docs/rater-pages.md.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page

from annotations.enums import CheckRole, RosterOrigin
from annotations.models import Judgment, Study
from annotations.services.checks.defining import add_check
from annotations.services.clips.roster import put_in
from annotations.services.clips.stimuli import register_stimulus
from annotations.services.pairs.preparing import (
    lease_due_renditions,
    make_rendition,
    sync_comparisons,
)
from annotations.services.studies.states import create_study, open_study, start_preparing
from examples.model_endpoint.models import MODELS, generate
from tests.annotations.factories import make_model, make_prompt, make_study
from tests.browser.conftest import DESKTOP, PHONE, OpenContext, collect_errors

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]

TEXTS = {
    "balloon": "A red balloon rising over a green meadow",
    "train": "A train crossing a bridge at dusk",
    "boat": "A small boat on a calm lake",
    "kite": "A yellow kite above a beach",
}
SERIOUS = {"serious", "critical"}
WALKS = {
    "light": {"viewport": DESKTOP},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "has_touch": True},
    "phone-dark": {"viewport": PHONE, "has_touch": True, "color_scheme": "dark"},
    "arabic": {"viewport": DESKTOP, "locale": "ar-EG"},
    "arabic-phone": {"viewport": PHONE, "has_touch": True, "locale": "ar-EG"},
    "spanish": {"viewport": DESKTOP, "locale": "es-MX"},
    "chinese": {"viewport": DESKTOP, "locale": "zh-CN"},
}
KEPT = ("light", "dark", "phone", "phone-dark", "arabic", "arabic-phone")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[tuple[str, str], Path]:
    """The demo models' clips of every text."""
    folder = tmp_path_factory.mktemp("clips")
    places = [(demo, name) for demo in ("demo-aurora", "demo-drift") for name in TEXTS]
    paths = {place: folder / f"{'-'.join(place)}.mp4" for place in places}
    for (demo, name), path in paths.items():
        generate(MODELS[demo], TEXTS[name], 1, path, lambda percent: None)
    return paths


@pytest.fixture
def study(made, kept_media) -> Study:
    """Two pairs of the demo models' clips, after an example and a practice pair."""
    models = [make_model("Demo model Aurora"), make_model("Demo model Drift")]
    prompts = {name: make_prompt(text) for name, text in TEXTS.items()}
    clips = {}
    for row, demo in zip(models, ("demo-aurora", "demo-drift"), strict=True):
        for name, prompt in prompts.items():
            clips[demo, name] = register_stimulus(
                model=row, prompt=prompt, seed=0, path=made[demo, name], source="test"
            )
    study = create_study(
        title="Which clip is better?",
        slug="every-page",
        models=models,
        prompts=[prompts["balloon"], prompts["train"]],
        must_watch=False,
        consent="Your answers are kept without your name and published with the result.",
        content_warning="Some clips flicker.",
    )
    put_in(study=study, clips=clips.values(), origin=RosterOrigin.IMPORTED)
    reason = study.axes.get(key="quality").reasons.first()
    for role, name in ((CheckRole.EXAMPLE, "boat"), (CheckRole.PRACTICE, "kite")):
        add_check(
            study=study,
            role=role,
            stimulus_a=clips["demo-aurora", name],
            stimulus_b=clips["demo-drift", name],
            expected={"quality": "a"},
            reason=reason if role == CheckRole.EXAMPLE else None,
            explanation="The other one jumps where the camera turns.",
        )
    start_preparing(study=study)
    sync_comparisons(study=study)
    now = timezone.now()
    while due := lease_due_renditions(now=now):
        for rendition_id in due:
            make_rendition(rendition_id=rendition_id, now=now)
    open_study(study=study, now=now)
    return study


@dataclass
class Walk:
    """One way through the pages of a rater, looked at on each."""

    page: Page
    site: str
    study: Study
    folder: Path | None
    name: str

    def through(self) -> dict[str, list[str]]:
        """What axe finds that is serious, by page."""
        found = {}
        self.page.goto(f"{self.site}/s/{self.study.slug}/")
        found["welcome"] = self.look("welcome")
        self.page.locator("[name=consent]").check()
        self.page.locator(".start button[type=submit]").first.click()
        self.page.wait_for_url("**/examples/")
        found["examples"] = self.look("examples")
        self.page.locator(".start__button").click()
        found["practice"] = self.look("practice", rating=True)
        self.judge("left", "left")
        self.page.wait_for_url("**/feedback/**")
        found["feedback"] = self.look("feedback")
        self.page.locator("[data-go-on]").click()
        found["rate"] = self.look("rate", rating=True)
        self.answer("quality", "left")
        found["rate-with-text"] = self.look("rate-with-text", rating=True)
        self.page.locator(".skip-box summary").click()
        found["skip"] = self.look("skip", rating=True)
        self.page.locator(".skip-box summary").click()
        self.answer("faithfulness", "right")
        self.wait_for_another()
        self.page.locator("[data-back]").click()
        self.page.wait_for_url("**/back/")
        found["back"] = self.look("back", rating=True)
        self.page.goto(f"{self.site}/s/{self.study.slug}/rate/")
        self.judge("right", "right")
        self.page.wait_for_url("**/done/")
        found["done"] = self.look("done")
        closed = make_study(state="paused")
        self.page.goto(f"{self.site}/s/{closed.slug}/")
        self.page.locator(".start button[type=submit]").first.click()
        found["not-open"] = self.look("not-open")
        return {name: problems for name, problems in found.items() if problems}

    def look(self, name: str, *, rating: bool = False) -> list[str]:
        if rating:
            self.page.wait_for_selector("[data-stage][data-ready]")
        if self.folder is not None:
            path = self.folder / f"{name}-{self.name}.jpg"
            self.page.screenshot(path=path, type="jpeg", quality=72, animations="disabled")
        assert self.page.evaluate(
            "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ), f"{name} is wider than the window"
        violations = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {one['nodes'][0]['html'][:200]}"
            for one in violations
            if one["impact"] in SERIOUS
        ]

    def judge(self, quality: str, faithfulness: str) -> None:
        self.page.wait_for_selector("[data-stage][data-ready]")
        self.answer("quality", quality)
        self.answer("faithfulness", faithfulness)

    def answer(self, axis: str, side: str) -> None:
        self.page.locator(f"input[name=choice-{axis}]").first.wait_for(state="attached")
        self.page.locator(f"label:has(input[name=choice-{axis}][value={side}])").click()
        self.page.locator(f"label:has(input[name=reason-{axis}])").first.click()
        self.page.locator("[data-next]").click()
        if axis == "quality":
            self.page.locator("input[name=choice-faithfulness]").first.wait_for(state="attached")

    def wait_for_another(self) -> None:
        self.page.wait_for_selector("[data-back]")
        self.page.wait_for_selector("[data-stage][data-ready]")


def test_axe_does_find_what_is_wrong(page):
    page.set_content('<html lang="en"><title>A page</title><main><img src="data:,"></main></html>')
    violations = Axe().run(page).response["violations"]
    assert "image-alt" in [one["id"] for one in violations]


@pytest.mark.parametrize("name", WALKS)
def test_axe_finds_nothing_serious_on_any_page_of_a_rater(
    open_context: OpenContext, live_server, study, name
):
    keeps = os.environ.get("UPDATE_SCREENSHOTS") and name in KEPT
    folder = settings.BASE_DIR / "docs" / "images" / "raters" if keeps else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    page = open_context(**WALKS[name]).new_page()
    errors = collect_errors(page)
    assert Walk(page, live_server.url, study, folder, name).through() == {}
    # The paused study answers 409, which the browser writes to the console.
    assert [error for error in errors if "409" not in error] == []


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"{selector} is not reached by the Tab key")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def judge_by_keys(page: Page) -> None:
    page.wait_for_selector("[data-stage][data-ready]")
    press(page, "ArrowLeft", "1", "Enter")
    page.locator("input[name=choice-faithfulness]").first.wait_for(state="attached")
    press(page, "ArrowRight", "6", "Enter")


def test_a_whole_session_needs_nothing_but_a_keyboard(page, live_server, study):
    page.goto(f"{live_server.url}/s/{study.slug}/")
    tab_to(page, "[name=consent]")
    press(page, "Space")
    tab_to(page, ".start__button")
    press(page, "Enter")
    page.wait_for_url("**/examples/")
    tab_to(page, "a.start__button")
    press(page, "Enter")
    page.wait_for_url("**/rate/")
    judge_by_keys(page)
    page.wait_for_url("**/feedback/**")
    tab_to(page, "[data-go-on]")
    press(page, "Enter")
    page.wait_for_url("**/rate/")
    judge_by_keys(page)
    page.wait_for_selector("[data-back]")
    judge_by_keys(page)
    page.wait_for_url("**/done/")
    assert Judgment.objects.for_study(study.pk).count() == 4


def test_a_whole_session_works_with_scripts_off(open_context, live_server, study):
    page = open_context(java_script_enabled=False).new_page()
    page.goto(f"{live_server.url}/s/{study.slug}/")
    page.locator("[name=consent]").check()
    page.locator(".start__button").click()
    page.locator("a.start__button").click()
    for _ in range(3):
        for axis in ("quality", "faithfulness"):
            page.locator(f"label:has(input[name=choice-{axis}][value=left])").click()
            page.locator(f"label:has(input[name=reason-{axis}])").first.click()
            page.locator("[data-next]").click()
        if "/feedback/" in page.url:
            page.locator("[data-go-on]").click()
    page.wait_for_url("**/done/")
    assert Judgment.objects.for_study(study.pk).count() == 4
