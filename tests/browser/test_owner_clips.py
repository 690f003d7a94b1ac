"""The matrix of a study's clips in a real Chromium: fresh, said in words, and worked by keys."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect

from generation.enums import JobState
from generation.models import Job
from tests.browser.conftest import DESKTOP, PHONE, OpenContext, let_pass, stop_clock
from tests.owner.at_work import STANDINGS, study_with_jobs

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]
A_ROUND = 4_000
SERIOUS = {"serious", "critical"}


@pytest.fixture
def study():
    return study_with_jobs(*[(state, values) for state, values, _ in STANDINGS])


@pytest.fixture
def sign_in(live_server):
    """Let a browser be the owner's."""
    client = Client()
    client.force_login(User.objects.create_superuser("owner"))
    session = client.cookies["sessionid"].value

    def sign(page: Page) -> Page:
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        return page

    return sign


@pytest.fixture
def clips(page: Page, sign_in, live_server, study) -> Page:
    stop_clock(sign_in(page)).goto(f"{live_server.url}/studies/{study.slug}/clips/")
    return page


def square(page: Page, state: JobState):
    job = Job.objects.get(state=state)
    return page.locator(f"#clip-{job.endpoint.model_id}-{job.prompt_id}")


def shown_of(square) -> str:
    return square.evaluate("one => getComputedStyle(one, '::after').content")


def test_the_focus_says_what_a_square_is_and_enter_opens_it(clips):
    failed = square(clips, JobState.FAILED)
    assert shown_of(failed) == "none"
    # Only a focus that keys gave is shown.
    clips.keyboard.press("Tab")
    failed.focus()
    assert "failed. Out of memory." in shown_of(failed)
    clips.keyboard.press("Enter")
    expect(clips.get_by_text("Out of memory.")).to_be_visible()


def test_a_square_changes_by_itself(clips):
    expect(square(clips, JobState.READY)).to_have_text("○")
    waiting = Job.objects.get(state=JobState.READY)
    Job.objects.filter(pk=waiting.pk).update(state=JobState.REJECTED, error="No foxes.")
    clips.clock.run_for(A_ROUND)
    changed = clips.locator(f"#clip-{waiting.endpoint.model_id}-{waiting.prompt_id}")
    expect(changed).to_have_text("×")


def test_a_button_within_the_part_that_refreshes_works_after_a_refresh(clips):
    button = clips.get_by_role("button", name="Retry all that failed")
    let_pass(button, A_ROUND)
    button.click()
    expect(clips.get_by_text("1 clip is tried again.")).to_be_visible()
    assert clips.url.endswith("/clips/")


def test_all_of_it_works_with_scripts_off(open_context: OpenContext, sign_in, live_server, study):
    page = sign_in(open_context(java_script_enabled=False).new_page())
    page.goto(f"{live_server.url}/studies/{study.slug}/clips/")
    square(page, JobState.FAILED).click()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("1 clip is tried again.")).to_be_visible()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    open_context: OpenContext, sign_in, live_server, study, viewport, scheme
):
    page = sign_in(open_context(viewport, color_scheme=scheme).new_page())
    job = Job.objects.get(state=JobState.REJECTED)
    Job.objects.filter(pk=job.pk).update(is_trial=True)
    clip, test = f"clips/{job.endpoint.model_id}/{job.prompt_id}/", f"test/{job.pk}/"
    for path in [
        f"{study.slug}/",
        f"{study.slug}/clips/",
        f"{study.slug}/{clip}",
        f"+endpoints/{job.endpoint_id}/trial/",
        f"+endpoints/{job.endpoint_id}/{test}",
    ]:
        page.goto(f"{live_server.url}/studies/{path}")
        found = Axe().run(page).response["violations"]
        assert [one["id"] for one in found if one["impact"] in SERIOUS] == [], path
