"""Side balance against exact integer arithmetic."""

import pandas as pd
import pytest

from analysis.core.sides import balanced_share, side_balance


def test_left_share_and_exact_p_match_the_reference(oracle):
    expected = oracle("side_bias")["expected"]["overall"]
    ours = balanced_share(pd.Series([True] * 612 + [False] * 508))
    assert (ours.n, ours.share.value) == (expected["n"], pytest.approx(expected["left_share"]))
    assert ours.p_value == pytest.approx(expected["exact_p"], abs=1e-9)
    bounds = [ours.share.interval.lower, ours.share.interval.upper]
    assert bounds == pytest.approx(expected["wilson"], abs=1e-9)


def test_a_choice_is_left_when_the_chosen_model_stood_left():
    votes = pd.DataFrame(
        {
            "winner": ["model_a", "model_b", "model_b", "tie", "model_a"],
            "side_a": ["left", "left", "right", "left", ""],
        }
    )
    balance = side_balance("quality", votes)
    assert (balance.left_choices.count, balance.left_choices.n) == (2, 3)
    assert (balance.a_on_left.count, balance.a_on_left.n) == (3, 4)


def test_without_known_sides_nothing_is_claimed():
    balance = side_balance("quality", pd.DataFrame({"winner": ["model_a"], "side_a": [""]}))
    assert balance.left_choices.share.value is None
    assert balance.left_choices.p_value is None
