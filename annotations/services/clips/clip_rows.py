"""The rows of a manifest: a clip each, or a ready pair of two."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from annotations.errors import BadInput, ImportRefused
from annotations.inputs import read_text, read_whole_number
from annotations.models.seeds import MOST_SEED
from annotations.services.clips.prompt_lists import (
    LONGEST_ID,
    PromptText,
    composed,
    key_of,
    prompt_text,
)
from annotations.tables.reading import read_table
from annotations.tables.table import Row, ensure_columns, missing_in, texts_of

REQUIRED = ("prompt_id", "prompt", "model", "path")
PAIR_COLUMNS = ("model_a", "video_a", "model_b", "video_b")
OPTIONAL = ("seed", "category", "source")
COLUMNS = (*REQUIRED, *PAIR_COLUMNS, *OPTIONAL)
WHOLE_WITH_POINT = re.compile(r"(-?[0-9]+)\.0*")
# Turns a manifest's path into a location, or raises ValueError with the reason.
Locate = Callable[[str], str]


@dataclass(frozen=True)
class ClipRow:
    """One clip to import; `where` names its line or file for messages.

    `location` is a path, a web address or `s3://bucket/key`; see `services.downloads`. `source` is
    the same of what the models started from; empty where that is the text alone, or the study has
    it.
    """

    where: str
    prompt: PromptText
    model: str
    location: str
    seed: int = 0
    source: str = ""


@dataclass(frozen=True)
class Problem:
    """A row that cannot be used, and why."""

    where: str
    why: str

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


@dataclass(frozen=True)
class Manifest:
    """What is to be imported: the rows that can be read, and those that cannot.

    `model_pairs` are the models to compare with each other, where the manifest lists them. `notes`
    are sentences for the owner: how the table was read, and each file that was passed over.
    """

    rows: list[ClipRow]
    problems: list[Problem] = field(default_factory=list)
    model_pairs: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_manifest(path: Path, locate: Locate, *, name: str) -> Manifest:
    """The rows of a manifest; `name` is what its owner calls it.

    Raises
    ------
    ImportRefused
        It is no table, lacks a column or has no row. A bad row is one of the problems.
    """
    try:
        return _read(path, locate, name)
    except BadInput as error:
        raise ImportRefused([str(error)]) from error
    except OSError as error:
        raise ImportRefused([f"{name} cannot be read: {error.strerror}."]) from error


def _read(path: Path, locate: Locate, name: str) -> Manifest:
    table = read_table(path.read_bytes(), name=name, known=COLUMNS)
    has_model_pairs = any(column in table.columns for column in PAIR_COLUMNS)
    ensure_columns(table, ("prompt", *PAIR_COLUMNS) if has_model_pairs else REQUIRED, COLUMNS)
    rows: list[ClipRow] = []
    problems: list[Problem] = []
    model_pairs: dict[tuple[str, str], None] = {}
    for row in table.rows:
        try:
            found = _clips_of(row, locate)
        except (BadInput, ValueError) as error:
            problems.append(Problem(row.where, str(error)))
            continue
        rows += found
        if len(found) > 1:
            model_pairs[found[0].model, found[1].model] = None
    if not rows and not problems:
        raise ImportRefused([f"{name}: there is no row in it."])
    good, contradictions = without_contradictions(rows)
    return Manifest(good, problems + contradictions, list(model_pairs), table.notes)


def _clips_of(row: Row, locate: Locate) -> list[ClipRow]:
    cells = texts_of(row)
    if any(map(cells.get, PAIR_COLUMNS)):
        return _rows_of_comparison(row, cells, locate)
    return [_clip_row(row, cells, locate)]


def _clip_row(row: Row, cells: Mapping[str, str], locate: Locate) -> ClipRow:
    if problem := missing_in(row, cells, REQUIRED, COLUMNS):
        raise ValueError(problem)
    return ClipRow(
        where=row.where,
        prompt=prompt_text(cells["prompt_id"], cells["prompt"], cells.get("category", "")),
        model=model_name(cells["model"]),
        location=locate(cells["path"]),
        seed=_seed(cells),
        source=_source(cells, locate),
    )


def _rows_of_comparison(row: Row, cells: Mapping[str, str], locate: Locate) -> list[ClipRow]:
    """A ready pair is two clips of one prompt."""
    if problem := missing_in(row, cells, ("prompt", *PAIR_COLUMNS), COLUMNS):
        raise ValueError(problem)
    models = [model_name(cells[name]) for name in ("model_a", "model_b")]
    if models[0] == models[1]:
        raise ValueError("model_a and model_b are the same.")
    key = cells.get("prompt_id") or key_of(cells["prompt"])
    prompt = prompt_text(key, cells["prompt"], cells.get("category", ""))
    return [
        ClipRow(
            where=row.where,
            prompt=prompt,
            model=model,
            location=locate(cells[f"video_{side}"]),
            seed=_seed(cells),
            source=_source(cells, locate),
        )
        for side, model in zip("ab", models, strict=True)
    ]


def _source(cells: Mapping[str, str], locate: Locate) -> str:
    told = cells.get("source", "")
    return locate(told) if told else ""


def _seed(cells: Mapping[str, str]) -> int:
    """The seed of a row; spreadsheets and pandas write 42 as `42.0`."""
    told = cells.get("seed") or "0"
    whole = WHOLE_WITH_POINT.fullmatch(told)
    return read_whole_number(
        whole[1] if whole else told, what=f"the seed “{told[:40]}”", least=0, most=MOST_SEED
    )


def model_name(name: str) -> str:
    return composed(read_text(name, what="the model's name", longest=LONGEST_ID))


def without_contradictions(rows: list[ClipRow]) -> tuple[list[ClipRow], list[Problem]]:
    """Leave out rows that claim a place that is taken, or give one prompt id two texts or sources.

    The same clip may be in several comparisons; it counts once.
    """
    good: list[ClipRow] = []
    problems: list[Problem] = []
    places: dict[tuple[str, str, int], ClipRow] = {}
    texts: dict[str, ClipRow] = {}
    for row in rows:
        told = texts.setdefault(row.prompt.key, row)
        first = places.setdefault((row.model, row.prompt.key, row.seed), row)
        if told.prompt.text != row.prompt.text:
            why = f"prompt {row.prompt.key} has another text than at {told.where}."
            problems.append(Problem(row.where, why))
        elif told.source != row.source:
            why = f"prompt {row.prompt.key} starts from another source than at {told.where}."
            problems.append(Problem(row.where, why))
        elif first is row:
            good.append(row)
        elif first.location != row.location:
            why = (
                f"{row.model} already has a clip for prompt {row.prompt.key} and "
                f"seed {row.seed} ({first.where})."
            )
            problems.append(Problem(row.where, why))
    return good, problems
