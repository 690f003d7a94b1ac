"""The rating page in a real browser, against a real server with real clips."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from annotations.models import Assignment, Judgment, Study
from tests.annotations.factories import make_comparison, make_prompt, make_rendition, make_study
from tests.browser.conftest import PHONE, collect_errors
from tests.browser.rater import RaterAtBrowser
from tests.media.clips import make_clip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]

PROMPT = "A fox dressed in a suit dancing in a park"


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


@pytest.fixture
def rater(page, live_server, study) -> RaterAtBrowser:
    rater = RaterAtBrowser(page, live_server.url, study.slug)
    rater.start()
    return rater


def test_the_first_page_fetches_what_the_rating_page_waits_for(page, live_server, study):
    page.goto(f"{live_server.url}/s/{study.slug}/")
    ahead = page.locator("head link[rel=prefetch]")
    expect(ahead).not_to_have_count(0)
    fetched = {link.get_attribute("href") for link in ahead.all()}
    page.locator(".start__button").click()
    page.wait_for_url("**/rate/")
    waited_for = "link[rel=stylesheet][href*='/rater/'], script[src]:not([type=module])"
    assert fetched == set(
        page.locator(waited_for).evaluate_all(
            "all => all.map(e => e.getAttribute('href') || e.getAttribute('src'))"
        )
    )


def prompt_of(rater: RaterAtBrowser) -> str:
    return Assignment.objects.get(public_id=rater.assignment()).comparison.prompt.text


def test_choices_open_when_both_clips_were_seen(rater):
    radio = rater.page.locator("input[name^=choice-]").first
    expect(radio).to_be_disabled()
    rater.wait_until_seen()
    expect(radio).to_be_enabled()


def test_the_prompt_appears_after_quality_and_the_answer_is_saved(rater):
    rater.wait_until_seen()
    prompt = prompt_of(rater)
    assert prompt not in rater.page.content()
    rater.choose("quality", "left", "pixel-sharpness")
    rater.send()
    expect(rater.page.get_by_text(prompt)).to_be_visible()
    first = rater.assignment()
    rater.choose("faithfulness", "right", "spatial-text-alignment")
    rater.send()
    expect(
        rater.page.locator(f"[data-assignment]:not([data-assignment='{first}'])")
    ).to_be_visible()
    assert Judgment.objects.filter(assignment__public_id=first).count() == 2


def test_a_whole_comparison_is_judged_by_keyboard(rater):
    rater.wait_until_seen()
    first = rater.assignment()
    for key in ("ArrowLeft", "3", "Enter"):
        rater.page.keyboard.press(key)
    expect(rater.page.locator("input[name=choice-faithfulness]").first).to_be_attached()
    for key in ("ArrowRight", "6", "7", "Enter"):
        rater.page.keyboard.press(key)
    expect(
        rater.page.locator(f"[data-assignment]:not([data-assignment='{first}'])")
    ).to_be_visible()
    reasons = Judgment.objects.filter(assignment__public_id=first, axis__key="faithfulness")
    assert reasons.get().reasons.count() == 2


def test_what_was_chosen_before_the_scripts_came_counts_once_both_clips_were_seen(rater):
    scripts, clips = [], []
    rater.page.route("**/rater/rate.js", lambda route: scripts.append(route))
    # The clips wait as well: on a busy machine both were seen before anybody could look.
    rater.page.route("**/m/*/", lambda route: clips.append(route))
    rater.page.reload(wait_until="commit")
    rater.choose("quality", "left", "pixel-sharpness")
    while not scripts:
        rater.page.wait_for_timeout(50)
    scripts[0].continue_()
    next_one = rater.page.locator("[data-next]")
    expect(next_one).to_be_disabled()
    rater.page.unroute("**/m/*/")
    for clip in clips:
        clip.continue_()
    expect(next_one).to_be_enabled()
    rater.send()
    expect(rater.page.locator("input[name=choice-faithfulness]").first).to_be_attached()


def test_without_a_reason_the_page_says_what_is_missing(rater):
    rater.wait_until_seen()
    rater.choose("quality", "left")
    rater.page.keyboard.press("Enter")
    expect(rater.page.locator("[data-missing]")).to_contain_text("reason")
    assert Assignment.objects.order_by("pk")[0].draft is None


def test_an_answer_survives_a_reload(rater):
    rater.wait_until_seen()
    rater.choose("quality", "right", "amount-of-motion")
    rater.page.reload()
    expect(rater.page.locator("input[name=choice-quality][value=right]")).to_be_checked()
    expect(rater.page.locator("input[value=amount-of-motion]")).to_be_checked()


def test_an_answer_survives_a_lost_line_and_is_saved_once(open_context, live_server, study):
    context = open_context()
    rater = RaterAtBrowser(context.new_page(), live_server.url, study.slug)
    rater.start()
    rater.wait_until_seen()
    context.set_offline(True)
    rater.choose("quality", "left", "pixel-sharpness")
    rater.send()
    expect(rater.page.get_by_text("Kept on this device")).to_be_visible()
    context.set_offline(False)
    expect(rater.page.locator("input[name=choice-faithfulness]").first).to_be_attached()
    assert [answer["choice"] for answer in Assignment.objects.order_by("pk")[0].draft] == ["left"]


def test_both_clips_stay_in_step(rater):
    """Drift under one frame of these 16 fps clips, over three loops."""
    drift = rater.page.evaluate(
        """async () => {
            const [a, b] = document.querySelectorAll("video");
            let most = 0, loops = 0, last = 0;
            while (loops < 3) {
                await new Promise(requestAnimationFrame);
                if (a.currentTime < last) loops++;
                last = a.currentTime;
                if (!a.paused && !b.paused && !a.seeking && !b.seeking)
                    most = Math.max(most, Math.abs(a.currentTime - b.currentTime));
            }
            return most;
        }"""
    )
    assert drift < 1 / 16


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720)])
def test_the_page_needs_no_scrolling_on_a_laptop(rater, size):
    rater.page.set_viewport_size({"width": size[0], "height": size[1]})
    rater.wait_until_seen()
    rater.choose("quality", "left", "pixel-sharpness")
    rater.send()
    expect(rater.page.get_by_text(prompt_of(rater))).to_be_visible()
    spare = rater.page.evaluate("innerHeight - document.documentElement.scrollHeight")
    assert spare >= 0


def test_on_a_phone_nothing_is_wider_than_the_screen(open_context, live_server, study):
    page = open_context(PHONE, has_touch=True, is_mobile=True).new_page()
    errors = collect_errors(page)
    rater = RaterAtBrowser(page, live_server.url, study.slug)
    rater.start()
    rater.wait_until_seen()
    rater.choose("quality", "left", "pixel-sharpness")
    assert (wider_than_the_screen(page), errors) == (0, [])
    rater.send()
    rater.choose("faithfulness", "left", "spatial-text-alignment")
    rater.send()
    # With the way back there is one thing more in the top line.
    expect(page.locator("[data-back]")).to_be_visible()
    for width in (390, 360):
        page.set_viewport_size({"width": width, "height": 640})
        assert (wider_than_the_screen(page), errors) == (0, [])


def wider_than_the_screen(page) -> int:
    """By how many pixels; the window itself may grow with what is too wide."""
    width = page.evaluate("document.documentElement.scrollWidth")
    return width - page.viewport_size["width"]


def test_with_scripts_off_the_whole_study_can_be_judged(open_context, live_server, study):
    page = open_context(java_script_enabled=False).new_page()
    rater = RaterAtBrowser(page, live_server.url, study.slug)
    rater.start()
    for _ in range(2):
        rater.choose("quality", "left", "pixel-sharpness")
        rater.send()
        rater.choose("faithfulness", "left", "spatial-text-alignment")
        rater.send()
    expect(page.get_by_text(study.completion_code)).to_be_visible()
    assert Judgment.objects.count() == 4


def test_a_pair_is_skipped_with_a_reason(rater):
    before = rater.assignment()
    rater.page.get_by_text("Skip…").click()
    rater.page.get_by_text("I cannot judge this pair").click()
    rater.page.get_by_label("Anything we should know").fill("Both black. 12 left right")
    rater.page.get_by_role("button", name="Skip this pair").click()
    rater.page.wait_for_function(
        "before => document.querySelector('[data-assignment]')?.dataset.assignment !== before",
        arg=before,
    )
    skipped = Assignment.objects.get(public_id=before)
    assert (skipped.skip_reason, skipped.skip_note) == ("unsure", "Both black. 12 left right")


MUTED = "[...document.querySelectorAll('video')].map(video => video.muted)"


def test_a_clip_without_sound_has_no_sound_button(rater):
    expect(rater.page.locator("[data-action=sound]")).to_have_count(0)


def test_one_side_is_heard_at_a_time(page, live_server, study, tmp_path):
    clip = make_clip(tmp_path / "loud.mp4", width=256, height=256, fps=16, frames=16, audio=True)
    for comparison in study.comparisons.all():
        for stimulus in (comparison.stimulus_a, comparison.stimulus_b):
            rendition = make_rendition(stimulus, clip.read_bytes())
            rendition.plan["has_audio"] = True
            rendition.save()
        comparison.rendition_a = comparison.stimulus_a.renditions.latest("pk")
        comparison.rendition_b = comparison.stimulus_b.renditions.latest("pk")
        comparison.save()
    rater = RaterAtBrowser(page, live_server.url, study.slug)
    rater.start()
    rater.wait_until_seen()
    button = page.locator("[data-action=sound]")
    assert page.evaluate(MUTED) == [True, True]
    for shown, muted in (("Left", [False, True]), ("Right", [True, False]), ("off", [True, True])):
        page.keyboard.press("m")
        expect(button).to_contain_text(shown)
        assert page.evaluate(MUTED) == muted
