"""The disks that files are made and kept on."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage

from annotations.scratch import scratch_folder

PROBE_BYTES = 1024 * 1024
LOW_BYTES = 2 * 1024**3
"""Less is a fault: some clips, and it is full."""


@dataclass(frozen=True)
class DiskSpace:
    """Room where a kind of files lies."""

    key: str
    holds: str
    total: int
    free: int

    @property
    def is_low(self) -> bool:
        return self.free < LOW_BYTES

    @property
    def percent_free(self) -> float:
        return 100 * self.free / self.total


def ensure_disk_takes_files() -> None:
    """Where files are made there must be room for one, and it must be allowed; else OSError."""
    with scratch_folder("readyz") as folder, (folder / "probe").open("wb") as probe:
        probe.write(bytes(PROBE_BYTES))
        probe.flush()
        os.fsync(probe.fileno())


def read_disks() -> tuple[DiskSpace, ...]:
    """Files in the making; clips and reports too, unless they lie in a bucket."""
    folders = {("scratch", "Files in the making"): Path(settings.SCRATCH_DIR)}
    if isinstance(default_storage, FileSystemStorage):
        folders["media", "Clips and reports"] = Path(default_storage.location)
    return tuple(_space(key, holds, folder) for (key, holds), folder in folders.items())


def _space(key: str, holds: str, folder: Path) -> DiskSpace:
    """A folder that nothing was put into yet lies on the disk of the one above it."""
    there = next(one for one in (folder, *folder.parents) if one.is_dir())
    used = shutil.disk_usage(there)
    return DiskSpace(key, holds, used.total, used.free)
