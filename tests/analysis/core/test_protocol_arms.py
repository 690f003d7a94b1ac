"""JUICE against plain: complete enumeration, scipy's permutation_test and the Emu Video layout."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap, permutation_test

from analysis.core.agreement import measure_agreement
from analysis.core.protocol_arms import compare_arms, compare_arms_of_raters

CHOICES = ("model_a", "model_b")
NAMES = {"pairwise_agreement": "pairwise", "complete_agreement": "complete"}


def by_name(differences):
    return {difference.statistic: difference for difference in differences}


def arms(case):
    return [
        np.array(case["input"][name]) for name in ("with_justification_counts", "without_counts")
    ]


@pytest.fixture
def small(oracle):
    return oracle("protocol_arm_comparison")


def test_swapping_arms_within_items_matches_complete_enumeration(small):
    ours = by_name(compare_arms(*arms(small), same_items=True, rng=np.random.default_rng(1)))
    for name, expected in small["expected"].items():
        result = ours[NAMES.get(name, name)]
        numbers = result.first, result.second, result.difference.value, result.test.p_value
        theirs = [expected[key] for key in ("with_justification", "without", "difference")]
        assert numbers == pytest.approx((*theirs, expected["paired_exact_p"]), abs=1e-9)
        assert result.test.relabelings + result.test.skipped == expected["paired_n_permutations"]


def test_reassigning_items_to_arms_matches_complete_enumeration(small):
    first, second = (arm[:6] for arm in arms(small))
    ours = by_name(compare_arms(first, second, same_items=False, rng=np.random.default_rng(1)))
    for name, expected in small["expected"].items():
        result = ours[NAMES.get(name, name)]
        difference, p_value = result.difference.value, result.test.p_value
        assert difference == pytest.approx(expected["unpaired_first6_difference"], abs=1e-9)
        assert p_value == pytest.approx(expected["unpaired_first6_exact_p"], abs=1e-9)
        listed = result.test.relabelings + result.test.skipped
        assert listed == expected["unpaired_n_permutations"]


def test_uplift_of_the_juice_report_matches_the_reference(oracle):
    case = oracle("juice_report")
    ours = by_name(compare_arms(*arms(case), same_items=True, rng=np.random.default_rng(1)))
    for name, expected in case["expected"]["uplift"].items():
        if not name.startswith("share"):
            assert ours[NAMES.get(name, name)].difference.value == pytest.approx(expected, abs=1e-9)


def test_random_relabelings_and_bca_match_scipy(oracle):
    first, second = arms(oracle("juice_report"))
    ours = by_name(compare_arms(first, second, same_items=True, rng=np.random.default_rng(1)))
    gaps = [(arm * (arm - 1)).sum(axis=1) / 20 for arm in (first, second)]
    rng = np.random.default_rng(2)
    test = permutation_test(
        gaps, lambda a, b: a.mean() - b.mean(), permutation_type="samples", rng=rng
    )
    interval = bootstrap([gaps[0] - gaps[1]], np.mean, method="BCa", rng=rng).confidence_interval
    pairwise = ours["pairwise"]
    assert pairwise.test.p_value == pytest.approx(test.pvalue, abs=0.01)
    bounds = pairwise.difference.interval.lower, pairwise.difference.interval.upper
    assert bounds == pytest.approx((interval.low, interval.high), abs=0.01)
    assert not pairwise.test.exact


def test_coefficients_are_those_of_a_single_arm(oracle):
    first, second = arms(oracle("juice_report"))
    ours = by_name(compare_arms(first, second, same_items=True, rng=np.random.default_rng(1)))
    alone = measure_agreement(second)
    for name in ("pairwise", "fleiss_kappa", "gwet_ac1", "brennan_prediger", "krippendorff_alpha"):
        assert ours[name].second == pytest.approx(getattr(alone, name).value, abs=1e-12)


def test_holm_is_over_the_primary_statistics_only(small):
    ours = by_name(compare_arms(*arms(small), same_items=True, rng=np.random.default_rng(1)))
    # p = .21875 and .0703125: Holm doubles the smaller one.
    assert ours["fleiss_kappa"].holm_p_value == pytest.approx(0.140625)
    assert ours["complete"].holm_p_value == pytest.approx(0.21875)
    assert ours["pairwise"].holm_p_value is None


def test_items_of_one_prompt_are_swapped_together(small):
    prompts = np.repeat(np.arange(5), 2)
    ours = compare_arms(
        *arms(small), same_items=True, rng=np.random.default_rng(1), first_prompts=prompts
    )
    assert by_name(ours)["pairwise"].test.relabelings == 2**5


def test_exchanging_the_arms_turns_the_difference_round(small):
    first, second = arms(small)
    straight, turned = (
        by_name(compare_arms(*pair, same_items=True, rng=np.random.default_rng(1)))
        for pair in ((first, second), (second, first))
    )
    assert turned["complete"].difference.value == -straight["complete"].difference.value
    assert turned["complete"].test.p_value == straight["complete"].test.p_value


def test_arms_without_variation_have_no_kappa_to_compare():
    ours = by_name(
        compare_arms([[5, 0]] * 4, [[5, 0]] * 4, same_items=True, rng=np.random.default_rng(1))
    )
    assert ours["fleiss_kappa"].difference.undefined == "no_variation"
    assert (ours["fleiss_kappa"].test.p_value, ours["complete"].test.p_value) == (None, 1.0)


def test_arms_of_other_items_are_not_the_same_items():
    with pytest.raises(ValueError, match="the same items"):
        compare_arms([[5, 0]], [[5, 0]] * 2, same_items=True, rng=np.random.default_rng(1))


@pytest.fixture
def rater_votes():
    """Six raters on eight items; the first three agree, the others choose by turns."""
    rows = [
        {
            "comparison_id": f"c{item}",
            "prompt_id": f"p{item}",
            "rater": f"r{rater}",
            "winner": "model_a" if (item % 2 if rater < 3 else (item + rater) % 3) else "model_b",
            "first_arm": rater < 3,
        }
        for item in range(8)
        for rater in range(6)
    ]
    return pd.DataFrame(rows)


def test_raters_change_arms_with_all_their_votes(rater_votes):
    ours = by_name(
        compare_arms_of_raters(rater_votes, categories=CHOICES, rng=np.random.default_rng(1))
    )["complete"]
    # 20 ways to choose 3 of 6 raters; only this one and its mirror image agree completely.
    assert (ours.first, ours.test.relabelings, ours.test.p_value) == (1.0, 20, 0.1)


def test_a_rater_in_both_arms_is_refused(rater_votes):
    mixed = rater_votes.assign(first_arm=rater_votes["comparison_id"].eq("c1"))
    with pytest.raises(ValueError, match="both arms: r0, r1"):
        compare_arms_of_raters(mixed, categories=CHOICES, rng=np.random.default_rng(1))


def test_a_choice_that_nobody_offered_is_refused(rater_votes):
    tied = rater_votes.assign(winner="tie")
    with pytest.raises(ValueError, match="not one of model_a, model_b"):
        compare_arms_of_raters(tied, categories=CHOICES, rng=np.random.default_rng(1))


def test_an_arm_without_items_has_nothing_to_compare():
    ours = compare_arms(np.empty((0, 2)), [[5, 0]], same_items=False, rng=np.random.default_rng(1))
    assert {d.difference.undefined for d in ours} == {"no_votes"}


def test_kappa_that_exists_in_all_items_only_still_has_an_answer():
    # Without either item one arm has no variation, and half of the resamples have none.
    first, second = [[2, 0], [1, 1]], [[2, 0], [0, 2]]
    rng = np.random.default_rng(1)
    kappa = by_name(compare_arms(first, second, same_items=True, rng=rng))["fleiss_kappa"]
    assert kappa.difference.value == pytest.approx(-4 / 3)
    assert 4_000 < kappa.difference.skipped_draws < 6_000


def test_arms_that_are_alike_have_no_interval_of_no_width():
    arm = [[5, 0], [0, 5], [5, 0]]
    complete, *_ = compare_arms(arm, arm, same_items=True, rng=np.random.default_rng(1), draws=50)
    assert complete.difference.value == 0
    assert (complete.difference.interval, complete.difference.undefined) == (None, "no_variation")


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ([[1, 0], [0, 1]], "fewer_than_two_votes"),
        ([[0, 0], [0, 0]], "no_votes"),
        ([[5, 0], [5, 0]], "no_variation"),
    ],
)
def test_an_arm_without_a_kappa_says_why(other, reason):
    both = compare_arms(
        [[4, 1], [2, 3]], other, same_items=True, rng=np.random.default_rng(1), draws=50
    )
    kappa = {one.statistic: one for one in both}["fleiss_kappa"]
    assert (kappa.difference.value, kappa.difference.undefined) == (None, reason)
    assert kappa.test.p_value is None


def test_raters_without_votes_have_no_difference():
    columns = ["comparison_id", "prompt_id", "rater", "winner", "first_arm"]
    both = compare_arms_of_raters(
        pd.DataFrame(columns=columns),
        categories=["model_a", "model_b"],
        rng=np.random.default_rng(1),
    )
    assert {one.difference.undefined for one in both} == {"no_votes"}
