"""Response times against scipy and R's mad(), gold answers against closed forms."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import median_abs_deviation

from analysis.core.gold import GoldDecision, gold_accuracy, gold_by_rater
from analysis.core.response_times import flag_response_times, rater_paces
from tests.analysis.studies import ORACLES


def test_modified_z_scores_match_iglewicz_and_hoaglin(oracle):
    case = oracle("response_time_outliers")
    expected = case["expected"]
    times = flag_response_times(case["input"]["seconds"], cutoff=case["input"]["cutoff"])
    assert times.modified_z == pytest.approx(expected["modified_z"], abs=1e-6)
    assert list(times.paces) == expected["flag"]
    assert (times.median_log, times.mad_log) == pytest.approx(
        (expected["median_log"], expected["mad_log_raw"]), abs=1e-6
    )


def test_times_without_mad_fall_back_on_the_mean_deviation():
    seconds = [10.0] * 6 + [20.0, 0.01]
    x = np.log(seconds)
    assert median_abs_deviation(x) == 0
    deviations = np.abs(x - np.log(10))
    # 1.253314 = sqrt(pi / 2), Iglewicz & Hoaglin (1993).
    expected = (x - np.log(10)) / (1.253314137 * deviations.mean())
    assert flag_response_times(seconds).modified_z == pytest.approx(expected, abs=1e-8)


def test_times_that_are_all_equal_are_no_outliers():
    times = flag_response_times([7.0] * 5)
    assert np.isnan(times.modified_z).all()
    assert set(times.paces) == {None}


def test_unknown_times_are_left_out_and_counted():
    times = flag_response_times([9.0, 0.0, float("nan"), 11.0, 10.0])
    assert times.without_time == 2
    assert np.isnan(times.modified_z[[1, 2]]).all()


def test_no_times_at_all_have_no_median():
    times = flag_response_times([0.0, 0.0])
    assert (times.median_log, times.mad_log, times.paces) == (None, None, (None, None))


def test_a_vote_shorter_than_the_clip_is_too_short_whatever_its_score():
    times = flag_response_times([9.0, 10.0, 11.0, 3.0], shortest=[4.0, np.nan, 4.0, 4.0])
    assert times.paces == (None, None, None, "too_short")


@pytest.mark.parametrize("seconds", [-1.0, float("inf")])
def test_times_that_cannot_be_are_refused(seconds):
    with pytest.raises(ValueError, match="finite and not negative"):
        flag_response_times([seconds, 3.0])


def test_raters_with_many_fast_votes_are_flagged():
    steady = list(np.geomspace(15, 30, 80))
    times = flag_response_times([*steady, 0.5, 0.5, 0.5, 20.0, 20.0, 20.0])
    paces = rater_paces(times, ["steady"] * 80 + ["hasty"] * 6)
    flags = {pace.rater: (pace.fast, pace.flag) for pace in paces}
    assert flags == {"hasty": (3, True), "steady": (0, False)}


def test_gold_decisions_match_the_reference(oracle):
    case = oracle("gold_accuracy")
    threshold, least = case["input"]["threshold"], case["input"]["min_gold"]
    for expected in case["expected"]:
        counts = expected["correct"], expected["n"]
        ours = gold_accuracy(*counts, threshold=threshold, min_gold=least)
        bounds = [ours.accuracy.interval.lower, ours.accuracy.interval.upper]
        assert bounds == pytest.approx(expected["wilson"], abs=1e-9)
        assert ours.accuracy.value == pytest.approx(expected["accuracy"], abs=1e-9)
        p_value = expected["one_sided_p_accuracy_ge_threshold"]
        assert ours.p_value == pytest.approx(p_value, abs=1e-9)
        assert ours.decision == expected["decision"]


@pytest.mark.parametrize(
    ("correct", "n", "decision"),
    [(20, 20, GoldDecision.PASS), (9, 20, GoldDecision.FAIL), (0, 0, GoldDecision.INSUFFICIENT)],
)
def test_gold_decisions_at_the_ends(correct, n, decision):
    assert gold_accuracy(correct, n).decision == decision


def test_gold_answers_of_the_open_study_match_the_reference(oracle):
    rows = pd.read_csv(ORACLES / "study_open.csv", dtype=str, keep_default_na=False)
    gold = rows[rows["is_gold"].eq("1") & rows["choice"].ne("")]
    ours = gold_by_rater(gold["rater"], gold["choice"].eq(gold["gold_answer"]))
    for rater, expected in oracle("study_open")["expected"]["gold"].items():
        result = ours[rater]
        assert (result.correct, result.n) == (expected["correct"], expected["n"])
        bounds = [result.accuracy.interval.lower, result.accuracy.interval.upper]
        assert bounds == pytest.approx(expected["wilson"], abs=1e-9)
