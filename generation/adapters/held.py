"""Files that came with the answer to a submit, held in the default storage until they are fetched.

Whoever fetches may be another worker on another machine. A file stays for a while after that,
because a fetch may be repeated and the file cannot be had again.
"""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from django.core.files import File
from django.core.files.storage import default_storage
from django.utils import timezone

from generation.adapters.base import PermanentError, VanishedError

FOLDER = "held"
KEPT = timedelta(days=7)
is_name = re.compile(r"[0-9a-f-]{32,36}")


def hold(file: Path, key: str) -> str:
    """Keep a file; the name to take it by, which is the attempt's key where that is one."""
    name = key if is_name.fullmatch(key) else uuid4().hex
    with file.open("rb") as content:
        # An attempt is made once, so nothing can be there that is still wanted.
        default_storage.delete(_path(name))
        default_storage.save(_path(name), File(content))
    forget_old()
    return name


def take(name: str, target: Path) -> None:
    """Copy a held file.

    Raises
    ------
    VanishedError
        It is not there any more.
    """
    try:
        with default_storage.open(_path(name)) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file)
    except FileNotFoundError as error:
        raise VanishedError("The file that came with the answer is not held any more.") from error


def forget(name: str) -> None:
    default_storage.delete(_path(name))


def forget_old() -> None:
    oldest = timezone.now() - KEPT
    _, names = default_storage.listdir(FOLDER)
    for name in names:
        path = f"{FOLDER}/{name}"
        try:
            is_old = default_storage.get_modified_time(path) < oldest
        except FileNotFoundError:
            # Another worker forgot it meanwhile.
            continue
        if is_old:
            default_storage.delete(path)


def _path(name: str) -> str:
    if not is_name.fullmatch(name):
        raise PermanentError(f"No file is held under the name {name}.")
    return f"{FOLDER}/{name}"
