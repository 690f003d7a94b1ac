"""A folded table of a report is searched, and what is folded is sound, in a real Chromium."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from analysis.page.html import render_report
from tests.analysis.many import few_models, many_models
from tests.browser.conftest import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(many_models(few_models(), 60)))
    return path


@pytest.fixture(params=["light", "dark"])
def scheme(request):
    return request.param


@pytest.fixture
def report(chromium, file):
    """The report on a phone, without an error in its console."""
    page = chromium.new_page(viewport=PHONE)
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(file.as_uri())
    yield page
    page.close()
    assert said == []


@pytest.fixture
def table(report):
    """The table of win rates, unfolded."""
    report.get_by_text("Win rate of each pair: 1,000 of 3,540 rows").click()
    return report.get_by_role("region", name="Table of win rates")


def test_only_rows_with_all_words_that_are_typed_stay(report, table):
    field = table.locator("xpath=..").get_by_role("searchbox", name="Find")
    field.fill("quality MODEL-0003")
    expect(table.locator("tbody tr:visible")).to_have_count(59)
    expect(table.locator("xpath=..").get_by_role("status")).to_have_text("59 of 1000 rows")
    field.fill("")
    expect(table.locator("tbody tr:visible")).to_have_count(1000)


def test_numbers_are_not_searched(report, table):
    table.locator("xpath=..").get_by_role("searchbox").fill("50.0")
    expect(table.locator("tbody tr:visible")).to_have_count(0)


def test_what_is_found_can_be_sorted(report, table):
    table.locator("xpath=..").get_by_role("searchbox").fill("model-0003 quality")
    table.get_by_role("button", name="Win rate", exact=True).click()
    rates = [
        float(text.split("\u202f")[0])
        for text in table.locator("tbody tr:visible td:nth-child(3)").all_text_contents()
    ]
    assert rates == sorted(rates) and len(rates) == 59


def test_a_matrix_is_scrolled_beside_the_names_of_its_rows(report):
    matrix = report.get_by_role("region", name="Matrix of win rates: quality")
    matrix.evaluate("region => region.scrollTo(400, 0)")
    assert matrix.evaluate("region => region.scrollLeft") == 400
    name = matrix.get_by_role("rowheader").first
    assert name.bounding_box()["x"] == matrix.bounding_box()["x"]
    assert report.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_axe_finds_nothing_in_what_is_folded(chromium, tmp_path, scheme):
    file = tmp_path / "report.html"
    file.write_text(render_report(many_models(few_models(), 12)))
    context = chromium.new_context(viewport=PHONE, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    found = Axe().run(page).response["violations"]
    context.close()
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == []
