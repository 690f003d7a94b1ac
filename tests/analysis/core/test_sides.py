"""Side balance against exact integer arithmetic."""

import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from analysis.core.sides import (
    LayoutBalance,
    balanced_share,
    layout_balance,
    longest_run,
    screen_raters,
    side_balance,
    side_test_by_item,
)


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


def test_layouts_are_counted_within_raters_and_within_comparisons():
    """By hand: r2 saw A left three times more; c1 and c3 had one layout, c4 a single vote."""
    rows = [
        ("c1", "r1", "left"),
        ("c1", "r2", "left"),
        ("c1", "r3", "left"),
        ("c2", "r1", "right"),
        ("c2", "r2", "left"),
        ("c3", "r2", "left"),
        ("c3", "", "left"),
        ("c3", "r3", ""),
        ("c4", "r3", "right"),
    ]
    votes = pd.DataFrame(rows, columns=["comparison_id", "rater", "side_a"])
    balance = layout_balance("quality", votes.assign(protocol="", prompt_id="p"))
    assert balance == LayoutBalance("quality", 3, 3, 3, 2, 2**-2 + 2**-1 + 2**-1)


def test_layouts_of_nobody_are_unknown():
    columns = ["protocol", "prompt_id", "comparison_id", "rater", "side_a"]
    votes = pd.DataFrame([["", "p", "c", "", "left"], ["", "p", "c", "r", ""]], columns=columns)
    assert layout_balance("quality", votes) == LayoutBalance("quality", 0, None, 0, 0, 0.0)


def test_raters_are_screened_as_in_the_reference(oracle):
    case = oracle("side_bias")
    rows = case["input"]["raters"]
    screened = screen_raters(
        {row["rater"]: (row["left"], row["left"] + row["right"]) for row in rows}
    )
    for ours, theirs in zip(screened, case["expected"]["raters"], strict=True):
        assert (ours.rater, ours.left.n, ours.flag) == tuple(
            theirs[key] for key in ("rater", "n", "flag")
        )
        numbers = ours.left.share.value, ours.left.p_value
        assert numbers == pytest.approx((theirs["left_share"], theirs["exact_p"]), abs=1e-9)
        bounds = [ours.left.share.interval.lower, ours.left.share.interval.upper]
        assert bounds == pytest.approx(theirs["wilson"], abs=1e-9)
        for adjusted, expected in (
            (ours.bh_p_value, theirs["bh_p"]),
            (ours.holm_p_value, theirs["holm_p"]),
        ):
            assert adjusted == (expected if expected is None else pytest.approx(expected, abs=1e-9))


def test_raters_of_the_open_study_match_the_reference(oracle, open_study):
    for axis, expected in oracle("study_open")["expected"]["side"].items():
        votes = open_study.query(f"axis == '{axis}' and is_gold == '0' and winner != 'tie'")
        left = votes["winner"].eq("model_a") == votes["side_a"].eq("left")
        counts = left.groupby(votes["rater"]).agg(["sum", "size"])
        screened = screen_raters({r: (int(c), int(n)) for r, c, n in counts.itertuples()})
        ours = {r.rater: (r.left.count, r.left.n, r.left.p_value) for r in screened}
        for rater, theirs in expected["per_rater"].items():
            assert ours[rater] == pytest.approx((theirs["left"], theirs["n"], theirs["exact_p"]))


def test_a_layout_fixed_by_item_is_tested_by_item():
    left, votes = [5, 4, 0, 3, 5, 1, 4], [5, 5, 5, 4, 5, 5, 5]
    theirs = ttest_1samp([a - b / 2 for a, b in zip(left, votes, strict=True)], 0)
    ours = side_test_by_item(left, votes)
    assert (ours.statistic, ours.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))


@pytest.mark.parametrize(("sides", "length"), [("LLRRRL", 3), ("", 0), ("LRLR", 1)])
def test_the_longest_run_of_one_side_is_counted(sides, length):
    assert longest_run(sides) == length
