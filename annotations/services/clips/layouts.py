"""Which files of a folder, a zip or a bucket are clips, and why the others are none.

Everything here is about names: paths relative to the folder, with `/` between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from annotations.errors import ImportRefused
from annotations.tables.files import FORMATS, is_table

MEDIA_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".webm", ".mkv"),
    *(".gif", ".webp", ".png", ".jpg", ".jpeg"),
)
WANTED = "<model>/<prompt_id>.<ext>"
MANIFESTS, PROMPTS = ("manifest", "clips"), ("prompts",)
SOURCES = "sources"
"""The folder of what models start from, by prompt ids; no model is called so."""
# Lower case. What begins with a dot is clutter anyhow: ._x and .DS_Store are macOS's.
CLUTTER = {
    "__macosx": "macOS",
    "icon\r": "macOS",
    "thumbs.db": "Windows",
    "ehthumbs.db": "Windows",
    "desktop.ini": "Windows",
    "$recycle.bin": "Windows",
    "system volume information": "Windows",
    "lost+found": "Linux",
    "@eadir": "a network drive",
    "__pycache__": "Python",
}
OFFICE_LOCK = "~$"
LAYOUTS_SHOWN = 5


@dataclass(frozen=True)
class Layout:
    """The files of a folder by what they are: locations by relative path, under `root`.

    `sources` are those in the folder of that name; `passed_over` holds each other file with the
    reason.
    """

    root: str
    tables: Mapping[str, str]
    clips: Mapping[str, str]
    passed_over: Mapping[str, str]
    clutter: tuple[str, ...]
    sources: Mapping[str, str] = field(default_factory=dict)

    def table(self, stems: tuple[str, ...], *, name: str) -> str:
        """The path of the one table with such a name; empty without one.

        Raises
        ------
        ImportRefused
            There are several.
        """
        found = [path for path in self.tables if PurePosixPath(path).stem.lower() in stems]
        if len(found) > 1:
            raise ImportRefused(
                [f"{name}: there are {' and '.join(found)}. Keep one, so that it is plain which."]
            )
        return found[0] if found else ""

    def notes(self) -> list[str]:
        """A sentence for each file that was passed over, and one for all clutter."""
        notes = [f"{path} was passed over: {why}" for path, why in self.passed_over.items()]
        if self.clutter:
            notes.append(
                f"Passed over as clutter of the system: {', '.join(map(_visible, self.clutter))}."
            )
        return notes


def layout_of(files: Mapping[str, str]) -> Layout:
    """Sort files, given with their locations; a folder around all of them is stepped into."""
    kept = {path: place for path, place in files.items() if not is_clutter(path)}
    clutter = tuple(path for path in files if path not in kept)
    root = _wrapping(kept)
    inner = {path.removeprefix(root): place for path, place in kept.items()}
    tables = {path: place for path, place in inner.items() if _is_named_table(path)}
    usable = {path: place for path, place in inner.items() if not why_no_clip(path)}
    sources = {path: place for path, place in usable.items() if _is_source(path)}
    clips = {path: place for path, place in usable.items() if path not in sources}
    others = [path for path in inner if path not in tables and path not in usable]
    passed_over = {path: why_no_clip(path) for path in others}
    return Layout(root, tables, clips, passed_over, clutter, sources)


def is_clutter(path: str) -> bool:
    """What systems leave in folders and archives."""
    parts = PurePosixPath(path).parts
    return any(part.startswith((".", OFFICE_LOCK)) or part.lower() in CLUTTER for part in parts)


def why_no_clip(path: str) -> str:
    """Why a file cannot be the clip of a model for a prompt; empty if it can."""
    parts, suffix = PurePosixPath(path).parts, PurePosixPath(path).suffix.lower()
    if suffix not in MEDIA_SUFFIXES:
        if len(parts) == 1 and is_table(path):
            return (
                "a manifest is named manifest.csv or clips.csv, and a list of prompts prompts.csv."
            )
        what = f"files ending in “{suffix}” are" if suffix else "a file without an ending is"
        return f"{what} not read as clips; those that are end in {', '.join(MEDIA_SUFFIXES)}."
    if len(parts) == 2:
        return ""
    where = "beside the folders" if len(parts) == 1 else f"{len(parts) - 1} folders deep"
    return f"it lies {where}; a clip is looked for at {WANTED}."


def explain_no_clips(files: Iterable[str], *, name: str) -> str:
    """That there is no clip where one is looked for, and what there is instead."""
    found = [path for path in files if not is_clutter(path)]
    if not found:
        return f"{name}: there is no file in it. Clips are looked for at {WANTED}."
    shown = ", ".join(found[:LAYOUTS_SHOWN])
    more = len(found) - LAYOUTS_SHOWN
    rest = f" and {more} more" if more > 0 else ""
    return (
        f"{name}: there is no {WANTED} in it. Found: {shown}{rest}. Put a folder for each model at "
        "the top, with its clips in it, or a manifest.csv that names them."
    )


def _wrapping(files: Iterable[str]) -> str:
    """The folders around everything, as archives often have one: `study/`."""
    inner = [path.split("/") for path in files]
    root = ""
    while inner and all(len(parts) > 1 for parts in inner):
        direct = [parts[1] for parts in inner if len(parts) == 2]
        is_model = direct and not any(map(_is_named_table, direct))
        if is_model or len({parts[0] for parts in inner}) > 1:
            break
        root += f"{inner[0][0]}/"
        inner = [parts[1:] for parts in inner]
    return root


def _is_named_table(path: str) -> bool:
    name = PurePosixPath(path)
    is_named = name.stem.lower() in (*MANIFESTS, *PROMPTS) and name.suffix.lower() in FORMATS
    return is_named and len(name.parts) == 1


def _is_source(path: str) -> bool:
    return PurePosixPath(path).parts[0].lower() == SOURCES


def _visible(path: str) -> str:
    return path.replace("\r", "?")
