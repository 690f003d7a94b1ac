"""Majority verdicts against cases worked by hand from the rule."""

import pytest

from analysis.core.settings import MajorityRule
from analysis.core.verdicts import majority_verdicts

WORDS = {"A": "model_a", "B": "model_b", "T": "tie", None: None}


@pytest.mark.parametrize("rule", list(MajorityRule))
def test_verdicts_match_the_cases_worked_by_hand(oracle, rule):
    cases = oracle("majority_verdicts")["expected"]["cases"]
    counts = [[case["votes"].count(choice) for choice in "ABT"] for case in cases]
    expected = [WORDS[case[rule.value]] for case in cases]
    assert majority_verdicts(counts, rule).tolist() == expected


@pytest.mark.parametrize("rule", list(MajorityRule))
def test_swapping_the_models_swaps_the_verdicts(rule):
    swapped = {"model_a": "model_b", "model_b": "model_a", "tie": "tie", None: None}
    counts = [[a, b, t] for a in range(4) for b in range(4) for t in range(4)]
    turned = [[b, a, t] for a, b, t in counts]
    expected = [swapped[verdict] for verdict in majority_verdicts(counts, rule)]
    assert majority_verdicts(turned, rule).tolist() == expected
