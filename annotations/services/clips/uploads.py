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

from django.core.files import File
from django.core.files.storage import default_storage

from annotations.errors import ImportRefused
from annotations.models import ClipImport, Study
from annotations.services.clips.clip_rows import ClipRow, Manifest, Problem
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


def start_upload(
    *, upload: Path, name: str, study: Study, keep_going: bool = False, is_dry_run: bool = False
) -> ClipImport:
    """Begin the import of an uploaded file into a study; workers do the rest.

    Parameters
    ----------
    upload
        A zip with a manifest or a folder per model in it; or a manifest alone, whose paths are web
        addresses.
    name
        The file's name, as the owner knows it.

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
                keep_going=keep_going,
                is_dry_run=is_dry_run,
                by_workers=True,
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
        if row.location.startswith("s3://"):
            why = "an upload cannot name a bucket; use `manage.py import_clips` on the server."
            problems.append(Problem(row.where, why))
        elif is_remote(row.location) or _lies_in(row, folder):
            inside.append(row)
        else:
            problems.append(Problem(row.where, "the file lies outside of the upload."))
    return replace(manifest, rows=inside, problems=[*manifest.problems, *problems])


def _lies_in(row: ClipRow, folder: Path) -> bool:
    return Path(row.location).resolve().is_relative_to(folder.resolve())


def _store_files(manifest: Manifest, folder: Path, names: list[str]) -> Manifest:
    """Put the clips where workers on every host can get them; their names are noted."""
    prefix = f"uploads/{secrets.token_hex(8)}"
    rows = []
    for row in manifest.rows:
        if not is_remote(row.location):
            path = Path(row.location)
            with path.open("rb") as content:
                target = f"{prefix}/{path.resolve().relative_to(folder.resolve())}"
                names.append(default_storage.save(target, File(content)))
            row = replace(row, location=f"{STORED}{names[-1]}")
        rows.append(row)
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
