"""Reports and all their files, byte for byte as they are kept in `golden/`.

After a change that is meant, `UPDATE_GOLDEN=1 pytest tests/analysis/test_golden.py` writes them
anew; look at what it changed before you commit it.
"""

import os
from pathlib import Path

import pytest
from django.core.management import call_command

from analysis import version
from analysis.core.report import build_report, report_json
from analysis.core.settings import AskedAxis, ReportSettings, StoppingPlan, StoppingRule
from analysis.core.votes import validate_votes
from analysis.files.bundle import table_files, write_report
from analysis.page.html import render_report
from analysis.services.making import compute_extras, compute_report_now
from annotations.enums import StudyState
from tests.analysis.golden_studies import (
    GOLDEN,
    TOKEN,
    judged_demo,
    kept_forms,
    open_study_rows,
    zipped_files,
)
from tests.analysis.studies import EXAMPLES

SERVED = (
    "judgments.csv",
    "judgments.parquet",
    "renditions.csv",
    "fastchat.csv",
    "genai_bench.csv",
    "crowd_kit.csv",
)
PAGES = {"report.html": "", "report.json": "report.json"}


@pytest.fixture(autouse=True)
def fixed_version(monkeypatch, tmp_path):
    """Reports name the version of the code; the kept ones are of no version."""
    file = tmp_path / "pyproject.toml"
    file.write_text('[project]\nversion = "golden"\n')
    monkeypatch.setattr(version, "PYPROJECT", file)
    version.code_version.cache_clear()
    yield
    version.code_version.cache_clear()


def assert_as_kept(name: str, files: dict[str, bytes]) -> None:
    folder, made = GOLDEN / name, kept_forms(files)
    if os.environ.get("UPDATE_GOLDEN"):
        keep(folder, made)
    kept = {path.name: path.read_bytes().decode() for path in folder.iterdir()}
    assert sorted(made) == sorted(kept)
    for file, content in made.items():
        assert content == kept[file], f"golden/{name}/{file}"


def keep(folder: Path, made: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for file, content in made.items():
        (folder / file).write_bytes(content.encode())


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("votes", ["judgments.csv", "fastchat.csv"])
def test_the_report_of_an_example_is_as_kept(tmp_path, votes):
    call_command("analyze", str(EXAMPLES / votes), "--out", str(tmp_path / "out"))
    assert_as_kept(f"example-{votes.removesuffix('.csv')}", written(tmp_path / "out"))


def test_the_report_of_the_open_study_is_as_kept(tmp_path, open_study):
    """Three models, two protocols, ties, checks, and a rater who is left out."""
    votes = validate_votes(open_study_rows(open_study, 4))
    settings = ReportSettings(
        title="Open study",
        min_votes=3,
        ties_allowed=True,
        axes=(AskedAxis("quality", "Which one?", {"motion_smoothness": "Motion smoothness"}),),
        notes=("A note.",),
        bootstrap_draws=500,
    )
    write_report(build_report(votes, settings=settings), votes, tmp_path / "out")
    assert_as_kept("open-study", written(tmp_path / "out"))


@pytest.mark.parametrize("rule", StoppingRule)
def test_the_report_of_a_running_study_is_as_kept(open_study, rule):
    rows = open_study_rows(open_study, 4)
    votes = validate_votes(rows[rows["protocol"].eq("juice")])
    settings = ReportSettings(
        title="Running study",
        min_votes=3,
        ties_allowed=True,
        plan=StoppingPlan(rule, comparisons=20, minimum=4, half_width=0.3),
        simulated=True,
        interim=True,
        bootstrap_draws=500,
    )
    report = build_report(votes, settings=settings)
    tables = {name: "".join(lines) for name, lines in table_files(report, votes).items()}
    texts = {"report.html": render_report(report), "report.json": report_json(report)}
    files = {name: text.encode() for name, text in {**tables, **texts}.items()}
    assert_as_kept(f"running-{rule}", files)


@pytest.mark.django_db
def test_what_is_served_of_a_closed_study_is_as_kept(client):
    report = compute_report_now(study=judged_demo(StudyState.CLOSED))
    compute_extras(report_id=report.pk)
    paths = {**PAGES, **{name: name for name in SERVED}}
    served = {name: fetched(client, path) for name, path in paths.items()}
    zipped = zipped_files(fetched(client, "report.zip"))
    assert (zipped["report.html"], zipped["report.json"]) == (
        served["report.html"],
        served["report.json"],
    )
    assert_as_kept("demo-closed", zipped | served)


@pytest.mark.django_db
def test_what_is_served_of_an_open_study_is_as_kept(client):
    compute_report_now(study=judged_demo(StudyState.OPEN))
    assert_as_kept("demo-open", {name: fetched(client, path) for name, path in PAGES.items()})


def fetched(client, path: str) -> bytes:
    answer = client.get(f"/r/{TOKEN}/{path}")
    assert answer.status_code == 200, path
    return answer.getvalue()
