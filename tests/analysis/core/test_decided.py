"""The verdict of every comparison: all counted at once, as each would be by itself."""

import pytest

from analysis.core.columns import names_of
from analysis.core.decided import VERDICT_COLUMNS, decided_comparisons
from analysis.core.settings import MajorityRule
from analysis.core.votes import validate_votes

GROUPS = ["protocol", "axis", "model_a", "model_b"]


@pytest.fixture(scope="module")
def votes(open_study):
    """Three models, two protocols, two questions, ties and checks."""
    return validate_votes(open_study)


def decided(votes, rule=MajorityRule.PLURALITY):
    return list(decided_comparisons(votes, min_votes=3, rule=rule))


@pytest.mark.parametrize("rule", MajorityRule)
def test_the_verdicts_are_those_of_each_question_and_model_pair_by_itself(votes, rule):
    alone = [decided(own, rule) for _, own in votes.groupby(GROUPS, sort=True)]
    assert len(alone) == 2 * 3 * 2
    assert decided(votes, rule) == [row for rows in alone for row in rows]


def test_the_verdicts_are_those_of_each_comparison_by_itself(votes):
    own = votes[votes["axis"].eq("quality") & votes["protocol"].eq("plain")]
    alone = [decided(one) for _, one in own.groupby([*GROUPS, "prompt_id", "comparison_id"])]
    assert decided(own) == [row for rows in alone for row in rows]


def test_a_row_holds_plain_values_under_the_names_of_its_columns(votes):
    row = decided(votes)[0]
    assert tuple(row) == names_of(VERDICT_COLUMNS)
    assert {type(value) for value in row.values()} == {str, int, bool}


def test_the_order_of_the_rows_does_not_depend_on_that_of_the_votes(votes):
    assert decided(votes.sample(frac=1, random_state=1)) == decided(votes)


def test_a_comparison_without_enough_votes_is_not_complete(votes):
    rows = decided(votes)
    few = [row for row in rows if row["votes_a"] + row["votes_b"] + row["ties"] < 3]
    assert [row for row in rows if not row["complete"]] == few


def test_without_votes_that_count_there_is_no_verdict(votes):
    assert decided(votes.assign(excluded=True)) == []
    assert decided(votes.head(0)) == []
