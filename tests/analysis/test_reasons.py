"""Reason shares against an independent linearisation (statsmodels cluster covariance)."""

import pandas as pd
import pytest

from analysis.core.reasons import reason_differences, reason_share, split_reasons

REASONS = ("sharpness", "motion", "consistency")


@pytest.fixture
def justified(oracle):
    case = oracle("reason_shares")["input"]
    votes = pd.DataFrame(case["rows"], columns=case["columns"]).rename(
        columns={"prompt": "prompt_id"}
    )
    cited = votes[list(REASONS)].apply(lambda row: {r for r in REASONS if row[r]}, axis=1)
    winner = votes["winner"].map({"A": "model_a", "B": "model_b"})
    return votes.assign(cited=cited, winner=winner)


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("model", ["A", "B"])
def test_shares_and_intervals_match_the_reference(oracle, justified, reason, model):
    expected = oracle("reason_shares")["expected"][reason][model]
    won = justified[justified["winner"].eq(f"model_{model.lower()}")]
    ours = reason_share(reason, won[reason].astype(bool), won["prompt_id"])
    counts = (ours.votes, ours.cited, ours.prompts)
    assert counts == (expected["wins"], expected["cited"], expected["n_clusters"])
    assert ours.share.value == pytest.approx(expected["share"], abs=1e-8)
    assert ours.share.se == pytest.approx(expected["se_cluster"], abs=1e-8)
    bounds = [ours.share.interval.lower, ours.share.interval.upper]
    assert bounds == pytest.approx(expected["ci_wilson_neff"], abs=1e-8)


def test_differences_between_wins_of_a_and_b_match_the_reference(oracle, justified):
    for ours in reason_differences(justified, REASONS):
        expected = oracle("reason_shares")["expected"][ours.reason]["difference"]
        assert ours.difference.value == pytest.approx(expected["diff"], abs=1e-8)
        assert ours.difference.se == pytest.approx(expected["se"], abs=1e-8)
        assert ours.p_value == pytest.approx(expected["p"], abs=1e-8)
        assert ours.holm_p_value == pytest.approx(expected["holm_p"], abs=1e-8)
        interval = ours.difference.interval
        assert [interval.lower, interval.upper] == pytest.approx(expected["ci"], abs=1e-8)


def test_a_reason_without_wins_has_no_share():
    empty = pd.Series([], dtype=bool)
    assert reason_share("sharpness", empty, pd.Series([], dtype=object)).share.value is None


def test_reasons_are_split_at_semicolons():
    texts = pd.Series(["a; b", "", "a;;a"])
    assert split_reasons(texts).tolist() == [{"a", "b"}, set(), {"a"}]
