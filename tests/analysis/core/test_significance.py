"""Tests against R's binom.test, mcnemar.test and p.adjust, statsmodels and scipy."""

import numpy as np
import pytest
from scipy.stats import permutation_test, ttest_1samp

from analysis.core.estimates import Undefined
from analysis.core.significance import (
    benjamini_hochberg,
    holm,
    mcnemar_test,
    prompt_sign_flip_test,
    prompt_t_test,
    sign_test,
)

PROMPT_MEANS = [0.75, 1.0, 0.5, 0.25, 1.0, 0.625, 0.875, 0.5, 0.75, 0.375]


def test_sign_and_mcnemar_match_exact_integer_arithmetic(oracle):
    case = oracle("sign_and_mcnemar")
    for expected in case["expected"]:
        ours = mcnemar_test(expected["b"], expected["c"])
        numbers = ours.p_value, ours.mid_p_value, ours.chi_squared, ours.chi_squared_p_value
        theirs = tuple(expected[key] for key in ("exact_p", "midp", "chi2", "chi2_p"))
        assert numbers == pytest.approx(theirs, abs=case["tolerance"])
        sign = sign_test(expected["b"], expected["c"])
        assert (sign.p_value, sign.mid_p_value) == (ours.p_value, ours.mid_p_value)


def test_sign_tests_of_emu_video_table_10_match_scipy_and_are_adjusted_by_holm(oracle):
    rows = oracle("emu_video_table10_quality")["expected"]
    p_values = [sign_test(row["wins"], row["n"] - row["wins"]).p_value for row in rows]
    assert p_values == pytest.approx([row["sign_test_exact_p"] for row in rows], abs=1e-8)
    assert holm(p_values) == pytest.approx([row["holm_p"] for row in rows], rel=1e-8)


def test_sign_tests_of_the_open_study_match_the_reference(oracle):
    pairs = [e for e in oracle("study_open")["expected"].values() if "sign_test_exact_p" in e]
    ours = [sign_test(pair["wins"], pair["losses"]).p_value for pair in pairs]
    assert ours == pytest.approx([pair["sign_test_exact_p"] for pair in pairs], abs=1e-9)


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="counts are 0 or more"):
        sign_test(-1, 3)


def test_holm_and_bh_match_r_on_the_p_values_of_benjamini_and_hochberg_1995(oracle):
    for case in oracle("multiplicity")["expected"]:
        adjusted = benjamini_hochberg(case["p"])
        assert holm(case["p"]) == pytest.approx(case["holm"], abs=1e-10)
        assert adjusted == pytest.approx(case["bh"], abs=1e-10)
        assert sum(p <= 0.05 for p in adjusted) == case["bh_rejected_05"]


def test_a_missing_p_value_stays_missing_and_does_not_count():
    assert holm([0.01, None, 0.04]) == [0.02, None, 0.04]
    assert benjamini_hochberg([None, 0.01, None]) == [None, 0.01, None]


def test_no_p_values_need_no_adjustment():
    assert (holm([]), benjamini_hochberg([None])) == ([], [None])


def test_prompt_t_test_is_the_one_sample_t_test():
    theirs = ttest_1samp(PROMPT_MEANS, 0.5)
    ours = prompt_t_test(PROMPT_MEANS)
    assert (ours.statistic, ours.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_flipping_prompts_matches_scipy_permutation_test():
    theirs = permutation_test(
        [np.array(PROMPT_MEANS) - 0.5], np.mean, permutation_type="samples", n_resamples=np.inf
    )
    ours = prompt_sign_flip_test(PROMPT_MEANS, rng=np.random.default_rng(1))
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-12)


def test_many_prompts_are_flipped_at_random_and_never_give_p_0():
    ours = prompt_sign_flip_test([0.9] * 40, rng=np.random.default_rng(1), draws=999)
    assert ours.p_value == 1 / 1000


@pytest.mark.parametrize(
    ("means", "reason"),
    [
        ([], Undefined.NO_VOTES),
        ([0.7], Undefined.TOO_FEW_CLUSTERS),
        ([0.7] * 5, Undefined.NO_VARIATION),
    ],
)
def test_prompt_t_test_is_undefined_with_a_reason(means, reason):
    assert prompt_t_test(means).undefined == reason
