"""Always-valid intervals against R's uniroot and an independent path."""

import pytest

from analysis.core.sequential import beta_binomial_interval, running_interval


def test_single_looks_match_the_reference(oracle):
    for case in oracle("confidence_sequence_beta_binomial")["expected"]:
        interval = beta_binomial_interval(case["successes"], case["n"])
        assert [interval.lower, interval.upper] == pytest.approx(case["cs"], abs=1e-6)


def test_running_intersections_match_the_reference(oracle):
    case = oracle("sequential_path")
    expected = case["expected"]
    looks = zip(expected["checkpoints"], expected["beta_binomial_running"], strict=True)
    for n, bounds in looks:
        interval = running_interval(case["input"]["x"][:n])
        assert [interval.lower, interval.upper] == pytest.approx(bounds, abs=1e-6)


def test_before_the_first_score_anything_is_possible():
    interval = running_interval([])
    assert (interval.lower, interval.upper) == (0.0, 1.0)


def test_swapping_the_models_mirrors_the_interval():
    scores = [1.0, 0.5, 0.0, 1.0, 1.0]
    straight, turned = running_interval(scores), running_interval([1 - x for x in scores])
    assert turned.lower == pytest.approx(1 - straight.upper, abs=1e-9)
