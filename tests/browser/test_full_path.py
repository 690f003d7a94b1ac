"""The whole job in a browser, against a real server, worker, Redis and model endpoint."""

from __future__ import annotations

import csv
import io
import json

import httpx
import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotations.enums import Side
from annotations.models import Assignment, GenerativeModel, Study
from tests.browser.rater import RaterAtBrowser
from tests.processes import Stack, running_stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
]

PASSWORD = "a long password"
PROMPTS = ("A red ball rising over the sea", "A blue square falling into a forest")
SIZES = {"demo-aurora": "256x256", "demo-drift": "320x180"}
RATERS = 5
WORK_MS = 90_000


@pytest.fixture
def stack(tmp_path):
    User.objects.create_superuser("owner", password=PASSWORD)
    with running_stack(tmp_path, web=True, endpoint=True) as stack:
        yield stack


def test_from_an_empty_site_to_a_justified_report(stack, page, open_context):
    log_in(page, stack)
    for model in SIZES:
        add_model(page, stack, model)
    set_up_study(page)
    generate(page)
    prepare_and_open(page)
    for number in range(RATERS):
        rate_everything(open_context().new_page(), stack, number)
    close(page)
    read_report(page)
    read_judgments(page)


def log_in(page: Page, stack: Stack) -> None:
    page.goto(stack.site_url)
    page.get_by_label("Username").fill("owner")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Studies")).to_be_visible()


def add_model(page: Page, stack: Stack, model: str) -> None:
    """A model and its endpoint, as the admin asks for them."""
    page.goto(f"{stack.site_url}/admin/annotations/generativemodel/add/")
    page.locator("[name=name]").fill(model)
    save(page)
    page.goto(f"{stack.site_url}/admin/generation/endpoint/add/")
    page.locator("[name=model]").select_option(label=model)
    page.locator("[name=name]").fill(f"{model} endpoint")
    page.locator("[name=base_url]").fill(f"{stack.endpoint_url}/v1")
    page.locator("[name=is_internal]").check()
    page.locator("[name=remote_model]").fill(model)
    page.locator("[name=parameters]").fill(json.dumps({"seconds": "1", "size": SIZES[model]}))
    save(page)
    assert GenerativeModel.objects.get(name=model).endpoint.is_internal


def set_up_study(page: Page) -> None:
    page.get_by_role("link", name="Progress of studies").click()
    page.get_by_role("link", name="New study").first.click()
    # The script that fills in the slug.
    page.wait_for_load_state()
    page.locator("[name=title]").press_sequentially("Which clip is better?")
    expect(page.locator("[name=slug]")).to_have_value("which-clip-is-better")
    page.locator("[name=pasted_prompts]").fill("\n".join(PROMPTS))
    for place, model in enumerate(SIZES):
        page.locator(f"[name=study_models-{place}-model]").select_option(label=model)
    expect(page.locator("[name=axes-0-reason_lines]")).to_have_value(
        "Motion smoothness\nObject/scene consistency\nPixel sharpness\n"
        "Recognizable objects/scenes\nAmount of motion"
    )
    save(page)
    expect(page.get_by_role("heading", name="Which clip is better?")).to_be_visible()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(lambda url: not url.endswith("/add/"))


def generate(page: Page) -> None:
    page.get_by_role("button", name="Generate missing clips").click()
    expect(page.get_by_text("4 clips will be made by their endpoints.")).to_be_visible()
    expect(bar(page, "Clips")).to_have_text("4 of 4", timeout=WORK_MS)


def prepare_and_open(page: Page) -> None:
    page.get_by_role("button", name="Prepare").click()
    expect(bar(page, "Fair pairs")).to_have_text("2 of 2", timeout=WORK_MS)
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("The study is open")).to_be_visible()


def bar(page: Page, name: str):
    return page.locator(".bars__one", has=page.get_by_role("heading", name=name)).locator(
        ".bars__count"
    )


def rate_everything(page: Page, stack: Stack, number: int) -> None:
    """Model A is better on quality throughout; on faithfulness for the first prompt, 3 to 2."""
    rater = RaterAtBrowser(page, stack.site_url, "which-clip-is-better")
    rater.start(PROLIFIC_PID=f"rater-{number}", SESSION_ID="s")
    for _ in PROMPTS:
        assignment = Assignment.objects.get(public_id=rater.assignment())
        side_a = Side(assignment.side_a)
        is_first = assignment.comparison.prompt.text == PROMPTS[0]
        rater.judge(side_a, side_a if is_first and number < 3 else side_a.other)
    page.wait_for_url("**/done/")
    code = Study.objects.get().completion_code
    expect(page.locator("[data-copy-source]")).to_have_text(code)


def close(page: Page) -> None:
    expect(bar(page, "Judged")).to_have_text("10 of 10", timeout=WORK_MS)
    page.get_by_text("Close…").click()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_text("The study is closed. The report stays.")).to_be_visible()


def read_report(page: Page) -> None:
    """2 of 2 prompts won: Wilson 34.2 to 100.0; 1 of 2: 9.5 to 90.5 (Wilson 1927, z = 1.96)."""
    page.locator("#results-report").click()
    expect(page.locator("h1")).to_contain_text("demo-aurora", timeout=WORK_MS)
    text = page.locator("main").inner_text().replace("\u202f", " ")
    for figure in ("100.0 %", "34.2", "50.0 %", "9.5", "90.5"):
        assert figure in text
    table = csv.DictReader(io.StringIO(read(page, "win_rates.csv")))
    rows = {row["axis"]: row for row in table}
    assert [rows["quality"][name] for name in ("wins_a", "wins_b", "n")] == ["2", "0", "2"]
    assert [rows["faithfulness"][name] for name in ("wins_a", "wins_b", "n")] == ["1", "1", "2"]


def read_judgments(page: Page) -> None:
    rows = list(csv.DictReader(io.StringIO(read(page, "judgments.csv"))))
    assert len(rows) == RATERS * len(PROMPTS) * 2
    by_axis = {
        axis: [row["winner"] for row in rows if row["axis"] == axis]
        for axis in ("quality", "faithfulness")
    }
    assert by_axis["quality"] == ["model_a"] * 10
    assert sorted(by_axis["faithfulness"]) == ["model_a"] * 3 + ["model_b"] * 7
    reasons = {"quality": "pixel-sharpness", "faithfulness": "spatial-text-alignment"}
    assert all(row["reasons"] == reasons[row["axis"]] for row in rows)


def read(page: Page, name: str) -> str:
    return httpx.get(page.url + name).raise_for_status().text
