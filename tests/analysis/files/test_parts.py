"""Files that are written in parts say what they would say of each row alone."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest

from analysis.core.columns import ROWS_PER_PART, VOTE_COLUMNS, Column, ColumnKind, fields
from analysis.core.votes import validate_votes
from analysis.files.csv import judgment_lines, lines_of
from analysis.files.exchange import VOTE_FILES
from analysis.files.parquet import ROWS_AT_ONCE, judgment_chunks
from analysis.files.tables import vote_table_parts

NOTES = ("", "=1+1", "'x", 'say "so", please', "two\r\nlines", "-", "视频")
BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROWS = 2 * ROWS_PER_PART + 1


@pytest.fixture(scope="module")
def votes():
    """More than two parts, of which each holds votes that some files leave out."""
    rows = [
        {
            "prompt_id": f"p{number}",
            "prompt": f"Prompt {number}",
            "model_a": "ours",
            "model_b": "+theirs",
            "winner": ("model_a", "model_b", "tie")[number % 3],
            "note": NOTES[number % len(NOTES)],
            "rater": f"r{number % 11}",
            "side_a": ("left", "right", "")[number // 3 % 3],
            "is_gold": number % 10 == 0,
            "excluded": number % 11 == 0,
            "submitted_at": "" if number % 4 == 0 else f"2026-01-31T12:00:{number % 60:02}.5Z",
            "duration_ms": "" if number % 5 == 0 else number / 7,
        }
        for number in range(ROWS)
    ]
    return validate_votes(pd.DataFrame(rows))


def one_by_one(votes, lines):
    """The lines that each vote has in a file of its own, under the header."""
    pieces = ["".join(lines(vote_table_parts(votes.iloc[:0])))]
    for number in range(len(votes)):
        own = "".join(lines(vote_table_parts(votes.iloc[number : number + 1])))
        pieces.append(own.removeprefix(pieces[0]))
    return "".join(pieces)


@pytest.mark.parametrize("lines", [judgment_lines, *VOTE_FILES.values()])
def test_a_file_of_many_parts_is_that_of_its_votes_one_by_one(votes, lines):
    few = votes.iloc[ROWS_PER_PART - 40 : ROWS_PER_PART + 40]
    alone = one_by_one(few, lines)
    assert "".join(lines(vote_table_parts(few))) == alone
    assert alone.partition("\r\n")[2] in "".join(lines(vote_table_parts(votes)))


def test_a_table_is_written_in_pieces_of_whole_lines(votes):
    header, *pieces = judgment_lines(vote_table_parts(votes))
    read = [list(csv.reader(io.StringIO(piece, newline=""))) for piece in pieces]
    assert [len(rows) for rows in read] == [ROWS_PER_PART, ROWS_PER_PART, 1]
    assert all(piece.endswith("\r\n") for piece in [header, *pieces])


def test_a_part_without_a_vote_that_counts_is_no_piece(votes):
    gold = votes.assign(is_gold=True)
    for lines in VOTE_FILES.values():
        assert len(list(lines(vote_table_parts(gold)))) == 1


def test_the_parts_of_a_row_group_are_put_together():
    from pyarrow import parquet

    size = ROWS_AT_ONCE + ROWS_PER_PART + 1
    raw = pd.DataFrame({"model_a": ["x"] * size, "model_b": "y", "winner": "tie"})
    content = b"".join(judgment_chunks(vote_table_parts(validate_votes(raw))))
    file = parquet.ParquetFile(io.BytesIO(content))
    groups = [file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)]
    assert groups == [ROWS_AT_ONCE, ROWS_PER_PART + 1]
    assert file.read().column("prompt_id").to_pylist() == [f"row {row}" for row in range(size)]


def test_undefined_cells_are_none_and_times_keep_what_they_have(votes):
    told = ["2026-01-31T12:00:00.123456789Z", None, "2026-01-31T12:00:00Z"]
    moments = pd.to_datetime(told, utc=True, format="ISO8601")
    some = votes.iloc[1:4].assign(submitted_at=moments)
    [part] = vote_table_parts(some)
    assert part["duration_ms"] == [1 / 7, 2 / 7, 3 / 7]
    assert [time and time.isoformat() for time in part["submitted_at"]] == [
        "2026-01-31T12:00:00.123456789+00:00",
        None,
        "2026-01-31T12:00:00+00:00",
    ]


@pytest.mark.parametrize("kind", ColumnKind)
def test_a_cell_is_written_by_its_value_whatever_its_column_holds(kind):
    """Columns know of what kind their values are, and are given others where a row lacks one."""
    here = BEGAN.astimezone(timezone(timedelta(hours=2)))
    values = [None, "", "=x", "x", True, 7, 0.1 + 0.2, float("nan"), BEGAN, BEGAN, here]
    lines = "".join(lines_of([Column("it", kind, lambda row: row)], values)).split("\r\n")
    words = ['""', '""', "'=x", "x", "true", "7", "0.3", "nan"]
    times = ["2026-01-31T12:00:00+00:00"] * 2 + ["2026-01-31T14:00:00+02:00"]
    assert lines == ["it", *words, *times, ""]


def test_rows_of_more_than_one_piece_are_all_written():
    rows = [{"n": number} for number in range(ROWS)]
    text = "".join(lines_of(fields(ColumnKind.WHOLE, "n"), rows))
    assert text.split() == ["n", *map(str, range(ROWS))]


def test_the_columns_of_a_part_are_those_of_the_long_form(votes):
    [part, *_] = vote_table_parts(votes)
    assert list(part) == [column.name for column in VOTE_COLUMNS]
