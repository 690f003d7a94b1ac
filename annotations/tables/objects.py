"""JSON objects of a file: one per line, or a list of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from annotations.errors import BadInput
from annotations.inputs import load_json
from annotations.tables.files import split_lines

# Where, the object, and what is wrong with it.
Found = tuple[str, dict[str, Any], str]


def objects_of_lines(text: str, name: str) -> Iterator[Found]:
    """The objects of JSON Lines."""
    for number, line in enumerate(split_lines(text), start=1):
        if line.strip():
            yield _found(f"Line {number}", line.strip())


def objects_in(text: str, name: str) -> Iterator[Found]:
    """The objects of a JSON list.

    Raises
    ------
    BadInput
        It is no list.
    """
    value = load_json(text, what=name)
    if not isinstance(value, list):
        raise BadInput(f"{name} is no list of JSON objects. Write [{{…}}, {{…}}].")
    yield from objects_of(value)


def objects_of(entries: list[Any]) -> Iterator[Found]:
    """The objects of a list."""
    for number, one in enumerate(entries, start=1):
        problem = "" if isinstance(one, dict) else "it is not a JSON object."
        yield f"Entry {number}", {} if problem else one, problem


def is_object(line: str) -> bool:
    """Whether a line of text is one of JSON Lines."""
    return line.startswith("{") and not _found("", line)[2]


def _found(where: str, line: str) -> Found:
    try:
        value = load_json(line, what="it")
    except BadInput as error:
        # The line of the file is what tells; within it there is but one.
        return where, {}, str(error).replace("(line 1, column", "(column")
    if not isinstance(value, dict):
        return where, {}, "it is not a JSON object."
    return where, value, ""
