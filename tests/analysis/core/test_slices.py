"""Win rates within categories of prompts, and where raters disagree."""

import pandas as pd
import pytest

from analysis.core.disagreement import most_disagreement, split_of, widest_lead
from analysis.core.items import complete_items, count_choices
from analysis.core.settings import MajorityRule
from analysis.core.slices import rates_by_category
from analysis.core.votes import validate_votes


def rates(wins: dict[str, tuple[int, int]], **options):
    """One vote per prompt: so many won and lost by A in each category."""
    rows = [
        {
            "prompt_id": f"{category}-{number}",
            "category": category,
            "model_a": "ours",
            "model_b": "theirs",
            "winner": "model_a" if number < won else "model_b",
            "rater": "r",
        }
        for category, (won, lost) in wins.items()
        for number in range(won + lost)
    ]
    votes = validate_votes(pd.DataFrame(rows))
    complete = complete_items(count_choices(votes), 1)
    return rates_by_category(votes, complete, MajorityRule.PLURALITY, **options)


def test_each_category_has_its_own_win_rate_interval_and_adjusted_p_value():
    # statsmodels 0.15.0: proportion_confint(method="wilson"), binom_test, multipletests("holm").
    animals, people = rates({"animals": (9, 1), "people": (3, 5)})
    assert [animals.category, animals.prompts, people.category, people.prompts] == [
        "animals",
        10,
        "people",
        8,
    ]
    interval = animals.win_rate.rate.interval
    assert [interval.lower, interval.upper] == pytest.approx(
        [0.5958499732047614, 0.982123786904927], abs=1e-12
    )
    assert [animals.p_value, people.p_value] == pytest.approx([0.021484375, 0.7265625])
    assert [animals.holm_p_value, people.holm_p_value] == pytest.approx([0.04296875, 0.7265625])


def test_prompts_of_one_category_are_not_sliced():
    assert rates({"animals": (9, 1)}) == ()


def test_prompts_without_a_category_are_a_category_of_their_own():
    assert [one.category for one in rates({"": (1, 1), "people": (1, 1)})] == ["", "people"]


def row(votes_a: int, votes_b: int, ties: int = 0, name: str = "1") -> dict:
    return {
        "comparison_id": name,
        "prompt_id": "p",
        "axis": "quality",
        "model_a": "ours",
        "model_b": "theirs",
        "votes_a": votes_a,
        "votes_b": votes_b,
        "ties": ties,
        "complete": True,
    }


@pytest.mark.parametrize(
    ("counts", "disagreement"),
    # Pairs of votes that differ, counted by hand: of ten pairs of five votes, of three of three.
    [((5, 0, 0), 0.0), ((4, 1, 0), 0.4), ((3, 2, 0), 0.6), ((1, 1, 1), 1.0), ((1, 0, 0), 0.0)],
)
def test_disagreement_is_the_share_of_pairs_of_votes_that_differ(counts, disagreement):
    assert split_of(row(*counts)).disagreement == pytest.approx(disagreement)


def test_the_most_split_comparison_comes_first():
    found = most_disagreement([row(5, 0, name="1"), row(3, 2, name="2"), row(1, 0, name="3")])
    assert [one.comparison_id for one in found] == ["2", "1"]


def test_the_clearest_comparison_comes_first():
    found = widest_lead([row(3, 2, name="1"), row(0, 5, name="2"), row(4, 1, name="3")])
    assert [one.comparison_id for one in found] == ["2", "3", "1"]
