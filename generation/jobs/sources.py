"""What a clip starts from, as a file for the call."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from django.core.files.storage import default_storage

from annotations.scratch import scratch_folder
from generation.adapters.requests import MediaFile
from generation.jobs.chains import first_frame
from generation.models import Job

# Of the containers that are let in; the table of the machine may not know them.
MEDIA_TYPES = {".mkv": "video/x-matroska", ".webm": "video/webm", ".webp": "image/webp"}


def source_file(job: Job) -> AbstractContextManager[MediaFile | None]:
    """What the job's clip starts from, until the block ends; None where it is from text.

    The first step's picture, or the prompt's image or clip: the file as it came in, not the copy
    made for raters.

    Raises
    ------
    PermanentError
        The first step's picture was removed.
    """
    source = first_frame(job).file if job.first_step_id else job.prompt.source
    return stored_file(str(source.name)) if source else nullcontext()


@contextmanager
def stored_file(name: str) -> Iterator[MediaFile]:
    suffix = Path(name).suffix
    media_type = MEDIA_TYPES.get(suffix) or mimetypes.guess_type(name)[0]
    with scratch_folder("source") as folder:
        path = folder / f"source{suffix}"
        with default_storage.open(name) as stored, path.open("wb") as copy:
            for chunk in stored.chunks():
                copy.write(chunk)
        yield MediaFile(path, media_type or "application/octet-stream")
