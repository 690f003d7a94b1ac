"""Every report.json keeps to the published schema."""

import copy
import inspect
import json

import pytest
from django.conf import settings
from jsonschema import Draft202012Validator

from analysis.core.estimates import Interval
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


@pytest.fixture(scope="module")
def content(open_study) -> dict:
    given = ReportSettings("A study", 5, ties_allowed=True, bootstrap_draws=50)
    return json.loads(report_json(build_report(validate_votes(open_study), settings=given)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rate: rate.update(wins="many"), "'many' is not of type 'integer'"),
        (lambda rate: rate.pop("ties"), "'ties' is a required property"),
        (lambda rate: rate["rate"].pop("se"), "'se' is a required property"),
        (lambda rate: rate.update(draws=1), "('draws' was unexpected)"),
        (lambda rate: rate["rate"].update(undefined="lost"), "'lost' is not valid"),
    ],
    ids=["no number", "a lack", "a lack of what is null by default", "a further one", "no word"],
)
def test_what_is_no_report_is_refused(validator, content, change, message):
    wrong = copy.deepcopy(content)
    change(wrong["results"][0]["win_rate"])
    (error,) = validator.iter_errors(wrong)
    assert message in error.message


def test_what_a_kind_of_result_means_is_in_the_schema():
    described = report_schema()["$defs"]["Interval"]["description"]
    assert described == inspect.getdoc(Interval)
