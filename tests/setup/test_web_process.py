"""What a web process loads: it serves what workers stored, and does not load what computes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from django.contrib.auth.models import User
from django.test import Client

from analysis.services.making import compute_extras, compute_report_now
from annotations.enums import StudyState
from annotations.models import Assignment
from tests.analysis.golden_studies import TOKEN, judged_demo
from tests.annotations.factories import make_study
from tests.doors import all_doors
from tests.processes import ROOT, environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("live")]

READ = (
    *("/healthz", "/studies/", "/studies/demo/", "/studies/demo/results/"),
    *("/studies/demo/progress/", "/studies/demo/people/", "/studies/demo/comparisons/"),
    *("/studies/demo/comparisons/matrix/", "/studies/demo/comparisons/900001/"),
    *("/studies/demo/report-with-clips.html", "/studies/demo/clips/", "/studies/demo/checks/"),
    *("/studies/demo/recruitment/", "/operation/", "/s/demo/", "/admin/"),
    *("/admin/annotations/study/", "/admin/analysis/report/", "/api/v1/studies/"),
    *("/api/v1/studies/demo/", "/api/v1/studies/demo/report/"),
    "/api/v1/studies/demo/judgments/",
)
FILES = (
    *("", "report.json", "judgments.csv", "renditions.csv", "generation.csv", "fastchat.csv"),
    *("genai_bench.csv", "crowd_kit.csv", "win_rates.csv", "win_rates.tex", "preferences.jsonl"),
    *("report.zip", "win_rates.png", "win_rates.svg", "win_rates.pdf", "win_rates.parquet"),
)
COMPUTING = (
    # Planning is arithmetic with binomial distributions, for numbers that somebody just entered.
    "/studies/+plan/",
    # What raters' votes tell about them is counted from the votes up to now.
    "/studies/demo/raters/",
    # Every vote up to now, written while it is read.
    f"/r/{TOKEN}/judgments.parquet",
)
"""Pages that load what computes when somebody opens them, and only then."""


@pytest.fixture
def owner() -> Client:
    """The owner of a closed study whose report and files are there."""
    report = compute_report_now(study=judged_demo(StudyState.CLOSED))
    compute_extras(report_id=report.pk)
    client = Client()
    client.force_login(User.objects.create_superuser("owner"))
    return client


def cookies_of(client: Client) -> str:
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())


def asked(*questions: tuple[str, str]) -> list[tuple[int, set[str]]]:
    """Status and heavy modules after each page, of one new web process."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.setup.web_process"],
        input=json.dumps(questions) + "\n",
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment("redis://"),
        timeout=200,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return [(status, set(heavy)) for status, heavy in map(json.loads, run.stdout.splitlines())]


def test_every_kind_of_page_is_served_without_what_computes(owner):
    cookies = cookies_of(owner)
    pages = [*READ, *(f"/r/{TOKEN}/{name}" for name in FILES)]
    answers = asked(*((page, cookies) for page in pages))
    assert dict(zip(pages, answers, strict=True)) == dict.fromkeys(pages, (200, set()))


def test_raters_are_served_without_what_computes():
    study = make_study(comparisons=2)
    rater = Client()
    page = rater.get(f"/s/{study.slug}/")
    assert rater.post(f"/s/{study.slug}/", follow=True).status_code == 200, page
    given = Assignment.objects.get()
    pages = [f"/s/{study.slug}/rate/", f"/m/{given.left_token}/", f"/m/{given.right_token}/"]
    answers = asked(*((page, cookies_of(rater)) for page in pages))
    assert answers == [(200, set())] * 3


def test_no_other_route_loads_what_computes(owner):
    """Each one of the URL configuration, whatever it answers to values that may not fit."""
    values = {"slug": "demo", "token": TOKEN, "name": "win_rates.csv", "which": "a"}
    comparison = {"comparison_id": "900001"}
    doors = [
        door.address({**{name: "1" for _, name in door.places}, **values, **comparison})
        for door in all_doors()
        if all(kind != "uuid" for kind, _ in door.places)
    ]
    pages = [page for page in doors if page not in COMPUTING and "logout" not in page]
    assert len(pages) > 100
    answers = asked(*((page, cookies_of(owner)) for page in pages))
    loaded = {page: heavy for page, (_, heavy) in zip(pages, answers, strict=True) if heavy}
    assert loaded == {}


@pytest.mark.parametrize("page", COMPUTING)
def test_what_computes_when_it_is_opened_is_known(owner, page):
    healthy, (status, loaded) = asked(("/healthz", ""), (page, cookies_of(owner)))
    assert healthy == (200, set())
    assert (status, "numpy" in loaded) == (200, True)
