"""Win rates and vote shares against references computed elsewhere."""

import pandas as pd
import pytest

from analysis.core.estimates import Population, Undefined
from analysis.core.settings import MajorityRule
from analysis.core.verdicts import majority_verdicts
from analysis.core.win_rates import (
    leave_one_rater_out,
    scores_for_a,
    vote_share,
    win_rate,
    win_rate_of_verdicts,
)


@pytest.fixture
def clustered_votes(oracle):
    rows = oracle("vote_level_win_rate")["input"]["rows"]
    votes = pd.DataFrame(rows, columns=["prompt_id", "rater", "score"])
    winner = votes["score"].map({1.0: "model_a", 0.0: "model_b"})
    return votes.assign(winner=winner, comparison_id=votes["prompt_id"])


def test_net_win_rate_matches_the_movie_gen_convention(oracle):
    for case in oracle("net_win_rate")["expected"]:
        result = win_rate(case["wins"], case["ties"], case["losses"])
        assert result.net.value == pytest.approx(case["net"], abs=1e-9)
        assert result.rate.value == pytest.approx(case["win_rate_half_ties"], abs=1e-9)
        assert result.rate_without_ties == pytest.approx(case["win_rate_excl_ties"], abs=1e-9)


def test_win_rate_with_ties_has_tangos_interval(oracle):
    for case in oracle("net_win_rate")["expected"]:
        interval = win_rate(case["wins"], case["ties"], case["losses"]).rate.interval
        expected = case["win_rate_half_ties_ci_tango"]
        assert [interval.lower, interval.upper] == pytest.approx(expected, abs=1e-6)
        assert interval.method == ("tango" if case["ties"] else "wilson")


def test_win_rate_of_nothing_is_undefined_with_a_reason():
    result = win_rate(0, 0, 0)
    assert (result.rate.value, result.rate.undefined) == (None, Undefined.NO_VOTES)


def test_vote_share_matches_the_clustered_reference(oracle, clustered_votes):
    # R sandwich::vcovCL for the standard error; see the oracle's how_verified.
    expected, share = oracle("vote_level_win_rate")["expected"], vote_share(clustered_votes)
    assert share.votes == expected["n_votes"]
    assert share.pooled.value == pytest.approx(expected["pooled"], abs=1e-8)
    assert share.pooled.se == pytest.approx(expected["pooled_se_prompt_cluster"], abs=1e-8)
    bounds = [share.pooled.interval.lower, share.pooled.interval.upper]
    assert bounds == pytest.approx(expected["ci_prompt_wilson_neff"], abs=1e-8)


def test_item_weighted_share_matches_the_clustered_reference(oracle, clustered_votes):
    expected, share = oracle("vote_level_win_rate")["expected"], vote_share(clustered_votes)
    interval = share.item_weighted.interval
    assert share.item_weighted.value == pytest.approx(expected["item_weighted"], abs=1e-8)
    assert share.item_weighted.se == pytest.approx(expected["item_weighted_se"], abs=1e-8)
    assert [interval.lower, interval.upper] == pytest.approx(
        expected["item_weighted_ci_wilson_neff"], abs=1e-8
    )


def test_doubling_every_vote_of_a_prompt_leaves_the_interval_unchanged(clustered_votes):
    doubled = vote_share(pd.concat([clustered_votes, clustered_votes]))
    once = vote_share(clustered_votes)
    assert doubled.pooled.se == pytest.approx(once.pooled.se, abs=1e-12)
    assert doubled.pooled.interval.upper == pytest.approx(once.pooled.interval.upper, abs=1e-12)


def test_a_single_prompt_has_a_share_but_no_interval():
    votes = pd.DataFrame({"winner": ["model_a"], "comparison_id": ["c"], "prompt_id": ["p"]})
    share = vote_share(votes)
    assert (share.pooled.value, share.pooled.interval) == (1.0, None)
    assert share.pooled.undefined == Undefined.TOO_FEW_CLUSTERS


def test_several_comparisons_of_a_prompt_are_one_cluster():
    verdicts = pd.Series(["model_a", "model_a", "model_b", "model_a"])
    result = win_rate_of_verdicts(verdicts, pd.Series(["p1", "p1", "p2", "p3"]))
    assert result.rate.value == 0.75
    assert result.rate.interval.method == "wilson-effective-n"
    assert result.net.value == 50.0


def test_intervals_say_which_population_they_speak_of(clustered_votes):
    share = vote_share(clustered_votes)
    assert win_rate(12, 3, 5).rate.interval.population == Population.PROMPTS
    assert share.pooled.interval.population == Population.PROMPTS
    assert share.new_raters.interval.population == Population.PROMPTS_AND_RATERS


def test_votes_of_unknown_raters_say_nothing_about_new_ones(clustered_votes):
    share = vote_share(clustered_votes.assign(rater="")).new_raters
    assert (share.value, share.interval) == (pytest.approx(0.58), None)
    assert share.undefined == Undefined.UNKNOWN_RATERS


def test_an_unknown_winner_has_no_score():
    with pytest.raises(ValueError, match=r"winner must be one of .* \(row 1\)"):
        scores_for_a(pd.Series(["tie", "TIE"]))


@pytest.mark.parametrize("rule", list(MajorityRule))
def test_leaving_out_each_rater_matches_a_plain_loop(open_study, rule):
    votes = open_study.query("axis == 'quality' and protocol == 'juice'")[:100]
    rates = []
    for rater in votes["rater"].unique():
        rest = votes[votes["rater"].ne(rater)]
        counts = pd.crosstab(rest["comparison_id"], rest["winner"])
        verdicts = majority_verdicts(counts[["model_a", "model_b", "tie"]], rule)
        rates.append(scores_for_a(pd.Series(verdicts)).mean())
    ours = leave_one_rater_out(votes, rule)
    assert (ours.lowest, ours.highest) == pytest.approx((min(rates), max(rates)), abs=1e-12)


def test_one_rater_alone_cannot_be_left_out():
    votes = pd.DataFrame({"comparison_id": ["c"], "rater": ["r"], "winner": ["tie"]})
    assert leave_one_rater_out(votes).lowest is None


@pytest.mark.parametrize("counts", [(1, 0, -1), (3, -1, 2), (-1, 0, 0)])
def test_negative_counts_are_refused_even_where_they_add_up(counts):
    with pytest.raises(ValueError, match="0 or more"):
        win_rate(*counts)
