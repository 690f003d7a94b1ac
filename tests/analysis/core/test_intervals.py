"""Intervals against published and independently computed values."""

import pytest
from scipy.stats import binomtest

from analysis.core.intervals import clopper_pearson, jeffreys, newcombe, tango, wilson


def bounds(interval):
    return pytest.approx([interval.lower, interval.upper], abs=1e-9)


def test_wilson_clopper_pearson_and_jeffreys_match_newcombe_1998(oracle):
    for case in oracle("proportion_intervals")["expected"]:
        s, n = case["s"], case["n"]
        assert case["wilson"] == bounds(wilson(s, n))
        assert case["clopper_pearson"] == bounds(clopper_pearson(s, n))
        assert case["jeffreys"] == bounds(jeffreys(s, n))


def test_intervals_of_emu_video_table_10_match_scipy_and_statsmodels(oracle):
    for row in oracle("emu_video_table10_quality")["expected"]:
        assert row["wilson"] == bounds(wilson(row["wins"], row["n"]))
        assert row["clopper_pearson"] == bounds(clopper_pearson(row["wins"], row["n"]))


def test_tango_matches_brute_force_score_inversion(oracle):
    for case in oracle("net_win_rate")["expected"]:
        interval = tango(case["wins"], case["ties"], case["losses"])
        expected = [bound / 100 for bound in case["ci_tango"]]
        assert expected == pytest.approx([interval.lower, interval.upper], abs=1e-8)


def test_newcombe_matches_the_published_table_and_statsmodels(oracle):
    for case in oracle("two_proportion_difference")["expected"]:
        assert case["ci"] == bounds(newcombe(*case["input"]))


@pytest.mark.parametrize(("wins", "losses"), [(12, 8), (0, 7), (7, 0), (50, 1)])
def test_tango_without_ties_is_wilson(wins, losses):
    mapped, exact = tango(wins, 0, losses).mapped(0.5, 0.5), wilson(wins, wins + losses)
    assert [mapped.lower, mapped.upper] == pytest.approx([exact.lower, exact.upper], abs=1e-10)


def test_tango_of_ties_alone_is_symmetric():
    # z^2 / (n + z^2) with z = 1.959964, n = 10: statistics.md A3
    interval = tango(0, 10, 0)
    assert (interval.lower, interval.upper) == pytest.approx((-0.2775328, 0.2775328), abs=1e-7)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_wilson_at_other_confidences_matches_scipy(confidence):
    theirs = binomtest(17, 23).proportion_ci(confidence, method="wilson")
    ours = wilson(17, 23, confidence)
    assert (ours.lower, ours.upper) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_an_interval_of_nothing_is_refused():
    with pytest.raises(ValueError, match="n > 0"):
        wilson(0, 0)
