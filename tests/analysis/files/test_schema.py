"""Every report.json keeps to the published schema."""

import json

import pytest
from django.conf import settings
from jsonschema import Draft202012Validator

from analysis.core.report import build_report, report_json
from analysis.core.settings import ReportSettings
from analysis.core.votes import validate_votes
from analysis.files.schema import report_schema
from analysis.votes.readers import read_votes

EXAMPLES = settings.BASE_DIR / "examples" / "votes"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    published = json.loads((settings.BASE_DIR / "docs" / "report.schema.json").read_text())
    Draft202012Validator.check_schema(published)
    return Draft202012Validator(published)


def problems(validator, votes, **options) -> list[str]:
    given = ReportSettings(**{"title": "A study", "min_votes": 1, "ties_allowed": True, **options})
    content = json.loads(report_json(build_report(votes, settings=given)))
    return [error.message for error in validator.iter_errors(content)]


def test_the_published_schema_is_that_of_the_code():
    """After a change: `manage.py report_schema > docs/report.schema.json`."""
    text = (settings.BASE_DIR / "docs" / "report.schema.json").read_text()
    assert json.loads(text) == report_schema()


@pytest.mark.parametrize("name", ["judgments.csv", "fastchat.csv", "mt_bench.jsonl", "uve.json"])
def test_reports_of_every_kind_of_votes_keep_to_it(validator, name):
    assert problems(validator, read_votes(EXAMPLES / name).votes, bootstrap_draws=50) == []


def test_an_interim_report_of_a_planned_study_keeps_to_it(validator, open_study):
    votes = validate_votes(open_study)
    pair = (votes["model_a"].iloc[0], votes["model_b"].iloc[0])
    found = problems(
        validator, votes, min_votes=5, interim=True, planned={pair: 99}, bootstrap_draws=50
    )
    assert found == []


def test_a_number_that_is_none_is_found(validator, open_study):
    settings_ = ReportSettings("A study", 5, ties_allowed=True, bootstrap_draws=50)
    content = json.loads(report_json(build_report(validate_votes(open_study), settings=settings_)))
    content["results"][0]["win_rate"]["wins"] = "many"
    assert not validator.is_valid(content)
