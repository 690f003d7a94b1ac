"""The pictures of the README, made from the demo models' clips and simulated votes.

`make screenshots` writes them to docs/images; every other run only proves that they can be made.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from analysis.services.making import compute_report_now
from annotations.enums import RosterOrigin
from annotations.models import Assignment, Study
from annotations.services.clips.roster import put_in
from annotations.services.clips.stimuli import register_stimulus
from annotations.services.pairs.preparing import (
    lease_due_renditions,
    make_rendition,
    sync_comparisons,
)
from annotations.services.studies.states import (
    close_study,
    create_study,
    open_study,
    set_models,
    set_prompts,
    start_preparing,
)
from annotations.simulation import Truth, simulate_raters
from examples.model_endpoint.models import MODELS, generate
from tests.annotations.factories import make_comparison, make_model, make_prompt, make_study
from tests.browser.conftest import PHONE, collect_errors
from tests.browser.rater import RaterAtBrowser

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]

PROMPT = "A red balloon rising over a green meadow"
TITLE = "Which clip is better?"
NAMES = {"demo-aurora": "Demo model Aurora", "demo-drift": "Demo model Drift"}
BLANK_BYTES = 15_000
OTHERS = 11


@pytest.fixture
def picture(tmp_path):
    """Save what a page shows, in docs/images if asked to."""
    folder = settings.BASE_DIR / "docs" / "images"
    folder = folder if os.environ.get("UPDATE_SCREENSHOTS") else tmp_path

    def save(page: Page, name: str) -> Path:
        path = folder / name
        page.screenshot(path=path, animations="disabled")
        assert path.stat().st_size > BLANK_BYTES
        return path

    return save


@pytest.fixture
def live_study(tmp_path) -> Study:
    """A clip of each demo model for one prompt, prepared; other comparisons come after it."""
    models = [make_model(name) for name in NAMES.values()]
    prompt = make_prompt(PROMPT)
    study = create_study(title=TITLE, slug="live", models=models, prompts=[prompt])
    for row, model in zip(models, NAMES, strict=True):
        clip = tmp_path / f"{model}.mp4"
        generate(MODELS[model], PROMPT, 1, clip, lambda percent: None)
        made = register_stimulus(model=row, prompt=prompt, seed=0, path=clip, source="test")
        put_in(study=study, clips=[made], origin=RosterOrigin.MADE)
    start_preparing(study=study)
    sync_comparisons(study=study)
    now = timezone.now()
    for rendition_id in lease_due_renditions(now=now):
        make_rendition(rendition_id=rendition_id, now=now)
    for _ in range(OTHERS):
        make_comparison(study, open_seats=1)
    open_study(study=study, now=now)
    return study


@pytest.fixture
def finished_study(live_server) -> Study:
    """Twelve prompts that five simulated raters judged."""
    study = make_study(comparisons=0, state="draft")
    models = [make_model(name) for name in NAMES.values()]
    set_models(study=study, models=models)
    prompts = [make_prompt() for _ in range(12)]
    set_prompts(study=study, prompts=prompts)
    for prompt in prompts:
        make_comparison(study, prompt)
    Study.objects.filter(pk=study.pk).update(state="open", frozen_as="finished", title=TITLE)
    study.refresh_from_db()
    truth = Truth(better=models[0].slug, share={"quality": 0.85, "faithfulness": 0.9})
    accuracies = [0.95, 0.9, 0.85, 0.8, 0.75]
    simulate_raters(
        study=study, site_url=live_server.url, accuracies=accuracies, truth=truth, seed=3
    )
    close_study(study=study, now=timezone.now())
    return study


def test_screenshots_of_the_rater_page(page, live_server, live_study, open_context, picture):
    judge_halfway(RaterAtBrowser(page, live_server.url, live_study.slug))
    picture(page, "rater.png")
    phone = open_context(PHONE, has_touch=True).new_page()
    errors = collect_errors(phone)
    judge_halfway(RaterAtBrowser(phone, live_server.url, live_study.slug))
    picture(phone, "rater-phone.png")
    assert errors == []


def judge_halfway(rater: RaterAtBrowser) -> None:
    """Quality is answered, the prompt is shown, and the second answer is on its way."""
    rater.start()
    rater.wait_until_seen()
    better = Assignment.objects.get(public_id=rater.assignment()).side_a
    rater.choose("quality", better, "pixel-sharpness")
    rater.send()
    rater.page.locator("input[name=choice-faithfulness]").first.wait_for(state="attached")
    rater.choose("faithfulness", better, "spatial-text-alignment")
    expect(rater.page.locator("[data-next]")).not_to_have_attribute("aria-disabled", "true")


def test_screenshots_of_the_report(page, live_server, finished_study, picture):
    compute_report_now(study=finished_study)
    page.goto(f"{live_server.url}/r/{finished_study.report_token}/")
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    expect(page.locator("h1")).to_contain_text("Simulated votes")
    picture(page, "report.png")


def test_screenshots_of_the_owners_page(page, live_server, finished_study, picture):
    User.objects.create_superuser("owner", password="a long password")
    compute_report_now(study=finished_study)
    page.goto(f"{live_server.url}/studies/{finished_study.slug}/")
    page.get_by_label("Username").fill("owner")
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("60 of 60")).to_be_visible()
    picture(page, "study.png")
