"""Tie models against R (glm, optim, PlackettLuce's data) and the side effect against GLM."""

import numpy as np
import pytest

from analysis.core.bradley_terry import NoMaximumError, fit_strengths
from analysis.core.contests import (
    Contests,
    connectivity,
    contests_by_side,
    contests_of_matrix,
    contests_of_scores,
    contests_of_votes,
)
from analysis.core.estimates import Undefined
from analysis.core.rankings import rank_intervals
from analysis.core.strength_models import fit_davidson, fit_rao_kupper, fit_side_effect


@pytest.fixture
def pudding(oracle):
    given = oracle("ties_pudding")["input"]
    return contests_of_matrix("abcdef", given["wins_matrix"], given["ties_matrix"])


def relative(strengths):
    """Strengths and their standard errors against the first model."""
    v = strengths.model_covariance
    ses = np.sqrt(np.diag(v) + v[0, 0] - 2 * v[0])
    return (strengths.values - strengths.values[0])[1:], ses[1:]


def test_davidson_on_chocolate_pudding_matches_r(oracle, pudding):
    fit, expected = fit_davidson(pudding), oracle("ties_pudding")["expected"]["davidson"]
    assert fit.strengths.values == pytest.approx(expected["lambda_sum_zero"], abs=1e-4)
    numbers = fit.parameter, fit.log_parameter, fit.log_parameter_se, fit.log_likelihood
    theirs = [expected[key] for key in ("nu", "log_nu", "se_log_nu", "loglik")]
    assert numbers == pytest.approx(theirs, abs=1e-5)
    values, ses = relative(fit.strengths)
    assert values == pytest.approx(expected["lambda_vs_first"], abs=1e-4)
    assert ses == pytest.approx(expected["se_vs_first"], abs=1e-3)
    worth = np.exp(fit.strengths.values)
    assert worth / worth.sum() == pytest.approx(expected["worth_sum_one"], abs=1e-4)


def test_rao_kupper_on_chocolate_pudding_matches_r(oracle, pudding):
    fit, expected = fit_rao_kupper(pudding), oracle("ties_pudding")["expected"]["rao_kupper"]
    assert fit.strengths.values == pytest.approx(expected["lambda_sum_zero"], abs=1e-4)
    assert (fit.parameter, fit.log_parameter) == pytest.approx(
        (expected["theta"], expected["eta"]), abs=1e-4
    )
    assert fit.log_parameter_se == pytest.approx(expected["se_eta"], abs=1e-3)
    assert fit.log_likelihood == pytest.approx(expected["loglik"], abs=1e-5)
    values, ses = relative(fit.strengths)
    assert values == pytest.approx(expected["lambda_vs_first"], abs=1e-4)
    assert ses == pytest.approx(expected["se_vs_first"], abs=1e-3)


def test_half_ties_on_chocolate_pudding_match_the_reference(oracle, pudding):
    expected = oracle("ties_pudding")["expected"]["bt_half_ties"]
    assert fit_strengths(pudding).values == pytest.approx(expected["lambda_sum_zero"], abs=1e-4)


@pytest.mark.parametrize(("fit", "parameter"), [(fit_davidson, 0), (fit_rao_kupper, 1)])
def test_without_ties_both_models_are_bradley_terry(fit, parameter):
    contests = contests_of_matrix("abc", [[0, 5, 1], [2, 0, 4], [3, 1, 0]])
    model = fit(contests)
    assert (model.without_ties, model.parameter) == (True, parameter)
    assert model.strengths.values == pytest.approx(fit_strengths(contests).values)


@pytest.mark.parametrize("fit", [fit_davidson, fit_rao_kupper])
def test_nothing_but_ties_has_no_maximum(fit):
    with pytest.raises(NoMaximumError, match="nothing but ties"):
        fit(contests_of_matrix("ab", np.zeros((2, 2)), [[0, 5], [5, 0]]))


