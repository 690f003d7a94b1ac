"""Read what is to be imported: a folder per model, or a manifest in CSV or JSON Lines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from shutil import copyfile
from tempfile import TemporaryDirectory

from django.utils.text import slugify

from annotations.errors import BadInput, ImportRefused, JuiceError
from annotations.inputs import (
    Record,
    csv_records,
    json_records,
    read_file,
    read_text,
    read_whole_number,
)
from annotations.models import Prompt
from annotations.services.clips.downloads import BUCKET_SCHEME, is_remote, list_keys, local_copy

REQUIRED = ("prompt_id", "prompt", "model", "path")
PAIR_COLUMNS = ("model_a", "video_a", "model_b", "video_b")
MEDIA_SUFFIXES = {".mp4", ".m4v", ".mov", ".webm", ".mkv", ".gif", ".webp", ".png", ".jpg", ".jpeg"}
LONGEST_ID, LONGEST_WHERE = 120, 300
"""What the columns of models, prompts and rows of imports hold."""
MANIFEST_NAMES = ("manifest.csv", "manifest.jsonl")
# Turns a manifest's path into a location, or raises ValueError with the reason.
Locate = Callable[[str], str]
PROMPT_FILE_NAMES = ("prompts.csv", "prompts.jsonl", "prompts.txt")


@dataclass(frozen=True)
class PromptText:
    """A prompt by its id; `source_sha256` tells prompts of the same text apart by their source."""

    key: str
    text: str
    category: str = ""
    source_sha256: str = ""


@dataclass(frozen=True)
class ClipRow:
    """One clip to import; `where` names its line or file for messages.

    `location` is a path, a web address or `s3://bucket/key`; see `services.downloads`.
    """

    where: str
    prompt: PromptText
    model: str
    location: str
    seed: int = 0


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

    `pairs` are the models to compare with each other, where the manifest lists ready pairs.
    """

    rows: list[ClipRow]
    problems: list[Problem] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)


def read_clips(source: Path | str, *, prompts: Mapping[str, PromptText] | None = None) -> Manifest:
    """The clips of a manifest file, or of a folder or bucket with or without a manifest.

    Parameters
    ----------
    source
        A `.csv` or `.jsonl` manifest with the columns prompt_id, prompt, model, path and
        optionally seed and category, or of ready pairs with prompt, model_a, video_a, model_b,
        video_b; or a folder `<model>/<prompt_id>.<ext>`; or `s3://bucket/prefix` of such a folder.
        A path is relative to the manifest, a web address, or `s3://bucket/key`.
    prompts
        Texts for the ids of a plain folder; those of a file of prompts in it come first.

    Raises
    ------
    ImportRefused
        The source as a whole cannot be read. A row that cannot is one of the problems.
    """
    if str(source).startswith(BUCKET_SCHEME):
        return _read_bucket(str(source), prompts or {})
    source = Path(source)
    if source.is_file():
        return _read_manifest(source)
    if not source.is_dir():
        raise ImportRefused([f"{source.name}: no such file or folder."])
    for name in MANIFEST_NAMES:
        if (source / name).is_file():
            return _read_manifest(source / name)
    files = sorted(path for path in source.glob("*/*") if path.is_file())
    texts = {**(prompts or {}), **_prompts_in(source)}
    return _rows_of_files([str(path) for path in files], texts, source.name)


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
    lines = enumerate(content.splitlines(), start=1)
    return _prompts_from_records(_line_records(lines))


def key_of(text: str) -> str:
    """A readable id made of the text, ending in four digits of its hash."""
    return f"{slugify(text)[:40].strip('-') or 'prompt'}-{Prompt.digest_of(text)[:4]}"


def _read_manifest(path: Path, locate: Locate | None = None) -> Manifest:
    locate = locate or partial(_file_beside, path.parent)
    content = text_of(path)
    rows: list[ClipRow] = []
    problems: list[Problem] = []
    pairs: dict[tuple[str, str], None] = {}
    for where, record, problem in _records(content, path.name):
        try:
            if problem:
                raise ValueError(problem)
            if any(record.get(column) for column in PAIR_COLUMNS):
                rows += _rows_of_pair(where, record, locate)
                pairs[record["model_a"], record["model_b"]] = None
            else:
                rows.append(_clip_row(where, record, locate))
        except (BadInput, ValueError) as error:
            problems.append(Problem(where, str(error)))
    if not rows and not problems:
        raise ImportRefused([f"{path.name}: there is no row in it."])
    good, contradictions = _without_contradictions(rows)
    return Manifest(good, problems + contradictions, list(pairs))


def text_of(path: Path) -> str:
    """The text of a table, or ImportRefused."""
    try:
        return read_file(path.read_bytes(), name=path.name)
    except BadInput as error:
        raise ImportRefused([str(error)]) from error


def _records(content: str, name: str) -> Iterator[Record]:
    """Each record with the words that name its line, and what is wrong with it as a record."""
    return json_records(content) if name.endswith(".jsonl") else csv_records(content)


def _line_records(lines: Iterable[tuple[int, str]]) -> Iterator[Record]:
    """A prompt per line, as records."""
    for number, line in lines:
        try:
            text = read_text(line.strip(), what="the prompt")
        except BadInput as error:
            yield f"Line {number}", {}, str(error)
            continue
        if text:
            yield f"Line {number}", {"prompt": text}, ""


def prompt_text(key: str, text: str, category: str = "") -> PromptText:
    """A prompt as a table says it.

    Raises
    ------
    BadInput
        The id or the category is too long.
    """
    read_text(key, what="the prompt's id", longest=LONGEST_ID)
    read_text(category, what="the category", longest=LONGEST_ID)
    return PromptText(key, text, category)


