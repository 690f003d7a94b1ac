"""Agreement against Fleiss (1971), Krippendorff (2011), Emu Video (2023) and R's irrCAC."""

from collections import Counter

import numpy as np
import pytest

from analysis.core.agreement import (
    Level,
    alpha_at_level,
    brennan_prediger,
    fleiss_kappa,
    fleiss_null_se,
    gwet_ac1,
    krippendorff_alpha,
    mean_over_model_pairs,
    measure_agreement,
    pairwise_agreement,
)
from analysis.core.estimates import Estimate, Undefined
from analysis.core.verdicts import majority_verdicts

COEFFICIENTS = ("fleiss_kappa", "gwet_ac1", "brennan_prediger")
FULL_CASES = (
    "agreement_fleiss1971",
    "agreement_fleiss15",
    "agreement_incomplete",
    "agreement_juice5",
)
EDGE_CASES = (
    "agreement_edge_all_same",
    "agreement_edge_perfect",
    "agreement_edge_single_rater",
)


def agreement_of(case):
    return measure_agreement(case["input"]["item_by_category_counts"])


@pytest.mark.parametrize("name", FULL_CASES)
def test_chance_corrected_coefficients_match_irrcac(oracle, name):
    case = oracle(name)
    agreement = agreement_of(case)
    for coefficient in COEFFICIENTS:
        ours, theirs = getattr(agreement, coefficient), case["expected"][coefficient]
        assert ours.value == pytest.approx(theirs["value"], abs=1e-8)
        assert ours.se == pytest.approx(theirs["se"], abs=1e-8)
        bounds = [ours.interval.lower, ours.interval.upper]
        assert bounds == pytest.approx(theirs["ci"], abs=1e-8)


@pytest.mark.parametrize("name", FULL_CASES)
def test_raw_agreement_and_alpha_match_the_references(oracle, name):
    case = oracle(name)
    agreement, expected = agreement_of(case), case["expected"]
    assert agreement.comparisons == expected["n_items"]
    assert agreement.comparisons_with_two_votes == expected["n_items_2plus"]
    assert agreement.complete == pytest.approx(expected["complete_agreement"], abs=1e-8)
    assert agreement.pairwise.value == pytest.approx(expected["percent_agreement"], abs=1e-8)
    alpha = expected["krippendorff_alpha_nominal"]
    assert agreement.krippendorff_alpha.value == pytest.approx(alpha, abs=1e-8)


@pytest.mark.parametrize("name", FULL_CASES)
def test_splits_are_counted_as_in_the_references(oracle, name):
    case = oracle(name)
    splits = {
        "-".join(map(str, count.split)): count.comparisons for count in agreement_of(case).splits
    }
    assert splits == case["expected"]["split_counts"]


@pytest.mark.parametrize("name", ["agreement_fleiss1971", "agreement_fleiss15", "agreement_juice5"])
def test_null_standard_error_matches_fleiss_nee_landis_1979(oracle, name):
    case = oracle(name)
    se = fleiss_null_se(case["input"]["item_by_category_counts"])
    assert se == pytest.approx(case["expected"]["fleiss_se_null"], abs=1e-8)


@pytest.mark.parametrize("name", EDGE_CASES)
def test_edge_cases_are_defined_or_null_as_specified(oracle, name):
    case = oracle(name)
    agreement, expected = agreement_of(case), case["expected"]
    assert agreement.complete == expected["complete_agreement"]
    assert agreement.pairwise.value == expected["percent_agreement"]
    for coefficient in (*COEFFICIENTS, "krippendorff_alpha"):
        assert getattr(agreement, coefficient).value == expected[coefficient]


def test_undefined_coefficients_say_why(oracle):
    same = agreement_of(oracle("agreement_edge_all_same"))
    single = agreement_of(oracle("agreement_edge_single_rater"))
    assert same.fleiss_kappa.undefined == Undefined.NO_VARIATION
    assert same.krippendorff_alpha.undefined == Undefined.NO_VARIATION
    assert single.fleiss_kappa.undefined == Undefined.FEWER_THAN_TWO_VOTES


def test_no_comparisons_are_undefined_for_lack_of_votes():
    assert measure_agreement(np.empty((0, 2))).pairwise.undefined == Undefined.NO_VOTES


