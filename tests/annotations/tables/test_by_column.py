"""A table that is read by column says what its rows say one by one."""

import pytest

from annotations.errors import BadInput
from annotations.tables import separated
from annotations.tables.reading import read_table

KNOWN = ("a", "b", "c")
TEXT = 'a,other,B\n x ,1,"two\nlines"\n\n , ,\n=1,2,x\nx,3,""\n"a ""b""",4,x\n'


def read(text):
    return read_table(text, name="t.csv", known=KNOWN)


@pytest.fixture(params=[1, 2, 500], autouse=True)
def rows_at_once(request, monkeypatch):
    monkeypatch.setattr(separated, "ROWS_AT_ONCE", request.param)


def test_its_cells_lines_and_notes_are_those_of_the_rows():
    by_row, by_column = read(TEXT), read(TEXT)
    rows, columns = list(by_row.rows), by_column.by_column()
    assert [f"Line {line}" for line in columns.lines] == [row.where for row in rows]
    cells = [
        dict(zip(columns.cells, row, strict=True))
        for row in zip(*columns.cells.values(), strict=True)
    ]
    assert cells == [row.cells for row in rows]
    assert by_column.notes == by_row.notes
    assert len(by_row.notes) == 2


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ('x,y,z\nx,y\n"x,y,z\n', "Line 3: it has 2 cells"),
        ('x,y,z\n"x,y,z\nx,y\n', "Line 3: the quote before"),
        ("x,y,z\n,\nx,y,z,\n", "Line 4: it has 4 cells"),
    ],
)
def test_the_first_row_that_cannot_be_read_is_the_one_that_is_named(rows, words):
    with pytest.raises(BadInput, match=words):
        read(f"a,b,c\n{rows}").by_column()


@pytest.mark.parametrize("text", [",a,b\n1,x,y\n", "a,b\nx\0,y\n"])
def test_a_table_of_nameless_columns_or_with_a_nul_is_read_by_its_rows(text):
    assert read(text).by_column is None
