"""What a prompt's models start from, as a file for the call."""

from __future__ import annotations

import mimetypes
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.files.storage import default_storage

from annotations.models import Prompt
from generation.adapters.base import MediaFile

# Of the containers that are let in; the table of the machine may not know them.
MEDIA_TYPES = {".mkv": "video/x-matroska", ".webm": "video/webm", ".webp": "image/webp"}


@contextmanager
def source_file(prompt: Prompt) -> Iterator[MediaFile | None]:
    """The prompt's image or clip, until the block ends; None where it has none.

    The file as it was imported, not the copy made for raters.
    """
    if not prompt.source:
        yield None
        return
    name = str(prompt.source.name)
    suffix = Path(name).suffix
    media_type = MEDIA_TYPES.get(suffix) or mimetypes.guess_type(name)[0]
    with tempfile.TemporaryDirectory(prefix="source-") as folder:
        path = Path(folder) / f"source{suffix}"
        with default_storage.open(name) as stored, path.open("wb") as copy:
            for chunk in stored.chunks():
                copy.write(chunk)
        yield MediaFile(path, media_type or "application/octet-stream")
