"""What we write and can read again is the same report as before."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from analysis.files.csv import judgment_lines
from analysis.files.exchange import VOTE_FILES
from analysis.files.tables import vote_table_parts
from analysis.votes.readers import VoteFileError, read_rows, read_votes
from tests.analysis.studies import EXAMPLES

ODD = ["=1", "'=1", "''=1", "'", "-2", "@x", "+", "\ttab", "a\u2028b", 'a "b", c', "a\r\nb", "é"]


def analyze(votes: Path, out: Path) -> Path:
    call_command("analyze", str(votes), "--out", str(out), "--title", "votes", stdout=StringIO())
    return out


def numbers(folder: Path) -> dict:
    """Everything that a report says but its settings, which hold the notes of the reader."""
    report = json.loads((folder / "report.json").read_text())
    return {name: value for name, value in report.items() if name != "settings"}


@pytest.mark.parametrize("name", ["judgments.csv", "fastchat.csv", "mt_bench.jsonl", "uve.json"])
def test_our_own_long_form_reads_back_to_the_same_files(tmp_path, name):
    first = analyze(EXAMPLES / name, tmp_path / "first")
    again = analyze(first / "judgments.csv", tmp_path / "again")
    assert numbers(again) == numbers(first)
    for path in first.glob("*.csv"):
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", ["judgments.csv", "fastchat.csv", "mt_bench.jsonl", "uve.json"])
def test_fastchats_form_of_ours_reads_back_to_the_same_report(tmp_path, name):
    first = analyze(EXAMPLES / name, tmp_path / "first")
    again = analyze(first / "fastchat.csv", tmp_path / "again")
    assert numbers(again) == numbers(first)
    for path in [*first.glob("*.csv"), first / "preferences.jsonl"]:
        if path.name != "judgments.csv":
            assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_texts_of_all_kinds_come_back_as_they_were(tmp_path):
    votes = read_votes(EXAMPLES / "judgments.csv").votes.head(len(ODD)).assign(note=ODD)
    path = tmp_path / "judgments.csv"
    path.write_text("".join(judgment_lines(vote_table_parts(votes))), newline="")
    assert read_rows(path)["note"].tolist() == ODD


@pytest.mark.parametrize(
    "name", [*VOTE_FILES, "preferences.jsonl", "judgments.parquet", "win_rates.csv"]
)
def test_what_has_no_reader_is_refused_in_words(tmp_path, name):
    out = analyze(EXAMPLES / "judgments.csv", tmp_path / "out")
    if name == "fastchat.csv":
        return
    with pytest.raises(CommandError, match=r"missing\. Found: |are not known"):
        analyze(out / name, tmp_path / "again")
    assert not (tmp_path / "again").exists()


# Times


HEADER = "model_a,model_b,winner,tstamp\n"


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        # `date -u -d @1690000000.25`
        ("1690000000.25", "2023-07-22T04:26:40.250000+00:00"),
        ("1690000000", "2023-07-22T04:26:40+00:00"),
        ("0", "1970-01-01T00:00:00+00:00"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00+00:00"),
        ("", "NaT"),
    ],
)
def test_times_are_seconds_since_1970_or_iso(tmp_path, told, moment):
    (tmp_path / "votes.csv").write_text(f"{HEADER}x,y,tie,{told}\n")
    [found] = read_votes(tmp_path / "votes.csv").votes["submitted_at"]
    assert str(getattr(found, "isoformat", lambda: found)()) == moment


@pytest.mark.parametrize("told", ["1690000000000", "-1", "yesterday", "1e30"])
def test_what_is_no_time_is_refused_with_its_line(tmp_path, told):
    (tmp_path / "votes.csv").write_text(f"{HEADER}x,y,tie,{told}\n")
    with pytest.raises(VoteFileError, match=rf"not '{told}' \(line 2\)"):
        read_votes(tmp_path / "votes.csv")


BATTLE = {
    "question_id": "q1",
    "model_a": "x",
    "model_b": "y",
    "winner": "tie (bothbad)",
    "judge": "arena_user_1",
    "conversation_a": [{"role": "user", "content": "\ud800 A cat"}],
    "turn": 2,
    "anony": True,
    "tstamp": 1690000000.25,
    "openai_moderation": {"flagged": False},
}


@pytest.mark.parametrize("form", ["list", "lines"])
def test_battles_of_lmarena_are_read_as_a_list_and_by_lines(tmp_path, form):
    rows = [BATTLE, {**BATTLE, "question_id": "q2", "winner": "model_b", "tstamp": None}]
    path = tmp_path / ("votes.json" if form == "list" else "votes.jsonl")
    path.write_text(json.dumps(rows) if form == "list" else "\n".join(map(json.dumps, rows)))
    file = read_votes(path)
    assert file.votes["winner"].tolist() == ["tie", "model_b"]
    assert file.votes["rater"].tolist() == ["arena_user_1"] * 2
    assert file.votes["submitted_at"].notna().tolist() == [True, False]
    assert file.notes == (
        f"{path.name}: not read: the columns conversation_a, anony, openai_moderation.",
        "1 votes say that both are bad; they are counted as ties.",
    )


def test_a_list_of_reasons_is_read_and_another_list_refused(tmp_path):
    path = tmp_path / "votes.jsonl"
    path.write_text('{"model_a": "x", "model_b": "y", "winner": "tie", "reasons": ["a", "b"]}')
    assert read_votes(path).votes["reasons"].tolist() == ["a;b"]
    path.write_text('{"model_a": ["x"], "model_b": "y", "winner": "tie"}')
    with pytest.raises(VoteFileError, match="Line 1: “model_a” is a list, not a text"):
        read_votes(path)


# Dialects


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("votes.csv", "Model A;Model-B;Winner\r\nx;y;tie\r\n".encode("utf-16")),
        ("VOTES.TSV", b"\xef\xbb\xbfmodel_a\tmodel_b\twinner\r\nx\ty\ttie\r\n"),
        ("votes.txt", b"model_a,model_b,winner\nx,y,tie\n"),
        ("votes.csv", b",model_a,model_b,winner\n17,x,y,tie\n"),
        ("votes.ndjson", b'{"Model A": "x", "modelB": "y", "WINNER": "tie"}\n'),
    ],
)
def test_votes_are_read_whatever_wrote_them(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    votes = read_votes(tmp_path / name).votes
    assert votes[["model_a", "model_b", "winner"]].to_numpy().tolist() == [["x", "y", "tie"]]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("x,y,tie,note, more\n", "Line 2: it has 5 cells and the header 4 columns"),
        (
            'x,y,tie,"note\nx,y,tie,\n',
            "Line 2: the quote before “note x,y,tie, x,y,tie,” is never closed",
        ),
        ('x,y,tie,a "note"\n', 'Line 2: a quote stands within “a "note"”'),
        ("x,y,tie,\r", "Line 2 holds"),
    ],
)
def test_a_table_of_votes_is_read_strictly(tmp_path, rows, words):
    path = tmp_path / "votes.csv"
    path.write_text(f"model_a,model_b,winner,note\n{rows}x,y,tie,\n", newline="")
    with pytest.raises(VoteFileError) as refusal:
        read_votes(path)
    assert str(refusal.value).startswith(f"{path}: {words}")


def test_a_column_of_votes_that_is_there_twice_is_refused(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("model_a,model_b,winner,Winner\nx,y,tie,model_a\n")
    with pytest.raises(VoteFileError, match=f"^{path}: the column winner is there twice"):
        read_votes(path)
