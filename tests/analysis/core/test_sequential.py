"""Always-valid intervals against R's uniroot, numeric integration and confseq's betting code."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta

from analysis.core.sequential import (
    Stop,
    beta_binomial_interval,
    beta_binomial_path,
    decide,
    evidence_against_half,
    hedged_path,
    running_interval,
)

SCORES = [1.0, 0.5, 0.0, 1.0, 1.0, 1.0, 0.5, 0.0, 1.0, 1.0]


def test_single_looks_match_the_reference(oracle):
    for case in oracle("confidence_sequence_beta_binomial")["expected"]:
        interval = beta_binomial_interval(
            case["successes"],
            case["n"],
            1 - case["alpha"],
            prior_a=case["prior_a"],
            prior_b=case["prior_b"],
        )
        assert [interval.lower, interval.upper] == pytest.approx(case["cs"], abs=1e-6)


def test_e_values_match_the_reference(oracle):
    for case in oracle("confidence_sequence_beta_binomial")["expected"]:
        successes, failures = case["successes"], case["n"] - case["successes"]
        # Failures first: then the last e-value is the largest one, as in a single look.
        evidence = evidence_against_half([0] * failures + [1] * successes)
        assert evidence.e_value == pytest.approx(case["e_value_half"], rel=1e-6)
        single = min(1, 1 / evidence.e_value)
        assert single == pytest.approx(case["anytime_p"], rel=1e-6)
        assert evidence.anytime_p <= single * (1 + 1e-9)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (2, 3), (0.5, 0.5)])
def test_the_e_value_is_the_mixture_integral(a, b):
    mixture, _ = quad(lambda p: beta.pdf(p, a, b) * (2 * p) ** 7 * (2 * (1 - p)) ** 3, 0, 1)
    evidence = evidence_against_half([1] * 7 + [0] * 3, prior_a=a, prior_b=b)
    assert evidence.e_value == pytest.approx(mixture, rel=1e-6)


def test_the_anytime_p_value_keeps_the_strongest_look():
    assert evidence_against_half([1] * 10 + [0] * 10).anytime_p == pytest.approx(11 / 1024)


def test_running_intersections_match_the_reference(oracle):
    case = oracle("sequential_path")
    given, expected = case["input"], case["expected"]
    a, b = given["prior"]
    path = beta_binomial_path(given["x"], 1 - given["alpha"], prior_a=a, prior_b=b)
    looks = zip(expected["checkpoints"], expected["beta_binomial_running"], strict=True)
    for n, bounds in looks:
        assert [path.at(n).lower, path.at(n).upper] == pytest.approx(bounds, abs=1e-6)
        assert running_interval(given["x"][:n]) == path.at(n)


def test_hedged_paths_match_confseq(oracle):
    case = oracle("sequential_path")
    given, expected = case["input"], case["expected"]
    settings = given["hedged"]
    path = hedged_path(given["x"], truncation=settings["c"], grid=settings["grid"])
    looks = zip(expected["checkpoints"], expected["hedged_running"], strict=True)
    for n, bounds in looks:
        assert [path.at(n).lower, path.at(n).upper] == pytest.approx(bounds, abs=0.00101)


def test_the_reference_path_never_stops(oracle):
    case = oracle("sequential_path")
    assert case["expected"]["first_n_excluding_half"] is None
    assert case["expected"]["first_n_width_le_0_3"] is None
    assert decide(beta_binomial_path(case["input"]["x"]), half_width=0.15).stop is None


@pytest.mark.parametrize(
    ("scores", "limits", "stop", "items"),
    [
        # B(n + 1, 1) < .05 * 2^-n first at n = 8: 9 / 256 = .035 (n = 7: 8 / 128 = .0625).
        ([1] * 20, {}, Stop.WINNER, 8),
        ([1, 0] * 200, {"half_width": 0.15}, Stop.PRECISE, None),
        ([1, 0] * 10, {"half_width": 0.05, "most_items": 20}, Stop.FUTILE, 20),
        ([1, 0] * 10, {"most_items": 30}, None, 20),
    ],
)
def test_a_study_stops_for_a_winner_for_precision_or_in_vain(scores, limits, stop, items):
    path = beta_binomial_path(scores)
    decision = decide(path, **limits)
    assert decision.stop == stop
    assert decision.items == (items or decision.items)
    assert decision.interval == path.at(decision.items)


def test_before_the_first_score_anything_is_possible():
    interval = running_interval([])
    assert (interval.lower, interval.upper) == (0.0, 1.0)
    assert (decide(beta_binomial_path([])).stop, decide(beta_binomial_path([])).items) == (None, 0)
    assert beta_binomial_interval(0, 0) == interval


@pytest.mark.parametrize("make", [beta_binomial_path, hedged_path])
def test_swapping_the_models_mirrors_the_path(make):
    straight, turned = make(SCORES), make([1 - x for x in SCORES])
    assert turned.lower == pytest.approx(1 - straight.upper, abs=1e-9)


def test_looks_that_contradict_each_other_have_no_interval():
    path = beta_binomial_path([1] * 60 + [0] * 600)
    assert path.contradicted
    assert path.at(660) is None


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_scores_outside_of_0_to_1_are_refused(score):
    with pytest.raises(ValueError, match="between 0 and 1"):
        beta_binomial_path([0.5, score])


def test_a_hundred_thousand_looks_at_extreme_rates_have_bounds():
    path = beta_binomial_path([1.0] * 99_999 + [0.0])
    assert 0.999 < path.lower[-1] < path.upper[-1] < 1


def test_overwhelming_evidence_stays_finite():
    evidence = evidence_against_half([1] * 5_000)
    assert 1e308 < evidence.e_value < float("inf")
    assert evidence.log_e_value == pytest.approx(5_000 * np.log(2) - np.log(5_001))