@pytest.mark.parametrize("fit", [fit_davidson, fit_rao_kupper])
def test_clustered_intervals_come_with_prompts(fit, open_study):
    votes = open_study.query("axis == 'quality' and protocol == 'juice' and is_gold == '0'")
    strengths = fit(contests_of_votes(votes)).strengths
    difference = strengths.difference("m0", "m2")
    assert difference.interval.lower < difference.value < difference.interval.upper
    assert strengths.clusters == 24


@pytest.mark.parametrize("fit", [fit_davidson, fit_rao_kupper])
def test_a_clear_winner_with_rare_ties_is_found(fit):
    contests = contests_of_matrix("ab", [[0, 500], [2, 0]], [[0, 1], [1, 0]])
    model = fit(contests)
    assert model.strengths.values[0] > 1.5
    assert model.parameter > 0


@pytest.fixture
def sided(oracle):
    rows = oracle("bt_side_effect_synthetic")["input"]["rows"]
    models = ("m0", "m1", "m2")
    columns = ("first", "second", "first_wins", "second_wins")
    left, right, wins, losses = zip(*([row[key] for key in columns] for row in rows), strict=True)
    left, right = (np.array([models.index(name) for name in side]) for side in (left, right))
    counts = (np.array(n, dtype=float) for n in (wins, losses, [0] * len(rows)))
    return Contests(models, left, right, *counts)


def test_side_effect_matches_statsmodels_glm(oracle, sided):
    fit, expected = fit_side_effect(sided), oracle("bt_side_effect_synthetic")["expected"]
    assert fit.effect.value == pytest.approx(expected["side_effect_logit"], abs=1e-5)
    assert fit.model_se == pytest.approx(expected["side_effect_se"], abs=1e-4)
    assert fit.deviance == pytest.approx(expected["deviance"], abs=1e-5)
    values, ses = relative(fit.strengths)
    assert values == pytest.approx(list(expected["lambda_vs_reference"].values()), abs=1e-5)
    assert ses == pytest.approx(list(expected["se"].values()), abs=1e-4)


def test_sides_of_votes_are_taken_from_side_a(open_study):
    votes = open_study.query("axis == 'quality' and is_gold == '0'")
    fit = fit_side_effect(contests_by_side(votes))
    # The study was simulated with a mean side effect of 0.2 and lazy raters who prefer left.
    assert fit.effect.interval.lower > 0
    assert len(rank_intervals(fit.strengths)) == 3


def test_exchanging_left_and_right_negates_the_side_effect(sided):
    turned = Contests(sided.models, sided.second, sided.first, sided.losses, sided.wins, sided.ties)
    ours, theirs = fit_side_effect(sided), fit_side_effect(turned)
    assert theirs.effect.value == pytest.approx(-ours.effect.value)
    assert theirs.strengths.values == pytest.approx(ours.strengths.values)


@pytest.mark.parametrize(
    ("left", "right", "scores", "reason"),
    [
        ([0, 0, 0, 1, 1, 1], [1, 1, 1, 2, 2, 2], [1, 0, 1, 0, 1, 1], Undefined.NO_VARIATION),
        ([0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1], Undefined.SEPARATED),
        ([0, 1, 2, 3], [1, 0, 3, 2], [1, 0, 1, 0], Undefined.NOT_CONNECTED),
    ],
)
def test_a_side_effect_that_cannot_be_told_is_undefined(left, right, scores, reason):
    models = "abcd"[: max(right) + 1]
    contests = contests_of_scores(models, left, right, scores, ordered=True)
    assert fit_side_effect(contests).effect.undefined == reason


def davidson_row(d, k, win, loss, tie):
    """Log-likelihood of one vote, written down from Davidson (1970)."""
    total = np.log(np.exp(d / 2) + np.exp(-d / 2) + np.exp(k))
    return win * d / 2 - loss * d / 2 + tie * k - total


def rao_kupper_row(d, k, win, loss, tie):
    """Log-likelihood of one vote, written down from Rao & Kupper (1967)."""
    ours, theirs = 1 / (1 + np.exp(k - d)), 1 / (1 + np.exp(k + d))
    return np.log(win * ours + loss * theirs + tie * (1 - ours - theirs))