def test_raw_votes_of_krippendorff_2011_match_the_published_values(oracle):
    case = oracle("krippendorff_canonical")
    units = zip(*case["input"]["raters_by_units"], strict=True)
    counts = [[unit.count(category) for category in range(1, 6)] for unit in units]
    agreement, expected = measure_agreement(counts), case["expected"]
    alpha = agreement.krippendorff_alpha.value
    assert alpha == pytest.approx(expected["alpha"]["nominal"], abs=1e-8)
    assert agreement.pairwise.value == pytest.approx(expected["percent_agreement"], abs=1e-8)
    for coefficient in ("gwet_ac1", "fleiss_kappa"):
        ours, theirs = getattr(agreement, coefficient), expected[coefficient]
        assert (ours.value, ours.se) == pytest.approx((theirs["value"], theirs["se"]), abs=1e-8)
        bounds = [ours.interval.lower, ours.interval.upper]
        assert bounds == pytest.approx(theirs["ci"], abs=1e-8)


@pytest.mark.parametrize("level", list(Level))
def test_alpha_of_krippendorff_2011_matches_at_every_level(oracle, level):
    case = oracle("krippendorff_canonical")
    units = zip(*case["input"]["raters_by_units"], strict=True)
    counts = [[unit.count(category) for category in range(1, 6)] for unit in units]
    alpha = alpha_at_level(counts, level, values=range(1, 6))
    assert alpha == pytest.approx(case["expected"]["alpha"][level], abs=1e-8)


def test_alpha_without_variation_is_undefined_at_every_level():
    assert [alpha_at_level([[5, 0]] * 3, level) for level in Level] == [None] * 3


def test_coefficients_of_pairs_are_averaged_by_their_items():
    assert mean_over_model_pairs([0.2, 0.5], [10, 30]) == pytest.approx(0.425)
    assert mean_over_model_pairs([], []) is None


def test_the_null_z_of_fleiss_matches(oracle):
    for name in ("agreement_fleiss1971", "agreement_fleiss15", "agreement_juice5"):
        case = oracle(name)
        counts = case["input"]["item_by_category_counts"]
        z = measure_agreement(counts).fleiss_kappa.value / fleiss_null_se(counts)
        assert z == pytest.approx(case["expected"]["fleiss_z_null"], abs=1e-8)


def balanced_counts(complete, partial, split):
    """304 tasks whose winning label alternates, so that the margins are balanced."""
    blocks = [(5, 0)] * complete, [(4, 1)] * partial, [(3, 2)] * split
    return [row[:: (-1) ** i] for block in blocks for i, row in enumerate(block)]


def test_kappa_of_emu_video_figure_5_runs_from_minus_02_to_1(oracle):
    for case in oracle("emu_video_fig5_kappa")["expected"]:
        counts = balanced_counts(case["complete"], case["partial"], case["split"])
        agreement, expected = measure_agreement(counts), case["result"]
        kappas = agreement.fleiss_kappa.value, agreement.brennan_prediger.value
        assert kappas == pytest.approx(
            (expected["fleiss_kappa"], expected["brennan_prediger"]), abs=1e-9
        )
        assert agreement.complete == pytest.approx(expected["complete"], abs=1e-9)


@pytest.mark.parametrize("arm", ["with_justification", "without"])
def test_juice_report_arms_match_the_reference(oracle, arm):
    case = oracle("juice_report")
    counts, expected = case["input"][f"{arm}_counts"], case["expected"][arm]
    agreement = measure_agreement(counts)
    splits = Counter({count.label: count.comparisons / 40 for count in agreement.splits})
    assert (splits["5|0"], splits["4|1"], splits["3|2"]) == pytest.approx(
        (expected["share_5_0"], expected["share_4_1"], expected["share_3_2"])
    )
    for name in (*COEFFICIENTS, "krippendorff_alpha"):
        assert getattr(agreement, name).value == pytest.approx(expected[name], abs=1e-9)
    wins = majority_verdicts([(a, b, 0) for a, b in counts]).tolist().count("model_a")
    assert wins / len(counts) == expected["majority_win_rate"]


