"""Bradley-Terry against R (BradleyTerry2, sandwich), choix and evalica; see the oracles."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.special import expit

from analysis.core.bradley_terry import (
    NoMaximumError,
    elo_ratings,
    fit_strengths,
    fit_with_ghost,
    fit_with_l2,
    goodness_of_fit,
    win_probability,
)
from analysis.core.contests import (
    connectivity,
    contests_of_matrix,
    contests_of_scores,
    contests_of_votes,
    win_matrix,
)
from analysis.core.estimates import Population, Undefined
from analysis.core.rankings import rank_intervals


@pytest.fixture
def citations(oracle):
    case = oracle("bt_citations")
    return contests_of_matrix(case["input"]["items"], case["input"]["wins_matrix"])


@pytest.fixture
def clustered(oracle):
    prompts, i, j, scores = zip(*oracle("bt_prompt_clustered")["input"]["rows"], strict=True)
    return contests_of_scores("abcd", i, j, scores, prompts=prompts)


def test_citations_match_bradleyterry2_choix_and_evalica(oracle, citations):
    fit, expected = fit_strengths(citations), oracle("bt_citations")["expected"]
    assert fit.values == pytest.approx(expected["lambda_sum_zero"], abs=1e-5)
    assert np.sqrt(np.diag(fit.model_covariance)) == pytest.approx(
        expected["se_sum_zero"], abs=1e-4
    )
    assert fit.log_likelihood == pytest.approx(expected["loglik_kernel"], abs=1e-5)
    relative = fit.values - fit.values[0]
    assert relative == pytest.approx(expected["lambda_vs_reference"], abs=1e-5)


def test_standard_errors_against_a_reference_match_the_vignette(oracle, citations):
    fit, expected = fit_strengths(citations), oracle("bt_citations")["expected"]
    v = fit.model_covariance
    ses = np.sqrt(np.diag(v) + v[0, 0] - 2 * v[0])
    assert ses == pytest.approx(expected["se_vs_reference"], abs=1e-4)


def test_regularised_citations_match_choix(oracle, citations):
    expected = oracle("bt_citations")["expected"]
    ghost, l2 = fit_with_ghost(citations), fit_with_l2(citations, 0.5)
    assert ghost.values == pytest.approx(expected["lambda_ghost_0.5"], abs=1e-5)
    assert l2.values == pytest.approx(expected["lambda_l2_penalty_0.5_sum_sq"], abs=1e-5)
    assert ghost.regularised


def test_elo_scale_and_deviance_of_the_citations(oracle, citations):
    fit, expected = fit_strengths(citations), oracle("bt_citations")["expected"]
    ratings = [rating.value for rating in elo_ratings(fit).values()]
    assert ratings == pytest.approx(expected["elo_mean_1000"], abs=0.01)
    fitness = goodness_of_fit(citations, fit)
    assert fitness.deviance == pytest.approx(expected["deviance_vs_saturated"], abs=1e-5)
    assert fitness.df == expected["deviance_df"]


def test_connectivity_and_regularised_fits_match_the_constructed_graphs(oracle):
    case = oracle("bt_connectivity")
    for given, expected in zip(case["input"], case["expected"], strict=True):
        contests = contests_of_matrix(given["items"], given["wins_matrix"])
        graph = connectivity(contests)
        assert [list(g) for g in graph.strong_components] == expected["strong_components"]
        assert [list(g) for g in graph.islands] == expected["weak_components"]
        assert (graph.mle_exists, graph.comparable) == (
            expected["mle_exists"],
            expected["comparable"],
        )
        ghost, l2 = fit_with_ghost(contests), fit_with_l2(contests, 0.5)
        assert ghost.values == pytest.approx(expected["lambda_ghost_0_5"], abs=1e-4)
        assert l2.values == pytest.approx(expected["lambda_l2_0_5"], abs=1e-4)
        if graph.mle_exists:
            values = fit_strengths(contests).values
            assert values == pytest.approx(expected["lambda_mle_sum_zero"], abs=1e-4)


def test_a_model_that_never_lost_has_no_maximum_likelihood_strength(oracle):
    given = oracle("bt_connectivity")["input"][0]
    with pytest.raises(NoMaximumError, match="never lost"):
        fit_strengths(contests_of_matrix(given["items"], given["wins_matrix"]))


def test_a_tie_connects_both_ways():
    contests = contests_of_matrix("ab", [[0, 3], [0, 0]], [[0, 1], [1, 0]])
    assert fit_strengths(contests).values[0] == pytest.approx(np.log(7) / 2)


def test_sandwich_over_prompts_matches_r(oracle, clustered):
    fit, expected = fit_strengths(clustered), oracle("bt_prompt_clustered")["expected"]
    assert fit.values == pytest.approx(expected["lambda_sum_zero"], abs=1e-5)
    model_se = np.sqrt(np.diag(fit.model_covariance))
    assert model_se == pytest.approx(expected["se_model"], abs=1e-5)
    assert fit.covariances[0] == pytest.approx(np.array(expected["vcov_cluster"]), abs=1e-5)
    assert fit.clusters == expected["n_clusters"]


def test_strengths_of_the_open_study_match_choix(oracle, open_study):
    votes = open_study[open_study["is_gold"].eq("0")]
    arms = {"juice": "justify", "plain": "plain"}
    for (arm, axis), group in votes.groupby(["protocol", "axis"]):
        expected = oracle("study_open")["expected"][f"{arms[arm]}|{axis}|bradley_terry"]
        fit = fit_strengths(contests_of_votes(group))
        assert fit.values == pytest.approx(expected["lambda_sum_zero"], abs=1e-6)
        ses = np.sqrt(np.diag(fit.covariances[0]))
        assert ses == pytest.approx(expected["se_prompt_cluster"], abs=1e-5)
        ratings = [rating.value for rating in elo_ratings(fit).values()]
        assert ratings == pytest.approx(expected["elo"], abs=1e-4)


def test_two_way_covariance_is_at_least_that_of_prompts(open_study):
    votes = open_study.query("axis == 'quality' and protocol == 'juice' and is_gold == '0'")
    prompts = fit_strengths(contests_of_votes(votes)).difference("m0", "m2")
    both = fit_strengths(contests_of_votes(votes, by_rater=True)).difference("m0", "m2")
    assert both.value == pytest.approx(prompts.value)
    assert both.se >= prompts.se
    assert both.interval.population == Population.PROMPTS_AND_RATERS


def test_win_probability_is_the_transformed_difference(clustered):
    difference = fit_strengths(clustered).difference("a", "d")
    chance = win_probability(difference)
    assert chance.interval.lower == pytest.approx(expit(difference.interval.lower))
    assert chance.value == pytest.approx(expit(difference.value))


def test_an_anchor_has_1000_points_and_no_uncertainty(clustered):
    anchor = elo_ratings(fit_strengths(clustered), anchor="b")["b"]
    assert (anchor.value, anchor.interval) == (1000.0, None)


def test_prompts_that_are_all_alike_give_no_certainty():
    rows = [(p, i, j, s) for p in range(30) for i, j, s in ((0, 1, 1), (0, 1, 0), (0, 1, 1))]
    prompts, i, j, scores = zip(*rows, strict=True)
    fit = fit_strengths(contests_of_scores("ab", i, j, scores, prompts=prompts))
    assert fit.difference("a", "b").undefined == Undefined.NO_VARIATION
    assert {rank.worst for rank in rank_intervals(fit)} == {2}


def test_strengths_far_from_the_start_are_found():
    # A chain of 100 : 1 wins: neighbours differ by ln 100 each.
    wins = np.zeros((8, 8))
    for i, j in pairwise(range(8)):
        wins[i, j], wins[j, i] = 100, 1
    values = fit_strengths(contests_of_matrix("abcdefgh", wins)).values
    assert -np.diff(values) == pytest.approx([np.log(100)] * 7, abs=1e-8)


def test_exchanging_the_sides_of_votes_changes_nothing(open_study):
    swap = {"model_a": "model_b", "model_b": "model_a", "tie": "tie"}
    turned = open_study.rename(columns=swap)
    turned = turned.assign(winner=turned["winner"].map(swap))
    straight = win_matrix(contests_of_votes(open_study))
    assert (win_matrix(contests_of_votes(turned)) == straight).all()


def test_renaming_models_in_reverse_negates_the_strengths(citations):
    wins = win_matrix(citations)
    lost = fit_strengths(contests_of_matrix(citations.models, wins.T))
    assert lost.values == pytest.approx(-fit_strengths(citations).values, abs=1e-9)


def test_doubling_every_vote_of_a_prompt_leaves_the_sandwich_unchanged(oracle, clustered):
    rows = oracle("bt_prompt_clustered")["input"]["rows"] * 2
    prompts, i, j, scores = zip(*rows, strict=True)
    doubled = fit_strengths(contests_of_scores("abcd", i, j, scores, prompts=prompts))
    assert doubled.covariances[0] == pytest.approx(fit_strengths(clustered).covariances[0])


def test_votes_of_unknown_raters_cannot_be_clustered_by_rater(open_study):
    with pytest.raises(ValueError, match="the rater of every vote"):
        contests_of_votes(open_study.assign(rater=""), by_rater=True)


def test_a_score_that_is_none_of_three_is_refused():
    with pytest.raises(ValueError, match="0, 1/2 or 1"):
        contests_of_scores("ab", [0], [1], [0.7])


def test_an_unknown_winner_is_refused():
    votes = pd.DataFrame({"model_a": ["x"], "model_b": ["y"], "winner": ["?"], "prompt_id": ["p"]})
    with pytest.raises(ValueError, match="winner must be one of"):
        contests_of_votes(votes)


def test_hundreds_of_millions_of_votes_are_fitted():
    # Two models: the log odds of the wins, log(127 / 73).
    contests = contests_of_matrix("ab", [[0, 127e6], [73e6, 0]])
    assert fit_strengths(contests).values * 2 == pytest.approx(
        [math.log(127 / 73), -math.log(127 / 73)], abs=1e-9
    )


def test_the_ghost_settles_millions_of_one_sided_votes():
    # By symmetry +-x with 1e6 expit(-2 x) = expit(x) - 1/2, the root by scipy.optimize.brentq.
    values = fit_with_ghost(contests_of_matrix("ab", [[0, 1e6], [0, 0]])).values
    half = brentq(lambda x: 1e6 * expit(-2 * x) - (expit(x) - 0.5), 0, 40, xtol=1e-13)
    assert values == pytest.approx([half, -half], abs=1e-6)
