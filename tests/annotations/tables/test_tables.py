"""Tables as spreadsheets, programs and people write them: read right, or refused in words."""

import sys

import pytest

from annotations.errors import BadInput
from annotations.tables.files import FORMATS, split_lines
from annotations.tables.reading import read_table
from annotations.tables.table import texts_of

KNOWN = ("prompt_id", "prompt", "category")
CAT = [{"prompt_id": "1", "prompt": "A cat"}]


def read(content: bytes | str, name: str = "list.csv", line_column: str = ""):
    """The rows as texts, problems by line, and what was noted."""
    table = read_table(content, name=name, known=KNOWN, line_column=line_column)
    rows = list(table.rows)
    problems = [f"{row.where}: {row.problem}" for row in rows if row.problem]
    return [dict(texts_of(row)) for row in rows if not row.problem], problems, table.notes


def refusal_of(content: bytes | str, name: str = "list.csv", line_column: str = "") -> str:
    with pytest.raises(BadInput) as refusal:
        read(content, name, line_column)
    return str(refusal.value)


# Dialects and encodings


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"prompt_id,prompt\n1,A cat\n", []),
        (b"\xef\xbb\xbfprompt_id,prompt\r\n1,A cat\r\n", []),
        # Excel in German.
        (
            b"\xef\xbb\xbfprompt_id;prompt\r\n1;A cat\r\n",
            ["list.csv was read as UTF-8 text, cells with semicolons between."],
        ),
        (
            b"prompt_id\tprompt\n1\tA cat\n",
            ["list.csv was read as UTF-8 text, cells with tabs between."],
        ),
        # Excel's "Unicode text".
        (
            "prompt_id\tprompt\r\n1\tA cat\r\n".encode("utf-16"),
            ["list.csv was read as UTF-16 text, cells with tabs between."],
        ),
        (
            b"\xfe\xff" + "prompt_id,prompt\n1,A cat\n".encode("utf-16-be"),
            ["list.csv was read as UTF-16 text."],
        ),
        ("prompt_id,prompt\n1,A cat\n".encode("utf-32"), ["list.csv was read as UTF-32 text."]),
        # Excel's hint to itself.
        (
            b"sep=;\r\nprompt_id;prompt\r\n1;A cat\r\n",
            ["list.csv was read as UTF-8 text, cells with semicolons between."],
        ),
        # Python's csv on Windows, when the file was opened without newline="".
        (b"prompt_id,prompt\r\r\n1,A cat\r\r\n", []),
        (b"\n\nprompt_id,prompt\n\n1,A cat\n,\n\n  \n", []),
        (b"prompt_id,prompt\n1,A cat", []),
        # Excel, when something stood beside the table once.
        (b"prompt_id,prompt,,\n1,A cat,,\n,,,\n", []),
        # pandas' to_csv with its index.
        (
            b",prompt_id,prompt\n0,1,A cat\n",
            ["list.csv: the first column has no name; it numbers the rows and was not read."],
        ),
        (b'"Prompt ID","PROMPT"\n"1","A cat"\n', []),
        (b" prompt-id , Prompt \n 1 , A cat \n", []),
        ("promptid,prompt\u00a0\n1,A cat\n".encode(), []),
        (
            b"prompt_id,prompt,Categories\n1,A cat,pets\n",
            ["list.csv: not read: the column Categories (is category meant?)."],
        ),
    ],
)
def test_a_table_is_read_whatever_wrote_it_and_what_was_decided_is_said(content, said):
    assert read(content) == (CAT, [], said)


def test_a_semicolon_in_a_cell_is_text_where_commas_part_cells():
    assert read("prompt_id,prompt\n1,A cat; asleep\n")[0][0]["prompt"] == "A cat; asleep"


def test_lines_within_quotes_belong_to_the_cell_and_are_said():
    rows, problems, notes = read('prompt_id,prompt\n1,"A ""red""\r\ncat, asleep"\n2,A dog\n3,\n')
    assert rows[0] == {"prompt_id": "1", "prompt": 'A "red"\r\ncat, asleep'}
    assert notes == ["list.csv: there are cells of several lines, the first in line 2."]
    assert problems == []


def test_the_lines_of_rows_are_counted_over_cells_of_several_lines():
    _, problems, _ = read('prompt_id,prompt\n1,"A\n\ncat"\n\n2\n')
    assert [problem.split(":")[0] for problem in problems] == ["Line 6"]


def test_a_cell_of_more_than_128_kilobytes_is_read():
    text = "word, " * 50_000
    assert read(f'prompt_id,prompt\n1,"{text}"\n')[0][0]["prompt"] == text.strip()


