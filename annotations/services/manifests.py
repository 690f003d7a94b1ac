"""Read what is to be imported: a folder per model, or a manifest in CSV or JSON Lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.utils.text import slugify

from annotations.errors import ImportRefused
from annotations.models import Prompt

REQUIRED = ("prompt_id", "prompt", "model", "path")
MEDIA_SUFFIXES = {".mp4", ".m4v", ".mov", ".webm", ".mkv", ".gif", ".webp", ".png", ".jpg", ".jpeg"}
MANIFEST_NAMES = ("manifest.csv", "manifest.jsonl")
PROMPT_FILE_NAMES = ("prompts.csv", "prompts.jsonl", "prompts.txt")


@dataclass(frozen=True)
class PromptText:
    key: str
    text: str
    category: str = ""


@dataclass(frozen=True)
class ClipRow:
    """One clip to import; `where` names its line or file for messages."""

    where: str
    prompt: PromptText
    model: str
    path: Path
    seed: int = 0


def read_clips(source: Path, *, prompts: Mapping[str, PromptText] | None = None) -> list[ClipRow]:
    """The clips of a manifest file, or of a folder with or without a manifest.

    Parameters
    ----------
    source
        A `.csv` or `.jsonl` manifest with the columns prompt_id, prompt, model, path and
        optionally seed and category; or a folder `<model>/<prompt_id>.<ext>`.
    prompts
        Texts for the ids of a plain folder; those of a file of prompts in it come first.

    Raises
    ------
    ImportRefused
        With one sentence per bad line.
    """
    if source.is_file():
        return _read_manifest(source)
    if not source.is_dir():
        raise ImportRefused([f"{source.name}: no such file or folder."])
    for name in MANIFEST_NAMES:
        if (source / name).is_file():
            return _read_manifest(source / name)
    return _read_folder(source, {**(prompts or {}), **_prompts_in_folder(source)})


def read_prompts(content: str, *, name: str) -> list[PromptText]:
    """Prompts from pasted lines or the text of a file.

    A name ending in .csv wants the column `prompt` and takes `prompt_id` and `category`; .jsonl
    the same keys; anything else is one prompt per line. A prompt without an id gets one made of
    its text, so that the same text has the same id everywhere.

    Raises
    ------
    ImportRefused
    """
    if name.endswith((".csv", ".jsonl")):
        return _prompts_from_records(_records(content, name))
    lines = [line.strip() for line in content.splitlines()]
    found = [PromptText(key=key_of(line), text=line) for line in lines if line]
    return _once_each(found)


def key_of(text: str) -> str:
    """A readable id made of the text, ending in four digits of its hash."""
    return f"{slugify(text)[:40].strip('-') or 'prompt'}-{Prompt.digest_of(text)[:4]}"


def _read_manifest(path: Path) -> list[ClipRow]:
    content = _text_of(path)
    rows: list[ClipRow] = []
    problems: list[str] = []
    for where, record in _records(content, path.name):
        try:
            rows.append(_clip_row(where, record, path.parent))
        except ValueError as error:
            problems.append(f"{where}: {error}")
    if not rows and not problems:
        problems.append(f"{path.name}: there is no row in it.")
    problems += _contradictions(rows)
    if problems:
        raise ImportRefused(problems)
    return rows


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused(
            [f"{path.name}: it is not UTF-8 text (byte {error.start}). Save it as UTF-8."]
        ) from error


def _records(content: str, name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each record with the words that name its line."""
    if name.endswith(".jsonl"):
        yield from _json_records(content)
        return
    reader = csv.DictReader(io.StringIO(content, newline=""))
    for record in reader:
        yield (
            f"Line {reader.line_num}",
            {key: (value or "").strip() for key, value in record.items() if isinstance(key, str)},
        )


def _json_records(content: str) -> Iterator[tuple[str, dict[str, str]]]:
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise ImportRefused([f"Line {number}: it is not JSON ({error.msg})."]) from error
        if not isinstance(record, dict):
            raise ImportRefused([f"Line {number}: it is not a JSON object."])
        yield f"Line {number}", {key: _as_text(value) for key, value in record.items()}


def _as_text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _clip_row(where: str, record: Mapping[str, str], base: Path) -> ClipRow:
    missing = [column for column in REQUIRED if not record.get(column)]
    if missing:
        raise ValueError(f"{' and '.join(missing)} missing.")
    seed = record.get("seed") or "0"
    if not seed.lstrip("-").isdigit():
        raise ValueError(f"the seed “{seed}” is not a whole number.")
    path = base / record["path"]
    if not path.is_file():
        raise ValueError(f"there is no file {record['path']}.")
    return ClipRow(
        where=where,
        prompt=PromptText(record["prompt_id"], record["prompt"], record.get("category", "")),
        model=record["model"],
        path=path,
        seed=int(seed),
    )


def _read_folder(folder: Path, prompts: Mapping[str, PromptText]) -> list[ClipRow]:
    files = sorted(
        path
        for path in folder.glob("*/*")
        if path.is_file() and path.suffix.lower() in MEDIA_SUFFIXES
    )
    if not files:
        raise ImportRefused([f"{folder.name}: there is no <model>/<prompt_id>.<ext> in it."])
    unknown = [path for path in files if path.stem not in prompts]
    if unknown:
        raise ImportRefused(
            [
                f"{path.parent.name}/{path.name}: no prompt has the id “{path.stem}”. Put a "
                "prompts.csv (prompt_id,prompt) into the folder."
                for path in unknown
            ]
        )
    return [
        ClipRow(
            where=f"{path.parent.name}/{path.name}",
            prompt=prompts[path.stem],
            model=path.parent.name,
            path=path,
        )
        for path in files
    ]


def _prompts_in_folder(folder: Path) -> dict[str, PromptText]:
    for name in PROMPT_FILE_NAMES:
        if (folder / name).is_file():
            found = read_prompts(_text_of(folder / name), name=name)
            return {prompt.key: prompt for prompt in found}
    return {}


def _prompts_from_records(records: Iterable[tuple[str, dict[str, str]]]) -> list[PromptText]:
    found = []
    problems = []
    for where, record in records:
        text = record.get("prompt") or record.get("text", "")
        if not text:
            problems.append(f"{where}: the prompt is missing (column `prompt`).")
            continue
        key = record.get("prompt_id") or key_of(text)
        found.append(PromptText(key=key, text=text, category=record.get("category", "")))
    if problems:
        raise ImportRefused(problems)
    return _once_each(found)


def _once_each(prompts: list[PromptText]) -> list[PromptText]:
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


def _contradictions(rows: list[ClipRow]) -> list[str]:
    """Rows that claim the same place, or give one prompt id two texts."""
    problems = []
    places: dict[tuple[str, str, int], ClipRow] = {}
    texts: dict[str, ClipRow] = {}
    for row in rows:
        first = places.setdefault((row.model, row.prompt.key, row.seed), row)
        if first is not row:
            problems.append(
                f"{row.where}: {row.model} already has a clip for prompt {row.prompt.key} and "
                f"seed {row.seed} ({first.where})."
            )
        told = texts.setdefault(row.prompt.key, row)
        if told.prompt.text != row.prompt.text:
            problems.append(
                f"{row.where}: prompt {row.prompt.key} has another text than at {told.where}."
            )
    return problems
