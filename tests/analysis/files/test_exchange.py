"""Votes in the columns of other tools, and preference pairs."""

import csv
import io
import json
from datetime import UTC, datetime

import pandas as pd
import pytest

from analysis.core.decided import decided_comparisons
from analysis.core.settings import MajorityRule
from analysis.core.votes import validate_votes
from analysis.files.exchange import crowd_kit_lines, fastchat_lines, genai_bench_lines
from analysis.files.preferences import preference_lines
from analysis.files.tables import vote_table_parts

VOTE = {
    "study": "s",
    "comparison_id": "7",
    "prompt_id": "p1",
    "prompt": "A fox, dancing",
    "axis": "quality",
    "model_a": "ours",
    "model_b": "theirs",
    "winner": "model_a",
    "rater": "rater-001",
    "side_a": "left",
    "submitted_at": "2026-11-23T12:00:00Z",
}


def table(*changes: dict) -> pd.DataFrame:
    return validate_votes(pd.DataFrame([{**VOTE, **change} for change in changes]))


def written(lines, *changes: dict) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(lines(vote_table_parts(table(*changes)))))))


def test_fastchat_reads_a_vote_with_its_judge_and_time():
    [row] = written(fastchat_lines, {})
    assert [row["question_id"], row["model_a"], row["model_b"], row["winner"], row["judge"]] == [
        "p1",
        "ours",
        "theirs",
        "model_a",
        "rater-001",
    ]
    assert float(row["tstamp"]) == datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


def test_a_tie_stays_a_tie_for_fastchat():
    assert written(fastchat_lines, {"winner": "tie"})[0]["winner"] == "tie"


@pytest.mark.parametrize(
    ("winner", "side_a", "left", "vote"),
    [
        ("model_a", "left", "ours", "leftvote"),
        ("model_a", "right", "theirs", "rightvote"),
        ("model_b", "left", "ours", "rightvote"),
        ("model_b", "right", "theirs", "leftvote"),
        ("tie", "right", "theirs", "tievote"),
    ],
)
def test_genai_bench_has_the_sides_as_they_were_shown(winner, side_a, left, vote):
    [row] = written(genai_bench_lines, {"winner": winner, "side_a": side_a})
    assert [row["left_model"], row["vote_type"]] == [left, vote]


def test_a_vote_without_a_side_is_not_in_genai_benchs_columns():
    assert written(genai_bench_lines, {"side_a": ""}) == []


def test_crowd_kit_gets_the_preferred_model_and_no_ties():
    rows = written(crowd_kit_lines, {"winner": "model_b"}, {"winner": "tie", "rater": "r2"})
    assert [(row["task"], row["worker"], row["label"]) for row in rows] == [
        ("7/quality", "rater-001", "theirs")
    ]


@pytest.mark.parametrize("lines", [fastchat_lines, genai_bench_lines, crowd_kit_lines])
def test_what_does_not_count_is_in_none_of_them(lines):
    assert written(lines, {"excluded": True}, {"is_gold": True, "rater": "r2"}) == []


def test_a_cell_that_a_spreadsheet_would_run_is_escaped():
    [row] = written(fastchat_lines, {"prompt": "=1+1"})
    assert row["prompt"] == "'=1+1"


def preferences(*changes: dict) -> list[dict]:
    votes = table(*changes)
    rows = decided_comparisons(votes, min_votes=3, rule=MajorityRule.PLURALITY)
    lines = preference_lines(votes, rows)
    return [json.loads(line) for line in lines]


def votes_of(*winners: str) -> list[dict]:
    return [{"winner": winner, "rater": f"r{n}"} for n, winner in enumerate(winners)]


def test_a_decided_comparison_becomes_chosen_and_rejected():
    assert preferences(*votes_of("model_b", "model_b", "model_a")) == [
        {
            "prompt": "A fox, dancing",
            "prompt_id": "p1",
            "axis": "quality",
            "chosen": "theirs",
            "rejected": "ours",
            "votes_for": 2,
            "votes_against": 1,
            "ties": 0,
        }
    ]


@pytest.mark.parametrize(
    "winners", [("model_a", "model_b", "tie"), ("model_a", "model_a")], ids=["tied", "incomplete"]
)
def test_what_was_not_decided_is_no_preference(winners):
    assert preferences(*votes_of(*winners)) == []
