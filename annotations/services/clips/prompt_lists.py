"""Prompts from tables, lists and pasted lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from unicodedata import normalize

from django.utils.text import slugify

from annotations.errors import BadInput, ImportRefused
from annotations.inputs import read_text
from annotations.models import Prompt
from annotations.tables.files import LARGEST_FILE
from annotations.tables.reading import read_table
from annotations.tables.table import ReadTable, Row, ensure_columns, missing_in, texts_of

TEXT = ("prompt", "text")
COLUMNS = (*TEXT, "prompt_id", "category")
LONGEST_ID = 120
"""What the columns of models and prompts hold."""


@dataclass(frozen=True)
class PromptText:
    """A prompt by its id; `source_sha256` tells prompts of the same text apart by their source."""

    key: str
    text: str
    category: str = ""
    source_sha256: str = ""


@dataclass(frozen=True)
class PromptList:
    """The prompts of a file, and what was decided to read it."""

    prompts: list[PromptText]
    notes: list[str]


def read_prompts(content: bytes | str, *, name: str) -> list[PromptText]:
    """Prompts from the content of a file, or from pasted lines; see `read_prompt_list`."""
    return read_prompt_list(content, name=name).prompts


def read_prompt_list(content: bytes | str, *, name: str, largest: int = LARGEST_FILE) -> PromptList:
    """Prompts from the content of a file, or from pasted lines.

    A table wants the column `prompt` and takes `prompt_id` and `category`; JSON the same keys; a
    name ending in .txt is one prompt per line, or such a table where its first line is its header.
    A prompt without an id gets one made of its text, so that the same text has the same id
    everywhere.

    Raises
    ------
    ImportRefused
    """
    try:
        table = read_table(content, name=name, known=COLUMNS, line_column="prompt", largest=largest)
        text_column = column_of(table, TEXT)
        ensure_columns(table, [text_column], COLUMNS)
        prompts = _prompts_of(table, text_column)
        if not prompts:
            raise BadInput(f"{name}: there is no prompt in it.")
    except BadInput as error:
        raise ImportRefused([str(error)]) from error
    return PromptList(prompts, table.notes)


def key_of(text: str) -> str:
    """A readable id made of the text, ending in four digits of its hash."""
    return f"{slugify(text)[:40].strip('-') or 'prompt'}-{Prompt.digest_of(text)[:4]}"


def prompt_text(key: str, text: str, category: str = "") -> PromptText:
    """A prompt as a table says it.

    Raises
    ------
    BadInput
        The id or the category is too long.
    """
    read_text(key, what="the prompt's id", longest=LONGEST_ID)
    read_text(category, what="the category", longest=LONGEST_ID)
    return PromptText(composed(key), text, category)


def composed(name: str) -> str:
    """A name or id in NFC, in which names are compared: macOS writes those of files otherwise."""
    return normalize("NFC", name)


def column_of(table: ReadTable, names: Sequence[str]) -> str:
    """The first of some names for one thing that a table has; without any, the first of all."""
    return next((name for name in names if name in table.columns), names[0])


def _prompts_of(table: ReadTable, text_column: str) -> list[PromptText]:
    found, problems = [], []
    for row in table.rows:
        try:
            found.append(_prompt_of(row, text_column))
        except BadInput as error:
            problems.append(f"{row.where}: {error}")
    if problems:
        raise ImportRefused(problems)
    return _once_each(found)


def _prompt_of(row: Row, text_column: str) -> PromptText:
    cells = texts_of(row)
    # Objects of JSON lines may each use another name.
    own = (one for one in TEXT if one in cells) if row.names else iter(())
    name = next(own, text_column)
    text = cells.get(name, "")
    if not text:
        absent = missing_in(row, cells, [name], COLUMNS) if name not in cells else ""
        raise BadInput(absent or f"the prompt is missing (column `{name}`).")
    key = cells.get("prompt_id") or key_of(text)
    return prompt_text(key, text, cells.get("category", ""))


def _once_each(prompts: Iterable[PromptText]) -> list[PromptText]:
    """Refuse an id that stands for two texts; a plain repeat counts once."""
    by_key: dict[str, PromptText] = {}
    problems = []
    for prompt in prompts:
        first = by_key.setdefault(prompt.key, prompt)
        if first.text != prompt.text:
            problems.append(f"Prompt id “{prompt.key}” stands for two texts.")
    if problems:
        raise ImportRefused(problems)
    return list(by_key.values())


def by_id(prompts: Mapping[str, PromptText]) -> dict[str, PromptText]:
    """The same prompts by their composed ids."""
    return {composed(key): prompt for key, prompt in prompts.items()}
