"""What the votes say of each rater: all counted at once, as each rater's would be alone."""

import pandas as pd
import pytest

from analysis.core.columns import names_of
from analysis.core.raters import RATER_COLUMNS, rater_rows
from analysis.core.votes import validate_votes

OF_OTHERS = ("leans_to_one_side", "agreement_with_others", "compared_with_others")
"""What depends on the votes of other raters too."""
VOTES = 600


@pytest.fixture(scope="module")
def votes():
    """Two questions, ties, checks, votes without a rater, a side or a time, raters left out."""
    rows = [
        {
            "prompt_id": f"p{number % 40}",
            "axis": ("quality", "faithfulness")[number % 2],
            "model_a": "ours",
            "model_b": "theirs",
            "winner": ("model_a", "model_b", "tie")[number * 7 % 5 % 3],
            "rater": f"r{number % 17}" if number % 17 else "",
            "side_a": ("left", "right", "")[number * 5 % 11 % 3],
            "is_gold": number % 13 == 0,
            "excluded": number % 17 in (3, 4) and number > 100,
            "excluded_why": "too fast" if number % 17 == 3 and number > 200 else "",
            "duration_ms": "" if number % 17 == 5 else 1000 + number * 37 % 997,
        }
        for number in range(VOTES)
    ]
    return validate_votes(pd.DataFrame(rows))


def own_part(row):
    return {name: value for name, value in row.items() if name not in OF_OTHERS}


def test_what_a_rater_gave_is_what_the_votes_of_that_rater_alone_give(votes):
    rows = list(rater_rows(votes))
    assert [row["rater"] for row in rows] == sorted(f"r{n}" for n in range(1, 17))
    for row in rows:
        [alone] = rater_rows(votes[votes["rater"].eq(row["rater"])])
        assert own_part(row) == own_part(alone)


def test_a_row_of_a_rater_is_counted_by_hand(votes):
    """As the long way, vote by vote."""
    own = votes[votes["rater"].eq("r3") & ~votes["is_gold"]]
    row = next(row for row in rater_rows(votes) if row["rater"] == "r3")
    assert tuple(row) == names_of(RATER_COLUMNS)
    assert (row["votes"], row["comparisons"]) == (len(own), len({*own["comparison_id"]}))
    assert row["median_seconds"] == own["duration_ms"].median() / 1000
    assert (row["excluded"], row["excluded_why"]) == (True, "too fast")
    sided = own[own["winner"].ne("tie") & own["side_a"].ne("")].drop_duplicates("comparison_id")
    is_left = sided["winner"].eq("model_a") == sided["side_a"].eq("left")
    assert (row["left_votes"], row["decided_votes"]) == (is_left.sum(), len(sided))


def test_a_rater_without_times_has_no_median_and_one_without_a_reason_no_words(votes):
    rows = {row["rater"]: row for row in rater_rows(votes)}
    assert rows["r5"]["median_seconds"] is None
    assert (rows["r4"]["excluded"], rows["r4"]["excluded_why"]) == (True, "")
    assert (rows["r6"]["excluded"], rows["r6"]["excluded_why"]) == (False, "")


def test_votes_without_raters_have_no_rows(votes):
    assert list(rater_rows(votes.assign(is_gold=True))) == []
