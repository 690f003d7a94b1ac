"""The store of clips and reports on a disk."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO, Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage


class WholeFileStorage(FileSystemStorage):
    """A file is under its name whole or not at all, though its writer may be killed.

    Names tell contents, and what is there is not written again: a half would stay for good.
    """

    @property
    def partial(self) -> Path:
        """Where files are until they are whole."""
        return Path(self.path("partial"))

    def save(self, name: str | None, content: IO[Any], max_length: int | None = None) -> str:
        self.partial.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(dir=self.partial)
        try:
            with os.fdopen(handle, "wb") as part:
                for chunk in File(content).chunks():
                    part.write(chunk)
                part.flush()
                # The row that names the file survives a power cut.
                os.fsync(part.fileno())
            return super().save(name or content.name, ReadyFile(path), max_length)
        finally:
            Path(path).unlink(missing_ok=True)


class ReadyFile(File):
    """A file on the store's own disk, to be moved into place."""

    def __init__(self, path: str) -> None:
        super().__init__(None, name=path)

    def temporary_file_path(self) -> str:
        return str(self.name)
