"""CSV files: columns, formulas, and the way back."""

import csv
import io

import pytest

from analysis.core.columns import COLUMNS, VOTE_COLUMNS, names_of
from analysis.core.report import build_report
from analysis.core.settings import ReportSettings
from analysis.files.csv import judgment_lines, lines_of
from analysis.files.tables import WIN_RATE_COLUMNS, vote_table_parts, win_rates
from analysis.votes.readers import read_votes
from tests.analysis.studies import EXAMPLES


@pytest.fixture(scope="module")
def example():
    return read_votes(EXAMPLES / "judgments.csv").votes


def parsed(lines):
    return list(csv.DictReader(io.StringIO("".join(lines), newline="")))


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(first):
    row = dict.fromkeys(COLUMNS, "") | {"note": f"{first}HYPERLINK()"}
    assert parsed(lines_of(VOTE_COLUMNS, [row]))[0]["note"] == f"'{first}HYPERLINK()"


def test_a_negative_number_is_a_number():
    row = dict.fromkeys(COLUMNS, "") | {"duration_ms": -1.5}
    assert parsed(lines_of(VOTE_COLUMNS, [row]))[0]["duration_ms"] == "-1.5"


def test_exported_votes_are_read_back_the_same(example, tmp_path):
    path = tmp_path / "again.csv"
    path.write_text("".join(judgment_lines(vote_table_parts(example))), newline="")
    again = read_votes(path).votes
    assert again.reset_index(drop=True).equals(example.reset_index(drop=True))


def test_win_rates_have_a_row_per_axis(example):
    settings = ReportSettings("Example", 5, ties_allowed=False, bootstrap_draws=100)
    table = win_rates(build_report(example, settings=settings))
    rows = parsed(lines_of(table.columns, table.rows))
    assert tuple(rows[0]) == names_of(WIN_RATE_COLUMNS)
    quality = next(row for row in rows if row["axis"] == "quality")
    found = [quality[name] for name in ("n", "wins_a", "wins_b", "ties", "incomplete", "votes")]
    # Counted by hand in examples/votes/judgments.csv: one of 12 prompts has four votes.
    assert found == ["11", "10", "1", "0", "1", "59"]


def test_undefined_numbers_are_empty_cells(example):
    settings = ReportSettings("Example", 9, ties_allowed=False)
    table = win_rates(build_report(example, settings=settings))
    row = parsed(lines_of(table.columns, table.rows))[0]
    assert (row["n"], row["win_rate"], row["fleiss_kappa"]) == ("0", "", "")
