"""Files beside a table, by the paths that stand in it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from annotations.services.clips.prompt_lists import composed


def file_beside(base: Path, path: str) -> Path:
    """The file of a path in a table.

    Its name may be the same text in other characters, as macOS keeps names, and its folders parted
    as Windows does.

    Raises
    ------
    ValueError
        There is none.
    """
    if is_there(base / path):
        return base / path
    file = base
    for part in PurePosixPath(path.replace("\\", "/")).parts:
        file = _named_alike(file, part)
    if not is_there(file):
        raise ValueError(f"there is no file {path}.")
    return file


def is_there(file: Path) -> bool:
    """Whether there is such a file; no file has a name that the system refuses."""
    try:
        return file.is_file()
    except OSError:
        return False


def _named_alike(folder: Path, name: str) -> Path:
    try:
        found = [path for path in folder.iterdir() if composed(path.name) == composed(name)]
    except OSError:
        found = []
    return found[0] if found and not is_there(folder / name) else folder / name