def test_agreement_does_not_depend_on_which_model_is_a_or_on_row_order(oracle):
    counts = np.array(oracle("agreement_incomplete")["input"]["item_by_category_counts"])
    straight, turned = measure_agreement(counts), measure_agreement(counts[::-1, ::-1])
    for name in ("pairwise", *COEFFICIENTS, "krippendorff_alpha"):
        ours, theirs = getattr(straight, name), getattr(turned, name)
        assert ours.value == pytest.approx(theirs.value, abs=1e-12)


def test_a_category_nobody_chose_changes_ac1_only_through_their_number():
    two, three = [[4, 1], [1, 4], [5, 0]], [[4, 1, 0], [1, 4, 0], [5, 0, 0]]
    narrow, wide = measure_agreement(two), measure_agreement(three)
    assert wide.fleiss_kappa.value == pytest.approx(narrow.fleiss_kappa.value)
    # Pe = 1/q: P = (.6 + .6 + 1) / 3 = 11/15; (11/15 - 1/3) / (2/3) = 0.6
    assert wide.brennan_prediger.value == pytest.approx(0.6)


def test_bootstrap_of_alpha_is_repeatable_and_near_the_linearised_kappa(oracle):
    counts = oracle("agreement_juice5")["input"]["item_by_category_counts"]
    first, again = (
        measure_agreement(counts, rng=np.random.default_rng(7)).krippendorff_alpha for _ in range(2)
    )
    assert first == again
    # Kappa's linearised interval of the same table, R irrCAC: 0.0289 to 0.2331.
    assert (first.interval.lower, first.interval.upper) == pytest.approx((0.03, 0.23), abs=0.03)


def test_alpha_resamples_prompts_with_all_their_comparisons(oracle):
    counts = oracle("agreement_juice5")["input"]["item_by_category_counts"]
    twice, prompts = counts * 2, [*range(60), *range(60)]
    alone, together = (
        measure_agreement(table, rng=np.random.default_rng(7), prompts=of).krippendorff_alpha
        for table, of in ((counts, None), (twice, prompts))
    )
    assert together.se == pytest.approx(alone.se, rel=0.05)


@pytest.mark.parametrize(
    "coefficient",
    [pairwise_agreement, fleiss_kappa, gwet_ac1, brennan_prediger, krippendorff_alpha],
)
def test_a_comparison_without_votes_changes_no_coefficient(coefficient):
    counts = [[3, 0], [1, 2], [1, 0], [0, 3]]
    assert coefficient([*counts, [0, 0]]) == coefficient(counts)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [([[0, 0]], Undefined.NO_VOTES), ([[1, 0], [0, 1]], Undefined.FEWER_THAN_TWO_VOTES)],
)
def test_without_two_votes_on_anything_no_coefficient_is_defined(counts, reason):
    for coefficient in (pairwise_agreement, fleiss_kappa, gwet_ac1, krippendorff_alpha):
        assert coefficient(counts) == Estimate(None, undefined=reason)


def test_no_rows_are_no_votes_and_a_single_category_is_refused():
    assert measure_agreement([]).fleiss_kappa.undefined == "no_votes"
    with pytest.raises(ValueError, match="two categories"):
        measure_agreement([[3], [2]])


def test_a_negative_count_is_refused_even_where_its_row_adds_up_to_one_vote():
    with pytest.raises(ValueError, match="whole numbers, 0 or more"):
        measure_agreement([[-1, 2], [3, 0]])


@pytest.mark.parametrize("counts", [[[3, 0], [3, 0]], [[1, 0], [0, 1]], []])
def test_the_null_error_of_an_undefined_kappa_is_none(counts):
    assert fleiss_null_se(counts) is None


def test_pairs_without_a_kappa_are_left_out_of_the_mean():
    assert mean_over_model_pairs([0.3, None, 0.6], [2, 40, 1]) == pytest.approx(0.4)
    assert mean_over_model_pairs([None], [40]) is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("draws", [1, 2, 100])
def test_alpha_of_perfect_agreement_has_no_interval_of_no_width(draws):
    rng = np.random.default_rng(1)
    alpha = measure_agreement([[2, 0], [0, 2]], rng=rng, draws=draws).krippendorff_alpha
    assert (alpha.value, alpha.interval, alpha.undefined) == (1, None, "no_variation")
