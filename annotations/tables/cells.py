"""The cells of a table, as RFC 4180 writes them and no other way.

A quote stands around a whole cell, or twice within one. What readers elsewhere forgive (a quote in
a cell without quotes, text after a closing quote, an end of file within quotes) is how commas and
lines of a cell come to be taken for cells and rows, so it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from annotations.errors import BadInput

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
# A cell in quotes or without, and what ends it. Some programs end lines in CR CR LF.
CELL = {
    delimiter: re.compile(
        rf'(?:"((?:[^"]++|"")*+)"|([^"\r\n{delimiter}]*+))({delimiter}|\r*(?:\n|\Z))'
    )
    for delimiter in DELIMITERS
}
QUOTED = re.compile(r'"((?:[^"]++|"")*+)"')
SHOWN = 40


def rows_of_cells(text: str, delimiter: str, *, line: int = 1) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its first line; lines without any text are left out.

    Raises
    ------
    BadInput
        At the first quote or carriage return that stands where none can stand.
    """
    at, end, quote = 0, len(text), text.find('"')
    while at < end:
        line_end = text.find("\n", at)
        line_end = end if line_end < 0 else line_end
        if 0 <= quote < at:
            quote = text.find('"', at)
        if not 0 <= quote < line_end:
            row = text[at:line_end].rstrip("\r")
            if "\r" in row:
                raise BadInput(_lone_return(row, line))
            cells, lines, at = row.split(delimiter), 1, line_end + 1
        else:
            cells, lines, at = _quoted_row(text, at, delimiter, line)
        if len(cells) > 1 or cells[0].strip():
            yield line, cells
        line += lines


def shown(text: str) -> str:
    """The beginning of a cell, for messages."""
    flat = " ".join(text.split())
    return f"“{flat[:SHOWN]}…”" if len(flat) > SHOWN else f"“{flat}”"


def _quoted_row(text: str, at: int, delimiter: str, line: int) -> tuple[list[str], int, int]:
    """The cells of a row with quotes in it, how many lines it has, and where the next begins."""
    cells: list[str] = []
    lines, end = 1, delimiter
    while end == delimiter:
        found = CELL[delimiter].match(text, at)
        if found is None:
            raise BadInput(_fault(text, at, delimiter, line + lines - 1))
        quoted, plain, end = found.groups()
        if quoted is not None:
            plain = quoted.replace('""', '"')
            lines += quoted.count("\n")
        cells.append(plain)
        at = found.end()
    return cells, lines, at


def _fault(text: str, at: int, delimiter: str, line: int) -> str:
    """What is wrong with the cell that begins here."""
    if not text.startswith('"', at):
        cell = text[at:].partition("\n")[0].partition(delimiter)[0]
        if "\r" in cell.rstrip("\r").partition('"')[0]:
            return _lone_return(cell, line)
        return (
            f"Line {line}: a quote stands within {shown(cell)}, a cell that does not begin with "
            "one. Put the whole cell in quotes, without blanks before them, and double the quotes "
            'that belong to its text: "A ""red"" cat".'
        )
    quoted = QUOTED.match(text, at)
    if quoted is None:
        return (
            f"Line {line}: the quote before {shown(text[at + 1 : at + 1 + 2 * SHOWN])} is never "
            "closed. Close it at the end of the cell; a quote that belongs to the text is doubled "
            '("") and stands in a cell in quotes.'
        )
    rest = text[quoted.end() :].partition("\n")[0]
    last = line + quoted[0].count("\n")
    where = f"Line {line}" if last == line else f"Lines {line} to {last}"
    return (
        f"{where}: after the quote that closes {shown(quoted[1])} stands {shown(rest)}. Close each "
        'quote at the end of its cell; a quote that belongs to the text is doubled ("").'
    )


def _lone_return(row: str, line: int) -> str:
    return (
        f"Line {line} holds a carriage return alone (after {shown(row.partition(chr(13))[0])}), "
        "as files of old Macs have it at the ends of lines. Save the file with line ends LF or "
        "CRLF, and put cells that hold line breaks in quotes."
    )
