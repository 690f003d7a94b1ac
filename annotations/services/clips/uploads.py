"""Clips that an owner uploads: kept in the store until workers have checked them."""

from __future__ import annotations

import lzma
import secrets
import shutil
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage

from annotations.errors import ImportRefused
from annotations.models import ClipImport, Study
from annotations.services.clips.clip_rows import Manifest, Problem
from annotations.services.clips.downloads import STORED, is_remote
from annotations.services.clips.importing import start_import
from annotations.services.clips.manifests import read_clips
from annotations.services.clips.registering import prompt_texts
from annotations.services.clips.stored import taken_back_on_failure
from annotations.tables.files import FORMATS, is_table

MAX_UPLOAD_BYTES = 2 * 1024**3
MAX_UPLOAD_FILES = 20_000
# What the standard library raises over archives that are cut off, garbled or locked.
BROKEN = (RuntimeError, OSError, ValueError, EOFError, zlib.error, lzma.LZMAError)


def start_upload(*, upload: Path, name: str, study: Study, **choices: Any) -> ClipImport:
    """Begin the import of an uploaded file into a study; workers do the rest.

    Parameters
    ----------
    upload
        A zip with a manifest or a folder per model in it; or a manifest alone, whose paths are web
        addresses.
    name
        The file's name, as the owner knows it.
    choices
        What `start_import` takes: `replaces`, `keep_going` and the like.

    Raises
    ------
    ImportRefused
        Nothing of it can be used.
    """
    with TemporaryDirectory(prefix="unpacked-") as temporary:
        folder = Path(temporary)
        if is_table(name):
            source = folder / f"manifest{Path(name).suffix.lower()}"
            shutil.copyfile(upload, source)
        elif Path(name).suffix.lower() == ".zip":
            source = unpack_upload(upload, folder)
        else:
            raise ImportRefused(
                [
                    f"{name} is neither a zip nor a table. Upload a .zip with a manifest or a "
                    f"folder per model in it, or a table whose name ends in {', '.join(FORMATS)}."
                ]
            )
        manifest = keep_inside(read_clips(source, prompts=prompt_texts(study), name=name), folder)
        with taken_back_on_failure() as stored:
            return start_import(
                manifest=_store_files(manifest, folder, stored),
                source=name,
                study=study,
                by_workers=True,
                **choices,
            )


def unpack_upload(archive: Path, target: Path) -> Path:
    """Unpack an uploaded zip, and give the folder of its content.

    Raises
    ------
    ImportRefused
        It is no zip, too large when unpacked, or has names that point outside of it or come twice.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            members = packed.infolist()
            for info in members:
                # Some programs on Windows write their own separator.
                info.filename = info.filename.replace("\\", "/")
            _check_members(members, target)
            packed.extractall(target, members=members)
    except (zipfile.BadZipFile, *BROKEN) as error:
        raise ImportRefused([f"The upload cannot be unpacked as a zip file: {error}."]) from error
    return target


def keep_inside(manifest: Manifest, folder: Path) -> Manifest:
    """Make rows that name files outside of the folder, or buckets, problems."""
    inside, problems = [], []
    for row in manifest.rows:
        places = [place for place in (row.location, row.source) if place]
        if any(place.startswith("s3://") for place in places):
            why = "an upload cannot name a bucket; use `manage.py import_clips` on the server."
            problems.append(Problem(row.where, why))
        elif all(is_remote(place) or _lies_in(place, folder) for place in places):
            inside.append(row)
        else:
            problems.append(Problem(row.where, "the file lies outside of the upload."))
    return replace(manifest, rows=inside, problems=[*manifest.problems, *problems])


def _lies_in(place: str, folder: Path) -> bool:
    return Path(place).resolve().is_relative_to(folder.resolve())


def _store_files(manifest: Manifest, folder: Path, names: list[str]) -> Manifest:
    """Put the clips where workers on every host can get them; their names are noted."""
    prefix = f"uploads/{secrets.token_hex(8)}"
    kept: dict[str, str] = {}

    def keep(place: str) -> str:
        """Where a file is now; one that several rows name is kept once."""
        if not place or is_remote(place):
            return place
        if place not in kept:
            path = Path(place)
            with path.open("rb") as content:
                target = f"{prefix}/{path.resolve().relative_to(folder.resolve())}"
                names.append(default_storage.save(target, File(content)))
            kept[place] = f"{STORED}{names[-1]}"
        return kept[place]

    rows = [
        replace(row, location=keep(row.location), source=keep(row.source)) for row in manifest.rows
    ]
    return replace(manifest, rows=rows)


def _check_members(members: Iterable[zipfile.ZipInfo], target: Path) -> None:
    members = list(members)
    total = sum(info.file_size for info in members)
    free = shutil.disk_usage(target).free
    if len(members) > MAX_UPLOAD_FILES or total > min(MAX_UPLOAD_BYTES, free // 2):
        raise ImportRefused(
            [
                f"The upload has {len(members)} files of {total / 1024**2:.0f} MB in all; that is "
                "too much for one upload. Use `manage.py import_clips` on the server."
            ]
        )
    for info in members:
        if not (target / info.filename).resolve().is_relative_to(target.resolve()):
            raise ImportRefused([f"{info.filename}: the name points outside of the archive."])
    names = Counter(info.filename for info in members)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ImportRefused(
            [f"{name}: the archive holds two files of this name." for name in twice]
        )