@pytest.mark.parametrize("letter", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1e"])
def test_only_lf_and_crlf_end_lines(letter):
    text = f"A cat{letter}on a mat"
    assert read(f"prompt_id,prompt\r\n1,{text}\r\n")[0][0]["prompt"] == text
    lines = read(f"{text}\r\nA dog\n", "a.txt", "prompt")[0]
    assert [line["prompt"] for line in lines] == [text, "A dog"]
    assert split_lines(f"{text}\r\nb\n") == [text, "b", ""]


@pytest.mark.parametrize("letter", ["\u2028", "\u2029", "\u0085"])
def test_a_line_of_json_may_hold_what_ends_lines_elsewhere(letter):
    text = f"A cat{letter}on a mat"
    assert read(f'{{"prompt": "{text}"}}\r\n', "a.jsonl")[0] == [{"prompt": text}]


# Faults of quoting


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ('1,"A cat\n2,A dog\n', "list.csv: Line 2: the quote before “A cat 2,A dog” is never"),
        (
            '1,"A cat\n2,"A dog"\n',
            'list.csv: Lines 2 to 3: after the quote that closes “A cat 2,” stands “A dog"”',
        ),
        ('1,A "red" cat\n', 'list.csv: Line 2: a quote stands within “A "red" cat”'),
        ('1,A cat"\n', 'list.csv: Line 2: a quote stands within “A cat"”'),
        ('1, "A cat, red"\n', 'list.csv: Line 2: a quote stands within “"A cat”'),
        ('1,"A red" cat\n', "list.csv: Line 2: after the quote that closes “A red” stands “cat”"),
        ('1,"A cat" \n', "list.csv: Line 2: after the quote that closes “A cat” stands “”"),
        ('1,"A \\"red\\" cat"\n', "list.csv: Line 2: after the quote that closes “A \\” stands"),
        ("1,A\rcat\n", "list.csv: Line 2 holds a carriage return alone (after “1,A”)"),
        ('1,A\rcat,"x"\n', "list.csv: Line 2 holds a carriage return alone (after “A”)"),
    ],
)
def test_a_quote_or_return_where_none_can_stand_is_refused_with_its_line(rows, words):
    assert refusal_of(f"prompt_id,prompt\n{rows}").startswith(words)


def test_the_line_ends_of_old_macs_are_refused():
    assert "as files of old Macs have it" in refusal_of("prompt_id,prompt\r1,A cat\r")
    assert "as files of old Macs have it" in refusal_of("A cat\rA dog", "a.txt", "prompt")


def test_a_quote_that_is_never_closed_is_found_after_any_number_of_good_rows():
    text = "prompt_id,prompt\n" + '1,"A ""cat"""\n' * 50_000 + '2,"A dog\n' + "3,A fox\n" * 50_000
    assert refusal_of(text).startswith("list.csv: Line 50002: the quote before “A dog 3,A fox")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            "1,A red cat, sitting on a blue chair",
            "Line 2: it has 3 cells and the header 2 columns (prompt_id, prompt). Found: “1”, “A "
            "red cat”, “sitting on a blue chair”. Put a cell whose text has commas in it in "
            'quotes: "one, two".',
        ),
        ("1,A cat,", "Line 2: it has 3 cells and the header 2 columns"),
        (
            "1",
            "Line 2: it has 1 cell and the header 2 columns (prompt_id, prompt). Found: “1”. Give "
            "it a cell for each column, with commas between, if an empty one.",
        ),
        ("1;A cat", "Line 2: it has 1 cell and the header 2 columns"),
        ("1\tA cat", "Line 2: it has 1 cell and the header 2 columns"),
        ("1,A\0cat", "Line 2: the cell “prompt” holds a NUL"),
    ],
)
def test_a_row_with_another_number_of_cells_than_columns_is_a_problem(row, words):
    rows, [problem], _ = read(f"prompt_id,prompt\n{row}\n2,A dog\n")
    assert problem.startswith(words)
    assert rows == [{"prompt_id": "2", "prompt": "A dog"}]


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        ("prompt_id,prompt,", "1,A cat,x", "“x” stands in column 3, which has no name"),
        (",prompt", "first,A cat", "“first” stands in column 1, which has no name"),
    ],
)
def test_text_in_a_column_without_a_name_is_a_problem(header, row, words):
    assert words in read(f"{header}\n{row}\n")[1][0]


@pytest.mark.parametrize(
    "header", ["prompt,prompt", "Prompt,prompt", "prompt id,prompt_id", "prompt,notes,notes"]
)
def test_a_column_that_is_there_twice_is_refused(header):
    assert "is there twice (as “" in refusal_of(f"{header}\na,b\n")


