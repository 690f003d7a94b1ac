"""Folders for files in the making, and what killed processes left of them."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage

from annotations.storage import WholeFileStorage

# Longer than any step with a file takes.
LEFT_AFTER = timedelta(days=1)


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    settings.SCRATCH_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{purpose}-", dir=settings.SCRATCH_DIR) as folder:
        yield Path(folder)


def sweep_scratch(*, older_than: timedelta = LEFT_AFTER) -> int:
    """Remove what no living process can still want; how many folders and files that was."""
    folders = [settings.SCRATCH_DIR]
    if isinstance(default_storage, WholeFileStorage):
        folders.append(default_storage.partial)
    before = time.time() - older_than.total_seconds()
    return sum(_remove(path, before) for folder in folders for path in _within(folder))


def _within(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _remove(path: Path, before: float) -> bool:
    """Another worker may be sweeping, too."""
    try:
        if path.stat().st_mtime >= before:
            return False
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except FileNotFoundError:
        return False
    return True
