"""What kind of file it is, and its text."""

from __future__ import annotations

import codecs
from enum import Enum
from pathlib import PurePath

from annotations.errors import BadInput

LARGEST_FILE = 64 * 1024**2
SAVE_AS = "Save it as CSV in UTF-8 (in a spreadsheet: “CSV UTF-8”) and try again."


class Format(Enum):
    """How a file holds its rows."""

    SEPARATED = "a header, and cells with a comma, a semicolon or a tab between"
    JSON_LINES = "a JSON object per line"
    JSON = "a list of JSON objects"
    LINES = "a text per line"


FORMATS = {
    ".csv": Format.SEPARATED,
    ".tsv": Format.SEPARATED,
    ".tab": Format.SEPARATED,
    ".jsonl": Format.JSON_LINES,
    ".ndjson": Format.JSON_LINES,
    ".json": Format.JSON,
    ".txt": Format.LINES,
}
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
NO_TEXTS = {
    b"PK\x03\x04": "a zip archive or the workbook of a spreadsheet",
    b"\xd0\xcf\x11\xe0": "an old workbook of a spreadsheet",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a compressed file",
    b"%PDF": "a PDF",
}
LOOKED_AT = 512


def is_table(name: str) -> bool:
    """Whether the end of its name says that a file is a table or a list."""
    return PurePath(name).suffix.lower() in FORMATS


def format_of(name: str) -> Format:
    """The format that the end of a file's name says, in capitals or not.

    Raises
    ------
    BadInput
    """
    suffix = PurePath(name).suffix.lower()
    if suffix in FORMATS:
        return FORMATS[suffix]
    ending = f"files ending in “{suffix}” are not known" if suffix else "its name has no ending"
    raise BadInput(f"{name}: {ending}; those that are read end in {', '.join(FORMATS)}. {SAVE_AS}")


def read_text_file(content: bytes, *, name: str, largest: int = LARGEST_FILE) -> str:
    """The text of a file in UTF-8, or in UTF-16 or UTF-32 with a mark at its beginning.

    Raises
    ------
    BadInput
    """
    if len(content) > largest:
        raise BadInput(
            f"{name} is larger than {largest // 1024**2} MB. Is it the right file? Split it."
        )
    for beginning, kind in NO_TEXTS.items():
        if content.startswith(beginning):
            raise BadInput(f"{name} is {kind}, and no text. {SAVE_AS}")
    encoding = encoding_of(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        shown = " ".join(f"{byte:02X}" for byte in content[error.start : error.start + 1])
        raise BadInput(
            f"{name} is not {_shown(encoding)} text (byte {error.start}, in line {line}: {shown}). "
            f"{SAVE_AS}"
        ) from error
    beginning_of_text = text[:LOOKED_AT]
    if beginning_of_text.count("\0") * 4 > len(beginning_of_text):
        raise BadInput(
            f"{name} holds a NUL at almost every second place, as UTF-16 text without a mark at "
            f"its beginning does. {SAVE_AS}"
        )
    return text.lstrip("\ufeff")


def encoding_of(content: bytes) -> str:
    """By the mark at the beginning; UTF-8 without one."""
    return next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")


def encoding_words(content: bytes) -> str:
    """The encoding, where it is not the usual one."""
    encoding = encoding_of(content)
    return "" if encoding.startswith("utf-8") else _shown(encoding)


def split_lines(text: str) -> list[str]:
    """Lines that end in LF or CRLF; what else breaks lines elsewhere (U+2028, U+0085) is text."""
    return [line.rstrip("\r") for line in text.split("\n")]


def _shown(encoding: str) -> str:
    return encoding.removesuffix("-sig").upper()
