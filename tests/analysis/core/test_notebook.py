"""The blocks of docs/statistics.md: run as they stand, with nothing left out."""

import ast
import doctest
import re

import pytest
from django.conf import settings

CORE = settings.BASE_DIR / "analysis" / "core"
DOCUMENT = settings.BASE_DIR / "docs" / "statistics.md"
INNER = {
    # What is made of other pieces: parts of one report, or of the estimators themselves.
    *("model_pair_report", "protocol_report", "ranking_report", "columns"),
    *("coefficients", "resampling", "newton"),
    *("model_pair_votes", "as_json"),
}
PIECES = {
    *("clustered_meats", "components", "clustered_estimate", "without_single_look"),
    *("draw_flips", "flips_are_listed", "randomisation_p", "binomial_p"),
    # What the functions that take tables do with whole numbers, for thousands of pairs.
    *("items_of", "verdict_places", "win_rate_of_places", "preference_test", "share_of_votes"),
    *("range_without_each", "rates_of_categories", "scores_as_opened"),
    *("shares_of_reasons", "differences_of_reasons", "combinations_of_reasons"),
}


@pytest.fixture(scope="module")
def code() -> str:
    blocks = re.findall(r"```pycon\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return "\n".join(blocks)


def test_the_blocks_say_what_they_give(code, monkeypatch):
    monkeypatch.chdir(settings.BASE_DIR)
    document = doctest.DocTestParser().get_doctest(code, {}, DOCUMENT.name, str(DOCUMENT), 0)
    said = []
    doctest.DocTestRunner().run(document, out=said.append)
    assert "".join(said) == ""
    assert len(document.examples) > 100


def test_no_public_function_is_missing(code):
    used = set(re.findall(r"\w+", code))
    assert sorted(public_functions() - PIECES - used) == []


def public_functions() -> set[str]:
    return {
        node.name
        for path in CORE.glob("*.py")
        if path.stem not in INNER
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