def _clip_row(where: str, record: Mapping[str, str], locate: Locate) -> ClipRow:
    missing = [column for column in REQUIRED if not record.get(column)]
    if missing:
        raise ValueError(f"{' and '.join(missing)} missing.")
    return ClipRow(
        where=where,
        prompt=prompt_text(record["prompt_id"], record["prompt"], record.get("category", "")),
        model=_model_name(record["model"]),
        location=locate(record["path"]),
        seed=_seed(record),
    )


def _rows_of_pair(where: str, record: Mapping[str, str], locate: Locate) -> list[ClipRow]:
    """A ready pair is two clips of one prompt."""
    missing = [column for column in ("prompt", *PAIR_COLUMNS) if not record.get(column)]
    if missing:
        raise ValueError(f"{' and '.join(missing)} missing.")
    if record["model_a"] == record["model_b"]:
        raise ValueError("model_a and model_b are the same.")
    key = record.get("prompt_id") or key_of(record["prompt"])
    prompt = prompt_text(key, record["prompt"], record.get("category", ""))
    return [
        ClipRow(
            where=where,
            prompt=prompt,
            model=_model_name(record[f"model_{side}"]),
            location=locate(record[f"video_{side}"]),
            seed=_seed(record),
        )
        for side in ("a", "b")
    ]


def _file_beside(base: Path, path: str) -> str:
    """The location of a manifest's path, or ValueError."""
    if is_remote(path):
        return path
    file = base / path
    if not is_there(file):
        raise ValueError(f"there is no file {path}.")
    return str(file)


def is_there(file: Path) -> bool:
    """Whether there is such a file; no file has a name that the system refuses."""
    try:
        return file.is_file()
    except OSError:
        return False


def _key_beside(root: str, keys: Collection[str], path: str) -> str:
    """The same for a manifest in a bucket."""
    if is_remote(path):
        return path
    if f"{root}/{path}" not in keys:
        raise ValueError(f"there is no file {path}.")
    return f"{root}/{path}"


def _seed(record: Mapping[str, str]) -> int:
    seed = record.get("seed") or "0"
    return read_whole_number(seed, what=f"the seed “{seed[:40]}”")


def _model_name(name: str) -> str:
    return read_text(name, what="the model's name", longest=LONGEST_ID)


def _read_bucket(prefix: str, prompts: Mapping[str, PromptText]) -> Manifest:
    """A folder in a bucket: its manifest, or its files by model and prompt id."""
    try:
        keys = dict.fromkeys(list_keys(prefix))
        root = prefix.rstrip("/")
        with TemporaryDirectory(prefix="bucket-") as folder:
            for name in (*MANIFEST_NAMES, *PROMPT_FILE_NAMES):
                if f"{root}/{name}" in keys:
                    with local_copy(f"{root}/{name}") as file:
                        copyfile(file, Path(folder) / name)
            for name in MANIFEST_NAMES:
                if (Path(folder) / name).is_file():
                    return _read_manifest(Path(folder) / name, partial(_key_beside, root, keys))
            texts = {**prompts, **_prompts_in(Path(folder))}
    except JuiceError as error:
        raise ImportRefused([str(error)]) from error
    depth = root.count("/") + 2
    return _rows_of_files([key for key in keys if key.count("/") == depth], texts, prefix)


def _rows_of_files(
    files: Sequence[str], prompts: Mapping[str, PromptText], source: str
) -> Manifest:
    """A row per file `<model>/<prompt_id>.<ext>`."""
    rows, problems = [], []
    for file in files:
        path = PurePosixPath(file)
        if path.suffix.lower() not in MEDIA_SUFFIXES:
            continue
        model, where = path.parent.name, f"{path.parent.name}/{path.name}"[:LONGEST_WHERE]
        if path.stem in prompts:
            try:
                rows.append(ClipRow(where, prompts[path.stem], _model_name(model), file))
            except BadInput as error:
                problems.append(Problem(where, str(error)))
        else:
            why = (
                f"no prompt has the id “{path.stem}”. Put a prompts.csv (prompt_id,prompt) into "
                "the folder."
            )
            problems.append(Problem(where, why))
    if not rows and not problems:
        raise ImportRefused([f"{source}: there is no <model>/<prompt_id>.<ext> in it."])
    good, contradictions = _without_contradictions(rows)
    return Manifest(good, problems + contradictions)


def _prompts_in(folder: Path) -> dict[str, PromptText]:
    for name in PROMPT_FILE_NAMES:
        if (folder / name).is_file():
            found = read_prompts(text_of(folder / name), name=name)
            return {prompt.key: prompt for prompt in found}
    return {}


def _prompts_from_records(records: Iterable[Record]) -> list[PromptText]:
    found = []
    problems = []
    for where, record, problem in records:
        text = record.get("prompt") or record.get("text", "")
        if problem:
            problems.append(f"{where}: {problem}")
            continue
        if not text:
            problems.append(f"{where}: the prompt is missing (column `prompt`).")
            continue
        key = record.get("prompt_id") or key_of(text)
        try:
            found.append(prompt_text(key, text, record.get("category", "")))
        except BadInput as error:
            problems.append(f"{where}: {error}")
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


def _without_contradictions(rows: list[ClipRow]) -> tuple[list[ClipRow], list[Problem]]:
    """Leave out rows that claim a place that is taken, or give one prompt id two texts.

    The same clip may be in several ready pairs; it counts once.
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
        elif first is row:
            good.append(row)
        elif first.location != row.location:
            why = (
                f"{row.model} already has a clip for prompt {row.prompt.key} and "
                f"seed {row.seed} ({first.where})."
            )
            problems.append(Problem(row.where, why))
    return good, problems
