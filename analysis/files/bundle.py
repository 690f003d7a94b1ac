"""The files of a report, written so that a reader never sees half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pandas as pd

from analysis.core.report import report_json
from analysis.core.results import StudyReport
from analysis.files.csv import judgment_lines, lines_of
from analysis.files.exchange import VOTE_FILES
from analysis.files.figures import figure_files
from analysis.files.latex import win_rate_table
from analysis.files.parquet import judgment_chunks, parquet_chunks
from analysis.files.preferences import preference_lines
from analysis.files.tables import Table, tables_of, vote_table_parts
from analysis.page.html import render_report

# The first moment that a zip can name.
EARLIEST = (1980, 1, 1, 0, 0, 0)


class OutputError(Exception):
    """The folder cannot take the files; the message says why."""


def table_files(report: StudyReport, votes: pd.DataFrame) -> dict[str, Iterable[str]]:
    """The tables beside a report as text, by the names of their files."""
    return _as_text(report, votes, tables_of(report, votes))


def _as_text(
    report: StudyReport, votes: pd.DataFrame, tables: Mapping[str, Table]
) -> dict[str, Iterable[str]]:
    return {
        **{f"{name}.csv": lines_of(one.columns, one.rows) for name, one in tables.items()},
        "win_rates.tex": [win_rate_table(report)],
        "preferences.jsonl": preference_lines(votes, tables["verdicts"].rows),
    }


def binary_files(
    report: StudyReport, tables: Mapping[str, Table]
) -> Iterator[tuple[str, Iterable[bytes]]]:
    """The same tables as Parquet, and the figures, by the names of their files."""
    for name, table in tables.items():
        yield f"{name}.parquet", parquet_chunks(table.columns, table.rows)
    for name, content in figure_files(report):
        yield name, [content]


def zip_report(report: StudyReport, votes: pd.DataFrame, target: IO[bytes]) -> None:
    """Everything but the single votes, as a zip; the same bytes for the same report."""
    tables = tables_of(report, votes)
    files: Iterable[tuple[str, Iterable[str] | Iterable[bytes]]] = chain(
        _as_text(report, votes, tables).items(),
        binary_files(report, tables),
        [("report.json", [report_json(report)]), ("report.html", [render_report(report)])],
    )
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for name, parts in files:
            content = b"".join(_encoded(part) for part in parts)
            archive.writestr(ZipInfo(name, EARLIEST), content, ZIP_DEFLATED)


def write_report(report: StudyReport, votes: pd.DataFrame, folder: Path) -> list[Path]:
    """Write the page, the votes, the tables, figures and every number as JSON into `folder`.

    Raises
    ------
    OutputError
        The folder cannot be written to, or holds a folder by the name of one of the files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(folder / name, parts) for name, parts in _everything(report, votes)]
    except OSError as error:
        place = error.filename2 or error.filename or folder
        raise OutputError(f"{place} cannot be written: {error.strerror}.") from None


def _everything(
    report: StudyReport, votes: pd.DataFrame
) -> Iterator[tuple[str, Iterable[str] | Iterable[bytes]]]:
    yield "judgments.csv", judgment_lines(vote_table_parts(votes))
    yield "judgments.parquet", judgment_chunks(vote_table_parts(votes))
    for name, lines in VOTE_FILES.items():
        yield name, lines(vote_table_parts(votes))
    tables = tables_of(report, votes)
    yield from _as_text(report, votes, tables).items()
    yield from binary_files(report, tables)
    yield "report.json", [report_json(report)]
    yield "report.html", [render_report(report)]


def _write(path: Path, parts: Iterable[str] | Iterable[bytes]) -> Path:
    """Write beside the target, then take its place."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - a descriptor
            file.writelines(map(_encoded, parts))
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)  # noqa: PTH105 - beside mkstemp, which gives a str
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def _encoded(part: str | bytes) -> bytes:
    return part.encode() if isinstance(part, str) else part
