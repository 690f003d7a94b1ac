"""`manage.py analyze`, from file to folder."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.analysis.studies import EXAMPLES, SHARED_DATA, needs_shared_data

FILES = [
    "crowd_kit.csv",
    "fastchat.csv",
    "genai_bench.csv",
    "judgments.csv",
    "preferences.jsonl",
    "raters.csv",
    "report.html",
    "report.json",
    "verdicts.csv",
    "win_rates.csv",
    "win_rates.tex",
]
BINARY = (".parquet", ".pdf", ".svg", ".png")


def analyze(votes, out, *options, progress=None):
    said = StringIO()
    call_command(
        "analyze",
        str(votes),
        "--out",
        str(out),
        *options,
        stdout=said,
        stderr=progress or StringIO(),
    )
    return said.getvalue().replace("\u202f", " ")


@pytest.mark.parametrize("name", ["judgments.csv", "fastchat.csv", "mt_bench.jsonl", "uve.json"])
def test_every_example_becomes_these_files(tmp_path, name):
    analyze(EXAMPLES / name, tmp_path / "out")
    written = list((tmp_path / "out").iterdir())
    found = {path.name for path in written if path.suffix not in BINARY}
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    sliced = any(result["categories"] for result in content["results"])
    ranked = ["ranking.csv"] if content["rankings"] else []
    by_category = ["win_rates_by_category.csv"] if sliced else []
    assert found == {*FILES, *ranked, *by_category}
    stems = {kind: {path.stem for path in written if path.suffix == kind} for kind in BINARY}
    tables = {"judgments", "verdicts", "win_rates", "raters"}
    assert stems[".parquet"] == tables | {
        name.removesuffix(".csv") for name in ranked + by_category
    }
    assert {"win_rates"} <= stems[".pdf"] == stems[".svg"] == stems[".png"]


def test_the_headline_is_printed(tmp_path):
    said = analyze(EXAMPLES / "judgments.csv", tmp_path, "--raters-per-comparison", "5")
    assert said.startswith("tern-2 was preferred on quality in 90.9 % of 11 prompts (95 % interval")


def test_what_is_being_done_is_said_beside_the_result(tmp_path):
    progress = StringIO()
    said = analyze(EXAMPLES / "judgments.csv", tmp_path, progress=progress)
    told = progress.getvalue().splitlines()
    assert told[0] == f"Reading {EXAMPLES / 'judgments.csv'} ..."
    assert "Counting 118 votes ..." in told
    assert told.index("  50 % of the pairs ...") < told.index("  100 % of the pairs ...")
    assert told[-1] == "Writing the report and its files ..."
    assert "..." not in said


def test_imported_votes_say_from_how_many_votes_a_comparison_counts(tmp_path):
    analyze(EXAMPLES / "fastchat.csv", tmp_path)
    settings = json.loads((tmp_path / "report.json").read_text())["settings"]
    assert settings["min_votes"] == 1
    assert "Imported votes: a comparison counts from its first vote on." in settings["notes"]


def test_the_same_votes_give_the_same_files(tmp_path):
    for out in ("first", "second"):
        analyze(EXAMPLES / "judgments.csv", tmp_path / out)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / out).iterdir()}
        for out in ("first", "second")
    )
    assert {*FILES} < first.keys()
    assert first == second


def test_a_bad_file_writes_nothing(tmp_path):
    bad = tmp_path / "votes.csv"
    bad.write_text("model_a,model_b,winner\nx,y,z\n")
    with pytest.raises(CommandError, match=r"votes\.csv: winner must be one of"):
        analyze(bad, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@needs_shared_data
@pytest.mark.parametrize("name", ["uve_bench_pairwise_video.json", "mt_bench_human_votes.jsonl"])
def test_real_votes_become_a_report(tmp_path, name):
    analyze(SHARED_DATA / name, tmp_path)
    assert 1_000_000 < (tmp_path / "report.html").stat().st_size < 3_000_000
