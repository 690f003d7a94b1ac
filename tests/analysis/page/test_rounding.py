"""Numbers and sentences as readers see them."""

import dataclasses

import pandas as pd
import pytest

from analysis.core.report import build_report
from analysis.core.settings import ReportSettings
from analysis.core.votes import validate_votes
from analysis.page.headline import headline
from analysis.page.words import THIN, percent

SETTINGS = ReportSettings("Words", 1, ties_allowed=False, bootstrap_draws=10)


@pytest.mark.parametrize(
    ("count", "n", "text"),
    [
        # By hand, halves to the even digit; 51 of 65 is the 78.5 of Emu Video against Gen2.
        (51, 65, "78.5"),
        (5, 16, "31.2"),
        (11, 16, "68.8"),
        (1, 2000, "0.0"),
        (3, 2000, "0.2"),
        (1997, 2000, "99.8"),
        (0, 7, "0.0"),
        (7, 7, "100.0"),
    ],
)
def test_shares_are_rounded_as_by_hand(count, n, text):
    assert percent(count / n) == f"{text}{THIN}%"


@pytest.mark.parametrize("odd", range(1, 2000, 38))
def test_the_two_shares_of_a_pair_add_up_to_100(odd):
    ours, theirs = (float(percent(n / 2000).removesuffix(f"{THIN}%")) for n in (odd, 2000 - odd))
    assert ours + theirs == pytest.approx(100)


def test_the_headline_names_the_confidence_that_was_used():
    rows = pd.DataFrame({"model_a": ["x"] * 9, "model_b": "y", "winner": "model_a"})
    settings = dataclasses.replace(SETTINGS, confidence=0.9)
    sentence = headline(build_report(validate_votes(rows), settings=settings))[0]
    assert f"90{THIN}% interval" in str(sentence)
