"""`manage.py report SLUG --out DIR`: a study's report with all its files, as of now."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analysis.core.report import build_report
from analysis.files.bundle import OutputError, write_report
from analysis.files.csv import mapping_lines, rendition_lines
from analysis.page.clips import page_with_clips
from analysis.page.headline import prefixed_headline
from analysis.votes.columns import study_votes
from analysis.votes.settings import report_settings
from annotations.models import Study
from annotations.services.pairs.provenance import rendition_rows
from generation.jobs.provenance import GENERATION_COLUMNS, generation_rows


class Command(BaseCommand):
    help = "Write a study's report (HTML, CSV, JSON) into a folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the study")
        parser.add_argument("--out", type=Path, required=True, help="the folder to write into")
        parser.add_argument(
            "--with-clips",
            action="store_true",
            help="also report-with-clips.html, with the clips of its example comparisons",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["slug"]).first()
        if study is None:
            raise CommandError(f"There is no study “{options['slug']}”.")
        votes, folder = study_votes(study), options["out"]
        report = build_report(votes, settings=report_settings(study))
        try:
            paths = write_report(report, votes, folder)
        except OutputError as error:
            raise CommandError(str(error)) from None
        clips = {
            "renditions.csv": rendition_lines(rendition_rows(study)),
            "generation.csv": mapping_lines(GENERATION_COLUMNS, generation_rows(study)),
        }
        for name, lines in clips.items():
            paths.append(folder / name)
            _write(paths[-1], lines)
        if options["with_clips"]:
            page = (folder / "report.html").read_text(encoding="utf-8")
            paths.append(folder / "report-with-clips.html")
            _write(paths[-1], page_with_clips(page, study))
        self.stdout.write(prefixed_headline(report))
        for path in paths:
            self.stdout.write(f"  {path}")


def _write(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)
