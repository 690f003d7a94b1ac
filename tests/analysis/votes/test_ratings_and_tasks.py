"""ImagenHub's ratings and Label Studio's tasks become votes, and nothing else does."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest

from analysis.votes.readers import VoteFileError, read_votes
from tests.analysis.studies import EXAMPLES, SHARED_DATA, needs_shared_data

MIN = {
    "id": 5,
    "prompt": "A fox",
    "model_left": "one",
    "model_right": "two",
    "pw": [{"selected": "right"}],
    "annotator": 3,
    "lead_time": 4.5,
}


def written(tmp_path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def refusal_of(path: Path) -> str:
    with pytest.raises(VoteFileError) as refused:
        read_votes(path)
    return str(refused.value)


def winners(votes: pd.DataFrame, *names: str) -> list[tuple[str, ...]]:
    return list(votes[list(names)].astype(str).itertuples(index=False, name=None))


def test_ratings_of_one_rater_for_one_sample_are_compared():
    votes = read_votes(EXAMPLES / "imagenhub.csv").votes
    first = votes[votes["prompt_id"].eq("Text-Guided_IG sample_0.jpg") & votes["rater"].eq("1")]
    consistency = first[first["axis"].eq("semantic_consistency")]
    assert winners(consistency, "model_a", "model_b", "winner") == [
        ("heron-1", "ibis-3", "model_a"),
        ("heron-1", "tern-2", "model_a"),
        ("ibis-3", "tern-2", "model_b"),
    ]
    quality = first[first["axis"].eq("perceptual_quality")]
    assert quality["winner"].tolist() == ["model_b", "tie", "model_a"]


def test_ratings_of_different_raters_are_never_compared():
    votes = read_votes(EXAMPLES / "imagenhub.csv").votes
    # Rater 2 did not rate ibis-3.
    assert not votes[votes["rater"].eq("2")]["model_b"].eq("ibis-3").any()
    assert len(votes) == 2 * (3 + 1 + 1)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("t,u,x,1,0.7,1", "line 3: SC must be 0, 0.5 or 1, not '0.7'"),
        ("t,u,x,1,1,", "line 3: PQ must be 0, 0.5 or 1, not ''"),
        ("t,u,m,1,1,1", "line 3: rater 1 rated m for u before, in line 2"),
    ],
)
def test_what_is_no_rating_is_refused(tmp_path, line, words):
    text = f"task,uid,model,rater,SC,PQ\nt,u,m,1,1,1\n{line}\n"
    assert words in refusal_of(written(tmp_path, "ratings.csv", text))


@needs_shared_data
def test_the_real_ratings_give_every_pair_once():
    path = SHARED_DATA / "imagenhub_human_ratings_long.csv"
    raw = pd.read_csv(path)
    groups = raw.groupby(["task", "uid", "rater"])["model"].nunique()
    # The number of ties counted anew, from the ratings themselves.
    ties = sum(
        a == b
        for _, group in raw.groupby(["task", "uid", "rater"])
        for name in ("SC", "PQ")
        for a, b in combinations(group[name], 2)
    )
    votes = read_votes(path).votes
    assert len(raw) == 16_572
    assert len(votes) == int((groups * (groups - 1)).sum())
    assert votes["winner"].eq("tie").sum() == ties


def test_tasks_of_label_studio_are_votes_with_their_reasons():
    file = read_votes(EXAMPLES / "label_studio.json")
    assert winners(file.votes, "model_a", "model_b", "winner", "side_a", "rater") == [
        ("heron-1", "tern-2", "model_a", "left", "7"),
        ("heron-1", "tern-2", "model_b", "left", "8"),
        ("heron-1", "tern-2", "model_a", "right", "7"),
    ]
    assert file.axes == ("quality",)
    assert file.votes["reasons"].tolist()[0] == "Motion smoothness;Pixel sharpness"
    assert file.votes["duration_ms"].tolist() == [12_500, 9_000, 11_000]
    assert file.notes == ("1 annotations were skipped or hold no choice; left out.",)


def test_the_short_export_is_read_too(tmp_path):
    votes = read_votes(written(tmp_path, "min.json", json.dumps([MIN]))).votes
    assert winners(votes, "axis", "model_a", "model_b", "winner", "rater") == [
        ("pw", "one", "two", "model_b", "3")
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pw": [{"selected": "banana"}]}, "task 5: pw selects 'banana'"),
        ({"model_left": ""}, "task 5 does not name its models"),
        ({"model_right": "one"}, "must differ from model_a"),
    ],
)
def test_a_task_that_is_no_comparison_is_refused(tmp_path, changes, words):
    path = written(tmp_path, "min.json", json.dumps([{**MIN, **changes}]))
    assert words in refusal_of(path)


def test_a_task_that_nobody_answered_is_left_out_and_counted(tmp_path):
    content = json.dumps([MIN, {**MIN, "id": 6, "pw": []}])
    file = read_votes(written(tmp_path, "min.json", content))
    assert (len(file.votes), len(file.notes)) == (1, 1)
