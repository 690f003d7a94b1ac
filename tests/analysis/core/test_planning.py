"""Planning against brute-force enumeration, R's pbinom and statsmodels; see the oracle."""

import pytest

from analysis.core.planning import (
    best_raters,
    expected_win_rates,
    inflated,
    majority_accuracy,
    panel_warnings,
    prompts_for_half_width,
    prompts_to_detect,
    sign_test_power,
    smallest_panel,
    vote_design,
)


@pytest.fixture
def expected(oracle):
    return oracle("power_planning")["expected"]


def test_majorities_are_as_accurate_as_condorcet_says(expected):
    for case in expected["majority_accuracy"]:
        assert majority_accuracy(case["K"], case["p"]) == pytest.approx(case["value"], abs=1e-9)


def test_prompts_for_a_half_width_match_statsmodels(expected):
    for case in expected["n_for_halfwidth"]:
        ours = prompts_for_half_width(case["half_width"], case["p"])
        assert (ours.wald, ours.wilson) == (case["wald"], case["wilson"])


@pytest.mark.parametrize(
    ("h", "wald", "wilson"), [(0.10, 97, 93), (0.05, 385, 381), (0.03, 1068, 1064)]
)
def test_prompts_for_a_half_width_at_one_half_match_the_table(h, wald, wilson):
    ours = prompts_for_half_width(h)
    assert (ours.wald, ours.wilson) == (wald, wilson)


def test_prompts_to_detect_match_enumeration(expected):
    for case in expected["n_to_detect"]:
        ours = prompts_to_detect(case["p"], case["power"], case["alpha"])
        theirs = case["normal_approx"], case["exact_first_n"], case["exact_safe_n"]
        assert (ours.normal, ours.exact_first, ours.exact_safe) == theirs


# statistics.md G: normal / first / safe.
@pytest.mark.parametrize(
    ("win_rate", "power", "numbers"),
    [
        (0.55, 0.8, (783, 786, 820)),
        (0.60, 0.8, (194, 199, 210)),
        (0.65, 0.8, (85, 90, 97)),
        (0.70, 0.8, (47, 49, 54)),
        (0.75, 0.8, (29, 30, 35)),
        (0.80, 0.8, (20, 20, 23)),
        (0.60, 0.9, (259, 263, 274)),
        (0.70, 0.9, (62, 65, 70)),
        (0.20, 0.8, (20, 20, 23)),
    ],
)
def test_prompts_to_detect_match_the_table(win_rate, power, numbers):
    ours = prompts_to_detect(win_rate, power)
    assert (ours.normal, ours.exact_first, ours.exact_safe) == numbers


def test_exact_power_matches_enumeration(expected):
    for case in expected["exact_power"]:
        power = sign_test_power(case["n"], case["p"], case["alpha"])
        assert float(power) == pytest.approx(case["power"], abs=1e-9)


def test_vote_level_designs_match_the_beta_binomial(expected):
    for case in expected["vote_level_design"]:
        ours = vote_design(case["prompts"], case["K"], case["mean"], case["icc"])
        numbers = ours.design_effect, ours.se, ours.effective_votes, ours.majority_win_rate
        names = "design_effect", "se", "effective_votes", "majority_win_rate_betabinomial"
        assert numbers == pytest.approx(tuple(case[name] for name in names), abs=1e-9)


def test_attenuation_matches_the_reference(expected):
    for case in expected["attenuation"]:
        ours = expected_win_rates(case["K"], case["rater_accuracy"], case["true_win_rate"])
        assert ours.majority_accuracy == pytest.approx(case["majority_accuracy"], abs=1e-9)
        majority = case["expected_majority_win_rate"]
        assert ours.majority_win_rate == pytest.approx(majority, abs=1e-9)
        assert ours.vote_win_rate == pytest.approx(case["expected_vote_win_rate"], abs=1e-9)
        assert ours.prompts == case["n_prompts_80pct_power_normal"]


# statistics.md G, true win rate .65 and raters right 70% of the time: more raters save prompts.
@pytest.mark.parametrize(("raters", "prompts"), [(1, 543), (3, 268), (5, 190), (7, 154)])
def test_more_raters_save_prompts_but_not_votes(raters, prompts):
    assert expected_win_rates(raters, 0.7, 0.65).prompts == prompts


@pytest.mark.parametrize(("icc", "rate"), [(0, 0.68256), (1, 0.6)])
def test_designs_at_the_ends_of_the_intraclass_correlation(icc, rate):
    # icc 0: majority of five independent votes at .6, .6826; icc 1: all votes of an item agree.
    assert vote_design(100, 5, 0.6, icc).majority_win_rate == pytest.approx(rate)


def test_the_best_number_of_raters_balances_costs():
    assert best_raters(item_cost=4, vote_cost=1, icc=0.2) == pytest.approx(4)


def test_prompts_are_inflated_for_ties_and_incomplete_comparisons():
    assert inflated(100, tie_rate=0.2, incomplete_rate=0.1) == 139
    assert inflated(90, incomplete_rate=0.1) == 100


def test_a_panel_is_large_enough_that_nobody_judges_too_much():
    assert smallest_panel(100, 5, 0.25) == 20
    assert smallest_panel(100, 5, 1.0) == 5
    assert (panel_warnings(9), panel_warnings(10)) == (("too_few_clusters",), ())


def test_one_half_is_never_told_from_one_half():
    with pytest.raises(ValueError, match="1/2 from 1/2"):
        prompts_to_detect(0.5)
    assert expected_win_rates(5, 0.5, 0.9).prompts is None


@pytest.mark.parametrize("power", [0, 1, 1.2])
def test_impossible_power_is_refused(power):
    with pytest.raises(ValueError, match="power is a share"):
        prompts_to_detect(0.6, power)


def test_prompts_for_a_win_rate_next_to_one_half_are_found_quickly():
    # By hand: ((1.959964 + 0.841620) / 0.002)^2; teeth of about 1 / 0.001 prompts follow.
    needed = prompts_to_detect(0.501)
    assert needed.normal == 1_962_218
    assert needed.normal <= needed.exact_first <= needed.exact_safe < needed.normal + 5_000


def test_a_design_without_prompts_or_costs_is_refused():
    with pytest.raises(ValueError, match="prompts is above 0"):
        vote_design(0, 3, 0.5, 0.2)
    with pytest.raises(ValueError, match="item cost is above 0"):
        best_raters(-1, 1, 0.2)