@pytest.mark.parametrize(
    ("fit", "row"), [(fit_davidson, davidson_row), (fit_rao_kupper, rao_kupper_row)]
)
def test_sandwich_of_tie_models_matches_numerical_derivatives(fit, row):
    rng = np.random.default_rng(5)
    prompts, pairs = np.arange(120) % 15, rng.integers(3, size=120)
    first, second = np.array([0, 0, 1])[pairs], np.array([1, 2, 2])[pairs]
    scores = rng.choice([0, 0.5, 1], size=120)
    model = fit(contests_of_scores("abc", first, second, scores, prompts=prompts))
    point = np.append(model.strengths.values, model.log_parameter)

    def likelihoods(at):
        d = at[first] - at[second]
        return row(d, at[3], scores == 1, scores == 0, scores == 0.5)

    step = 1e-5 * np.eye(4)
    slopes = [(likelihoods(point + e) - likelihoods(point - e)) / 2e-5 for e in step]
    assert np.sum(slopes, axis=1) == pytest.approx(0, abs=1e-6)
    by_prompt = np.array([np.bincount(prompts, slope) for slope in slopes])
    wide = 1e-3 * np.eye(4)
    total = lambda at: likelihoods(at).sum()  # noqa: E731
    curved = [
        [total(point + e + f) - total(point + e - f) - total(point - e + f) for f in wide]
        for e in wide
    ]
    curved = np.array(curved) + [[total(point - e - f) for f in wide] for e in wide]
    centre = np.outer([1, 1, 1, 0], [1, 1, 1, 0]) / 3
    inverse = np.linalg.inv(-curved / 4e-6 + centre) - centre
    sandwich = inverse @ (by_prompt @ by_prompt.T) @ inverse * 15 / 14
    assert model.strengths.covariances[0] == pytest.approx(sandwich[:3, :3], rel=1e-3, abs=1e-6)


def test_two_way_sandwich_matches_a_plain_loop():
    rng = np.random.default_rng(6)
    n = 200
    prompts, raters = rng.integers(12, size=n), rng.integers(7, size=n)
    first = rng.integers(3, size=n)
    second = (first + rng.integers(1, 3, size=n)) % 3
    scores = rng.choice([0.0, 1.0], size=n)
    fit = fit_strengths(
        contests_of_scores("abc", first, second, scores, prompts=prompts, raters=raters)
    )
    chance = 1 / (1 + np.exp(fit.values[second] - fit.values[first]))
    slopes = (scores - chance)[:, None] * (np.eye(3)[first] - np.eye(3)[second])
    variances = []
    for labels in (prompts, raters, prompts * 7 + raters):
        totals = np.array([slopes[labels == label].sum(axis=0) for label in np.unique(labels)])
        a = fit.model_covariance
        variances.append(a @ totals.T @ totals @ a * len(totals) / (len(totals) - 1))
    for ours, theirs in zip(fit.covariances, variances, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-12)
    assert fit.clusters == 7


@pytest.mark.parametrize("fit", [fit_davidson, fit_rao_kupper])
@pytest.mark.parametrize(
    ("wins", "ties"),
    [
        ([[0, 3], [0, 0]], [[0, 2], [2, 0]]),
        ([[0, 1, 0], [0, 0, 2], [0, 0, 0]], [[0, 1, 0], [1, 0, 1], [0, 1, 0]]),
    ],
)
def test_wins_and_ties_without_a_loss_have_no_maximum(fit, wins, ties):
    # Two models: shares 3/5, 2/5 and 0 are fitted exactly only in the limit, both models having
    # two free parameters. Ties connect both ways, so that connectivity alone does not tell.
    contests = contests_of_matrix("abc"[: len(wins)], wins, ties)
    assert connectivity(contests).mle_exists
    with pytest.raises(NoMaximumError, match="predict every vote"):
        fit(contests)
