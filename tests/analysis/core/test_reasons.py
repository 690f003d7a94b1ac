"""Reason shares against an independent linearisation (statsmodels cluster covariance)."""

import numpy as np
import pandas as pd
import pytest

from analysis.core.reasons import (
    Combination,
    cited_reasons,
    independent_difference,
    reason_combinations,
    reason_differences,
    reason_item_share,
    reason_shares,
)

REASONS = ["sharpness", "motion", "consistency"]


@pytest.fixture
def justified(oracle):
    case = oracle("reason_shares")["input"]
    votes = pd.DataFrame(case["rows"], columns=case["columns"])
    return votes.assign(winner=votes["winner"].map({"A": "model_a", "B": "model_b"}))


@pytest.mark.parametrize("model", ["A", "B"])
def test_shares_and_intervals_match_the_reference(oracle, justified, model):
    won = justified[justified["winner"].eq(f"model_{model.lower()}")]
    for ours in reason_shares(won[REASONS].astype(bool), won["prompt"]):
        expected = oracle("reason_shares")["expected"][ours.reason][model]
        counts = (ours.votes, ours.cited, ours.prompts)
        assert counts == (expected["wins"], expected["cited"], expected["n_clusters"])
        assert ours.share.value == pytest.approx(expected["share"], abs=1e-8)
        assert ours.share.se == pytest.approx(expected["se_cluster"], abs=1e-8)
        bounds = [ours.share.interval.lower, ours.share.interval.upper]
        assert bounds == pytest.approx(expected["ci_wilson_neff"], abs=1e-8)


def test_differences_between_wins_of_a_and_b_match_the_reference(oracle, justified):
    cited = justified[REASONS].astype(bool)
    for ours in reason_differences(cited, justified["winner"], justified["prompt"]):
        expected = oracle("reason_shares")["expected"][ours.reason]["difference"]
        assert ours.difference.value == pytest.approx(expected["diff"], abs=1e-8)
        assert ours.difference.se == pytest.approx(expected["se"], abs=1e-8)
        assert ours.difference.value / ours.difference.se == pytest.approx(expected["t"], abs=1e-7)
        assert ours.p_value == pytest.approx(expected["p"], abs=1e-8)
        assert ours.holm_p_value == pytest.approx(expected["holm_p"], abs=1e-8)
        interval = ours.difference.interval
        assert [interval.lower, interval.upper] == pytest.approx(expected["ci"], abs=1e-8)


def test_exchanging_the_models_negates_the_differences(justified):
    cited, prompts = justified[REASONS].astype(bool), justified["prompt"]
    turned = justified["winner"].map({"model_a": "model_b", "model_b": "model_a"})
    straight = reason_differences(cited, justified["winner"], prompts)
    for ours, theirs in zip(straight, reason_differences(cited, turned, prompts), strict=True):
        assert theirs.difference.value == pytest.approx(-ours.difference.value)
        assert theirs.p_value == pytest.approx(ours.p_value)


def test_differences_without_wins_of_one_model_are_undefined(justified):
    won = justified[justified["winner"].eq("model_a")]
    cited = won[REASONS].astype(bool)
    for ours in reason_differences(cited, won["winner"], won["prompt"]):
        assert (ours.difference.undefined, ours.p_value) == ("no_votes", None)


def test_reasons_of_ties_are_refused(justified):
    winners = justified["winner"].where(justified.index > 0, "tie")
    with pytest.raises(ValueError, match="model_a or model_b"):
        reason_differences(justified[REASONS].astype(bool), winners, justified["prompt"])


def test_small_samples_have_newcombes_interval_and_fishers_test():
    ours = independent_difference(9, 10, 3, 10)
    # Interval: Newcombe (1998). Fisher by hand, over the tables of margins 12, 8, 10, 10 that are
    # no likelier: 2 (C(10,9) C(10,3) + C(10,10) C(10,2)) / C(20,12) = 2490 / 125970.
    assert ours.difference.interval.lower == pytest.approx(0.1705, abs=1e-4)
    assert ours.p_value == pytest.approx(2490 / 125970)


def test_a_reason_without_wins_has_no_share():
    (share,) = reason_shares(
        pd.DataFrame({"a": np.array([], dtype=bool)}), pd.Series([], dtype=str)
    )
    assert (share.share.value, share.share.undefined) == (None, "no_votes")


def test_reasons_are_split_at_semicolons():
    cited = cited_reasons(pd.Series(["a; b", "", "a;;a"]))
    assert cited.to_dict("list") == {"a": [True, False, True], "b": [True, False, False]}


def test_votes_without_any_reason_cite_no_columns():
    assert cited_reasons(pd.Series(["", " ; "])).shape == (2, 0)


def test_items_count_where_at_least_half_of_the_votes_cite_the_reason():
    share = reason_item_share(
        cited=pd.Series([True, False, False, True, True, False]),
        comparisons=pd.Series(["c1", "c1", "c2", "c2", "c2", "c3"]),
        prompts=pd.Series(["p1", "p1", "p2", "p2", "p2", "p3"]),
    )
    assert share.value == pytest.approx(2 / 3)


def test_combinations_of_reasons_are_counted():
    cited = cited_reasons(pd.Series(["a;b", "b;a", "a", "", "b;c"]))
    assert reason_combinations(cited) == (
        Combination(("a", "b"), 2),
        Combination((), 1),
        Combination(("a",), 1),
        Combination(("b", "c"), 1),
    )
