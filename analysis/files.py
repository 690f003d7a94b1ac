"""The files of a report, written so that a reader never sees half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from analysis.core.decided import decided_comparisons
from analysis.core.report import Report, report_json
from analysis.exchange import VOTE_FILES, preference_lines
from analysis.export import (
    category_lines,
    judgment_lines,
    ranking_lines,
    verdict_lines,
    vote_table_rows,
    win_rate_lines,
)
from analysis.html import render_report
from analysis.latex import win_rate_table


def table_files(report: Report, votes: pd.DataFrame) -> dict[str, Iterable[str]]:
    """The tables beside a report, by their names; a ranking and categories where there are some."""
    settings = report.settings
    verdicts = decided_comparisons(votes, min_votes=settings.min_votes, rule=settings.majority_rule)
    tables: dict[str, Iterable[str]] = {
        "win_rates.csv": win_rate_lines(report),
        "verdicts.csv": verdict_lines(verdicts),
        "win_rates.tex": [win_rate_table(report)],
        "preferences.jsonl": preference_lines(
            votes, min_votes=settings.min_votes, rule=settings.majority_rule
        ),
    }
    if report.rankings:
        tables["ranking.csv"] = ranking_lines(report)
    if any(result.categories for result in report.results):
        tables["win_rates_by_category.csv"] = category_lines(report)
    return tables


def write_report(report: Report, votes: pd.DataFrame, folder: Path) -> list[Path]:
    """Write the page, the votes, the tables and every number as JSON into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    texts: dict[str, Iterable[str]] = {
        "judgments.csv": judgment_lines(vote_table_rows(votes)),
        **{name: lines(vote_table_rows(votes)) for name, lines in VOTE_FILES.items()},
        **table_files(report, votes),
        "report.json": [report_json(report)],
        "report.html": [render_report(report)],
    }
    return [_write(folder / name, lines) for name, lines in texts.items()]


def _write(path: Path, lines: Iterable[str]) -> Path:
    """Write beside the target, then take its place."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - a descriptor
            file.writelines(lines)
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)  # noqa: PTH105 - beside mkstemp, which gives a str
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
