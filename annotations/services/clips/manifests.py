"""Read what is to be imported: a folder per model, or a manifest."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from shutil import copyfile
from tempfile import TemporaryDirectory

from annotations.errors import BadInput, ImportRefused, JuiceError
from annotations.services.clips.beside import file_beside
from annotations.services.clips.clip_rows import (
    ClipRow,
    Manifest,
    Problem,
    model_name,
    read_manifest,
    without_contradictions,
)
from annotations.services.clips.downloads import BUCKET_SCHEME, is_remote, list_keys, local_copy
from annotations.services.clips.layouts import (
    MANIFESTS,
    PROMPTS,
    Layout,
    explain_no_clips,
    layout_of,
)
from annotations.services.clips.prompt_lists import (
    PromptList,
    PromptText,
    by_id,
    composed,
    read_prompt_list,
)

DEEPEST = 8
LONGEST_WHERE = 300
"""What the column of rows of imports holds."""


def read_clips(
    source: Path | str, *, prompts: Mapping[str, PromptText] | None = None, name: str = ""
) -> Manifest:
    """The clips of a manifest file, or of a folder or bucket with or without a manifest.

    Parameters
    ----------
    source
        A manifest (CSV, TSV, JSON Lines, JSON) with the columns prompt_id, prompt, model, path and
        optionally seed, category and source, or of ready pairs with prompt, model_a, video_a,
        model_b, video_b; or a folder `<model>/<prompt_id>.<ext>`, with
        `sources/<prompt_id>.<ext>` where models start from more than the text; or
        `s3://bucket/prefix` of such a folder.
        A path is relative to the manifest, a web address, or `s3://bucket/key`.
    prompts
        Texts for the ids of a plain folder; those of a file of prompts in it come first.
    name
        What its owner calls it, for messages; default: the source's own name.

    Raises
    ------
    ImportRefused
        The source as a whole cannot be read. A row that cannot is one of the problems.
    """
    if str(source).startswith(BUCKET_SCHEME):
        return _read_bucket(str(source), prompts or {})
    source = Path(source)
    name = name or source.name
    if source.is_file():
        if source.suffix.lower() == ".zip":
            raise ImportRefused([f"{name} is a zip. Unpack it, or upload it on the study's page."])
        return read_manifest(source, partial(_location_beside, source.parent), name=name)
    if not source.is_dir():
        raise ImportRefused([f"{name}: no such file or folder."])
    files = {path.relative_to(source).as_posix(): str(path) for path in _files_in(source)}
    layout = layout_of(files)
    manifest = layout.table(MANIFESTS, name=name)
    if manifest:
        path = Path(layout.tables[manifest])
        found = read_manifest(path, partial(_location_beside, path.parent), name=path.name)
        return replace(found, notes=[*found.notes, *_left_aside(layout, path, found)])
    return _rows_of_files(layout, files, prompts or {}, name)


def _files_in(folder: Path, depth: int = DEEPEST) -> Iterator[Path]:
    """Every file under a folder, in the order of their names; links are followed."""
    for path in sorted(folder.iterdir()):
        if path.is_file():
            yield path
        elif depth and path.is_dir():
            yield from _files_in(path, depth - 1)


def _left_aside(layout: Layout, manifest: Path, found: Manifest) -> list[str]:
    """The files beside a manifest that none of its rows names, each with the reason."""
    base = manifest.parent.resolve()
    named = {place for row in found.rows for place in (row.location, row.source) if place}
    local = (Path(place).resolve() for place in named if not is_remote(place))
    used = {composed(os.path.relpath(path, base)) for path in (*local, manifest.resolve())}
    left = [
        path
        for path in (*layout.clips, *layout.sources, *layout.tables, *layout.passed_over)
        if composed(path) not in used
    ]
    why = f"no row of {manifest.name} that can be used names it."
    return replace(layout, passed_over=dict.fromkeys(left, why)).notes()


def _location_beside(base: Path, path: str) -> str:
    """The location of a manifest's path, or ValueError."""
    return path if is_remote(path) else str(file_beside(base, path))


def _key_beside(root: str, keys: Mapping[str, str], path: str) -> str:
    """The same for a manifest in a bucket."""
    if is_remote(path):
        return path
    key = keys.get(composed(f"{root}/{path}"))
    if key is None:
        raise ValueError(f"there is no file {path}.")
    return key


def _read_bucket(prefix: str, prompts: Mapping[str, PromptText]) -> Manifest:
    """A folder in a bucket: its manifest, or its files by model and prompt id."""
    root = prefix.rstrip("/")
    try:
        keys = {composed(key): key for key in list_keys(prefix)}
        files = {key.removeprefix(f"{root}/"): key for key in keys.values()}
        layout = layout_of({path: key for path, key in files.items() if not path.endswith("/")})
        manifest = layout.table(MANIFESTS, name=prefix)
        with TemporaryDirectory(prefix="bucket-") as folder:
            for path, key in layout.tables.items():
                with local_copy(key) as file:
                    copyfile(file, Path(folder) / path)
            if manifest:
                base = f"{root}/{layout.root}".rstrip("/")
                locate = partial(_key_beside, base, keys)
                return read_manifest(Path(folder) / manifest, locate, name=manifest)
            local = {path: str(Path(folder) / path) for path in layout.tables}
            return _rows_of_files(replace(layout, tables=local), files, prompts, prefix)
    except ImportRefused:
        raise
    except JuiceError as error:
        raise ImportRefused([str(error)]) from error


def _rows_of_files(
    layout: Layout, files: Mapping[str, str], prompts: Mapping[str, PromptText], name: str
) -> Manifest:
    """A row per file `<model>/<prompt_id>.<ext>`."""
    listed = _prompts_in(layout, name)
    texts = {**by_id(prompts), **{prompt.key: prompt for prompt in listed.prompts}}
    rows, problems = [], []
    sources = {composed(PurePosixPath(path).stem): place for path, place in layout.sources.items()}
    used: set[str] = set()
    for path, location in layout.clips.items():
        file, where = PurePosixPath(path), path[:LONGEST_WHERE]
        prompt = texts.get(composed(file.stem))
        if prompt is None:
            why = (
                f"no prompt has the id “{file.stem}”. Put a prompts.csv (prompt_id,prompt) into "
                "the folder."
            )
            problems.append(Problem(where, why))
            continue
        try:
            source = sources.get(composed(file.stem), "")
            used.add(source)
            model = model_name(file.parent.name)
            rows.append(ClipRow(where, prompt, model, location, source=source))
        except BadInput as error:
            problems.append(Problem(where, str(error)))
    stray = [
        f"{path} was passed over: no clip is of the prompt that it is named by."
        for path, place in layout.sources.items()
        if place not in used
    ]
    notes = [*listed.notes, *layout.notes(), *stray]
    if not rows and not problems:
        raise ImportRefused([explain_no_clips(files, name=name), *layout.notes()])
    good, contradictions = without_contradictions(rows)
    return Manifest(good, problems + contradictions, notes=notes)


def _prompts_in(layout: Layout, name: str) -> PromptList:
    path = layout.table(PROMPTS, name=name)
    if not path:
        return PromptList([], [])
    content = Path(layout.tables[path]).read_bytes()
    try:
        return read_prompt_list(content, name=path)
    except ImportRefused as error:
        prefix = f"{path}: "
        raise ImportRefused(
            [why if why.startswith(prefix) else prefix + why for why in error.problems]
        ) from error
