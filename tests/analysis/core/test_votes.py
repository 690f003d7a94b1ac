"""The vote table: defaults, refusals, orientation, and which votes count."""

import pandas as pd
import pytest

from analysis.core.columns import COLUMNS
from analysis.core.votes import VoteTableError, valid_votes, validate_votes


def raw_votes(*rows, index=None):
    return pd.DataFrame([{"model_a": "x", "model_b": "y", **row} for row in rows], index=index)


def test_three_columns_are_enough():
    votes = validate_votes(raw_votes({"winner": "model_a"}, {"winner": "tie"}))
    assert list(votes.columns) == list(COLUMNS)
    assert votes["axis"].tolist() == ["overall", "overall"]
    assert votes["comparison_id"].nunique() == 2


def test_a_missing_column_is_named():
    with pytest.raises(VoteTableError, match=r"^The votes lack the column winner\.$"):
        validate_votes(pd.DataFrame({"model_a": ["x"], "model_b": ["y"]}))


@pytest.mark.parametrize("winner", ["Tie", "both", "", "left", None, "x", float("nan")])
def test_an_unknown_winner_is_refused_and_never_becomes_a_tie(winner):
    with pytest.raises(VoteTableError, match=r"winner must be one of .* \(row 17\)\.$"):
        validate_votes(raw_votes({"winner": "tie"}, {"winner": winner}, index=[16, 17]))


def test_many_bad_rows_are_named_up_to_five():
    rows = [{"winner": "?"}] * 8
    with pytest.raises(VoteTableError, match=r"not '\?' \(row 0, 1, 2, 3, 4 and 3 more\)\.$"):
        validate_votes(raw_votes(*rows))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("side_a", "top"),
        ("is_gold", "maybe"),
        ("submitted_at", "yesterday"),
        ("duration_ms", "-1"),
        ("duration_ms", "inf"),
        ("model_b", "x"),
        ("model_b", ""),
    ],
)
def test_values_that_are_not_understood_are_refused(column, value):
    with pytest.raises(VoteTableError, match=f"^{column} must"):
        validate_votes(raw_votes({"winner": "tie", column: value}))


def test_a_pair_in_both_orders_is_turned_into_one_with_winner_and_side():
    votes = validate_votes(
        pd.DataFrame(
            {
                "model_a": ["zeta", "alpha"],
                "model_b": ["alpha", "zeta"],
                "winner": ["model_a", "model_a"],
                "side_a": ["left", "left"],
                "prompt_id": ["p", "p"],
            }
        )
    )
    assert votes["model_a"].tolist() == ["alpha", "alpha"]
    assert votes["winner"].tolist() == ["model_b", "model_a"]
    assert votes["side_a"].tolist() == ["right", "left"]
    assert votes["comparison_id"].nunique() == 1


def test_a_pair_in_one_order_keeps_it():
    votes = validate_votes(
        pd.DataFrame({"model_a": ["zeta"], "model_b": ["alpha"], "winner": ["model_a"]})
    )
    assert (votes["model_a"][0], votes["winner"][0]) == ("zeta", "model_a")


def test_a_comparison_of_two_prompts_is_refused():
    rows = [{"winner": "tie", "comparison_id": "c", "prompt_id": prompt} for prompt in ("p1", "p2")]
    with pytest.raises(VoteTableError, match="must be of one prompt and model pair"):
        validate_votes(raw_votes(*rows))


def test_the_first_of_two_votes_of_a_rater_counts():
    vote = {"prompt_id": "p", "rater": "r"}
    later = {**vote, "winner": "model_b", "submitted_at": "2026-01-02T00:00:00Z"}
    first = {**vote, "winner": "model_a", "submitted_at": "2026-01-01T00:00:00Z"}
    votes, exclusions = valid_votes(validate_votes(raw_votes(later, first)))
    assert votes["winner"].tolist() == ["model_a"]
    assert exclusions.repeated == 1


def test_votes_of_unknown_raters_are_never_repeats():
    rows = [{"prompt_id": "p", "winner": "model_a"}] * 3
    votes, exclusions = valid_votes(validate_votes(raw_votes(*rows)))
    assert (len(votes), exclusions.repeated) == (3, 0)


def test_an_excluded_first_vote_leaves_the_second_to_count():
    vote = {"prompt_id": "p", "rater": "r"}
    rows = [{**vote, "winner": "model_a", "excluded": "true"}, {**vote, "winner": "model_b"}]
    votes, exclusions = valid_votes(validate_votes(raw_votes(*rows)))
    assert votes["winner"].tolist() == ["model_b"]
    assert (exclusions.excluded, exclusions.repeated) == (1, 0)


def test_gold_votes_do_not_count():
    rows = [{"winner": "model_a", "is_gold": "1"}, {"winner": "model_b", "is_gold": "0"}]
    votes, exclusions = valid_votes(validate_votes(raw_votes(*rows)))
    assert votes["winner"].tolist() == ["model_b"]
    assert exclusions.gold == 1


def test_durations_that_are_numbers_already_are_checked_as_well():
    durations = [1500, float("nan"), 0]
    rows = [{"winner": "tie", "duration_ms": value} for value in durations]
    votes = validate_votes(raw_votes(*rows))
    assert votes["duration_ms"].fillna(-1).tolist() == [1500, -1, 0]
    with pytest.raises(VoteTableError, match="duration_ms must be milliseconds"):
        validate_votes(raw_votes({"winner": "tie", "duration_ms": -3.0}))


def test_texts_of_mixed_types_keep_their_own_spelling():
    rows = [{"winner": "tie", "prompt_id": value} for value in (1, 1.0, " 1 ")]
    assert validate_votes(raw_votes(*rows))["prompt_id"].tolist() == ["1", "1.0", "1"]
