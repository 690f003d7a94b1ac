"""The sentences of the report."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.core.report import build_report
from analysis.core.settings import ReportSettings
from analysis.core.votes import validate_votes
from analysis.page.headline import headline
from analysis.page.words import listed, time_words


def report_of(**won: tuple[str, int]):
    """Twenty prompts for each pair such as `A_B`: the winner's name and its wins."""
    rows = [
        {
            "prompt_id": f"p{prompt}",
            "model_a": pair[0],
            "model_b": pair[-1],
            "winner": "model_a" if (prompt < wins) == (winner == pair[0]) else "model_b",
        }
        for pair, (winner, wins) in won.items()
        for prompt in range(20)
    ]
    settings = ReportSettings("Standings", 1, ties_allowed=False, bootstrap_draws=10)
    return build_report(validate_votes(pd.DataFrame(rows)), settings=settings)


def test_the_headline_names_the_model_with_the_best_standing():
    """B beats two clearly; A beats one as clearly and loses to the other."""
    report = report_of(A_B=("B", 18), A_C=("A", 18), B_C=("B", 18))
    assert str(headline(report)[0]).startswith(
        "Overall, B was clearly preferred over 2 of 2 models it met"
    )


def test_the_headline_says_where_the_model_in_question_lost():
    report = report_of(A_B=("B", 18), A_C=("A", 18))
    assert "A was clearly preferred over 1 of 2 models it met, and 1 clearly over it" in str(
        headline(report)[0]
    )


@pytest.mark.parametrize(
    ("names", "words"), [(["A"], "A"), (["A", "B"], "A and B"), (["A", "B", "C"], "A, B and C")]
)
def test_names_are_listed_as_in_a_sentence(names, words):
    assert listed(names) == words


def test_times_are_read_by_people():
    assert time_words("2026-11-20T11:01:04+00:00") == "2026-11-20 11:01:04 UTC"
    assert time_words(None) == ""
