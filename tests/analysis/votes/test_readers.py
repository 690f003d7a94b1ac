"""Reading votes from files: our own made-up examples, and what is refused."""

import json

import pytest

from analysis.core.agreement import krippendorff_alpha
from analysis.votes.readers import VoteFileError, read_rows, read_votes
from tests.analysis.studies import EXAMPLES, SHARED_DATA, needs_shared_data


def written(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


def refusal_of(path):
    with pytest.raises(VoteFileError) as error:
        read_votes(path)
    return str(error.value)


def test_our_long_form_is_read():
    file = read_votes(EXAMPLES / "judgments.csv")
    assert file.axes == ("quality", "faithfulness")
    assert len(file.votes) == 118
    assert file.notes == ()


def test_fastchats_three_columns_are_enough(tmp_path):
    path = written(tmp_path, "votes.csv", "model_a,model_b,winner\nx,y,model_a\nx,y,tie\n")
    assert read_votes(path).votes["winner"].tolist() == ["model_a", "tie"]


@pytest.mark.parametrize("word", ["tie (bothbad)", "bothbad_vote", "both_bad", "same bad"])
def test_both_bad_becomes_a_tie_with_a_note(tmp_path, word):
    path = written(tmp_path, "votes.csv", f"model_a,model_b,winner\nx,y,{word}\nx,y,model_b\n")
    file = read_votes(path)
    assert file.votes["winner"].tolist() == ["tie", "model_b"]
    assert file.notes == ("1 votes say that both are bad; they are counted as ties.",)


def test_the_turns_of_a_conversation_are_comparisons_of_one_prompt():
    votes = read_votes(EXAMPLES / "mt_bench.jsonl").votes
    assert votes["prompt_id"].nunique() == 8
    assert votes["comparison_id"].nunique() == 16
    assert set(votes["rater"]) == {"expert_1", "expert_2", "author_1"}


def test_uve_pairs_share_the_prompt_of_their_number():
    file = read_votes(EXAMPLES / "uve.json")
    assert set(file.votes["model_a"]) | set(file.votes["model_b"]) == {
        "tern-2",
        "heron-1",
        "ibis-3",
    }
    assert file.votes["prompt_id"].nunique() == 6
    assert file.axes == ("static_visual_quality", "tv_alignment")


def test_a_cell_escaped_for_spreadsheets_comes_back_as_it_was(tmp_path):
    text = "model_a,model_b,winner,note\n'=x,'y,tie,'-1 for the sky\n"
    rows = read_rows(written(tmp_path, "votes.csv", text))
    assert rows.iloc[0].tolist() == ["=x", "'y", "tie", "-1 for the sky"]


def test_an_unknown_winner_names_file_and_line(tmp_path):
    path = written(tmp_path, "votes.csv", "model_a,model_b,winner\nx,y,tie\nx,y,Tie\n")
    assert refusal_of(path) == (
        f"{path}: winner must be one of model_a, model_b, tie, not 'Tie' (line 3). "
        "Correct the file and run the command again."
    )


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "votes.csv",
            "model_a,model_b\nx,y\n",
            "the column winner is missing. Found: model_a, model_b.",
        ),
        (
            "votes.csv",
            "model_a,model_b,winner\nx,y\n",
            "Line 2: it has 2 cells and the header 3 columns",
        ),
        ("votes.csv", "model_a,model_b,winner\n", "no votes in it"),
        (
            "votes.jsonl",
            '{"model_a": "x"}\n{"model_a"\n',
            "Line 2: it is not JSON: Expecting ':' delimiter (column 11)",
        ),
        ("votes.jsonl", "[1]\n", "Line 1: it is not a JSON object"),
        ("votes.json", '{"pair": {"video_a": "x"}}', "'pair' lacks video_a, video_b"),
        ("votes.json", "[]", "no votes in it"),
        ("votes.json", "1", "not an object of named pairs"),
        ("votes.xlsx", "", "files ending in “.xlsx” are not known"),
    ],
)
def test_a_file_that_is_not_votes_says_where_and_what_to_do(tmp_path, name, text, words):
    refusal = refusal_of(written(tmp_path, name, text))
    assert words in refusal
    assert "see examples/votes/" in refusal or "Quote cells" in refusal


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    path = tmp_path / "none.csv"
    assert refusal_of(path) == f"{path}: No such file or directory."


def test_a_uve_preference_nobody_knows_is_refused(tmp_path):
    pair = json.loads((EXAMPLES / "uve.json").read_text()).popitem()
    text = json.dumps({pair[0]: {**pair[1], "preference": "A is nicer"}})
    assert "not 'A is nicer'" in refusal_of(written(tmp_path, "votes.json", text))


@needs_shared_data
def test_uve_bench_counts_match_the_reference():
    # shared/data/README.md: A 635, B 632, same good 311, same bad 298; A share 50.1 %.
    path = SHARED_DATA / "uve_bench_pairwise_video.json"
    winners = read_rows(path)["winner"].value_counts()
    assert winners.to_dict() == {
        "model_a": 635,
        "model_b": 632,
        "same good": 311,
        "same bad": 298,
    }
    assert round(100 * winners["model_a"] / (635 + 632), 1) == 50.1
    assert read_votes(path).votes["winner"].eq("tie").sum() == 609


@needs_shared_data
def test_mt_bench_counts_and_agreement_match_the_reference():
    # shared/data/README.md: 1,814 items, 1,293 / 1,282 / 780 votes, nominal alpha .485.
    path = SHARED_DATA / "mt_bench_human_votes.jsonl"
    assert read_rows(path)["winner"].value_counts().to_dict() == {
        "model_a": 1293,
        "model_b": 1282,
        "tie": 780,
    }
    votes = read_votes(path).votes
    counts = votes.groupby(["comparison_id", "winner"]).size().unstack(fill_value=0).to_numpy()
    several = counts[counts.sum(axis=1) >= 2].astype(float)
    assert len(counts) == 1814
    assert round(krippendorff_alpha(several).value, 3) == 0.485