# What is no table


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("list.xlsx", b"PK\x03\x04", "list.xlsx: files ending in “.xlsx” are not known"),
        ("list", b"A cat\n", "list: its name has no ending"),
        ("list.md", b"A cat\n", "files ending in “.md” are not known"),
        ("list.csv", b"PK\x03\x04", "is a zip archive or the workbook of a spreadsheet"),
        ("list.csv", b"\xd0\xcf\x11\xe0", "is an old workbook"),
        ("list.txt", b"\x1f\x8b\x08", "is a compressed file"),
        ("list.csv", "prompt\nA cat\n".encode("utf-16-le"), "as UTF-16 text without a mark"),
        (
            "list.csv",
            "prompt\nA café\n".encode("latin-1"),
            "is not UTF-8 text (byte 12, in line 2: E9)",
        ),
        ("list.csv", b"\xff\xfea", "is not UTF-16 text"),
        ("list.csv", b"", "there is no row in it"),
        ("list.json", b'{"prompt": "A cat"}', "is no list of JSON objects"),
        ("list.json", b"[", "list.json is not JSON"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(name, content, words):
    assert words in refusal_of(content, name, "prompt")


@pytest.mark.parametrize("suffix", FORMATS)
def test_endings_are_known_in_capitals(suffix):
    lines = '{"prompt": "A cat"}' if suffix.endswith(("jsonl", "ndjson")) else "prompt\nA cat\n"
    text = '[{"prompt": "A cat"}]' if suffix == ".json" else lines
    assert read(text, f"LIST{suffix.upper()}", "prompt")[0] == [{"prompt": "A cat"}]


# Lists of texts


def test_a_list_of_texts_that_is_a_table_is_read_as_one():
    rows = read("Prompt ID\tPrompt\n1\tA cat\n".encode("utf-16"), "a.txt", "prompt")[0]
    assert rows == CAT


def test_a_list_of_texts_that_holds_rows_of_a_table_is_refused():
    assert read("1\tA cat\n", "a.txt", "prompt")[1] == [
        "Line 1: it holds a tab, as a row of a table does. Name the columns in the first line."
    ]
    assert "looks like JSON Lines" in refusal_of('{"prompt": "A cat"}\n', "a.txt", "prompt")
    assert read("{a} cat {b}\n", "a.txt", "prompt")[0] == [{"prompt": "{a} cat {b}"}]


# JSON


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"prompt": "a", "prompt": "b"}', "it has the name “prompt” twice"),
        ('{"prompt": "a", "Prompt": "b"}', "the column prompt is there twice"),
        ("[1]", "it is not a JSON object."),
        ('{"prompt": ', "it is not JSON: Expecting value (column 11)"),
        ('{"prompt": 1e999}', "it holds a number that is not finite, or too large"),
        ('{"prompt": Infinity}', "it holds a number that is not finite, or too large"),
        (f'{{"prompt": {"9" * 5000}}}', "it holds a number that is not finite, or too large"),
        ("[" * 100_000, "it is nested deeper than"),
    ],
)
def test_a_line_of_json_that_cannot_be_meant_is_a_problem(line, words):
    rows, [problem], _ = read(f'{line}\n{{"prompt": "A dog"}}\n', "a.jsonl")
    assert problem.startswith(f"Line 1: {words}")
    assert rows == [{"prompt": "A dog"}]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('["A cat"]', "the cell “prompt” is a list"),
        ('{"en": "A cat"}', "the cell “prompt” is an object"),
        ("true", "the cell “prompt” is true or false"),
        ('"\\ud800"', "the cell “prompt” holds half of a character"),
        ('"\\u0000"', "the cell “prompt” holds a NUL"),
    ],
)
def test_a_value_of_json_that_is_no_text_is_refused(value, words):
    with pytest.raises(BadInput, match=words):
        read(f'{{"prompt": {value}}}', "a.jsonl")


def test_numbers_of_json_are_texts_and_nothing_is_none():
    rows, _, notes = read('{"Prompt-ID": 7, "prompt": " x ", "category": NaN, "b": [1]}', "a.jsonl")
    assert rows == [{"prompt_id": "7", "prompt": "x", "category": ""}]
    assert notes == ["a.jsonl: not read: the column b."]


def test_a_list_of_json_objects_is_read_by_entries():
    rows, problems, _ = read('[{"prompt": "A cat"}, 7]', "a.json")
    assert (rows, problems) == ([{"prompt": "A cat"}], ["Entry 2: it is not a JSON object."])


def test_a_file_that_is_too_large_is_refused_unread():
    with pytest.raises(BadInput, match=r"list\.csv is larger than 1 MB"):
        read_table(b"a" * 1024**2 + b"b", name="list.csv", known=KNOWN, largest=1024**2)
    assert read_table(b"a", name="list.csv", known=KNOWN, largest=sys.maxsize).columns == ("a",)
