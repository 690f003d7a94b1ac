"""`manage.py analyze VOTES --out DIR`: a report from votes that were given anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper

from analysis.core.report import build_report
from analysis.core.settings import AskedAxis, ReportSettings
from analysis.core.votes import VoteTableError
from analysis.files.bundle import OutputError, write_report
from analysis.page.headline import prefixed_headline
from analysis.version import code_version
from analysis.votes.readers import VoteFile, VoteFileError, read_votes


class Command(BaseCommand):
    help = (
        "Make a report (HTML, CSV, JSON) from a file of votes: our CSV, FastChat, MT-Bench, UVE, "
        "ImagenHub, Label Studio."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("votes", type=Path, help=".csv, .jsonl or .json; see examples/votes/")
        parser.add_argument("--out", type=Path, required=True, help="the folder to write into")
        parser.add_argument("--title", help="the study's name; default: the file's")
        parser.add_argument(
            "--raters-per-comparison",
            type=int,
            default=1,
            metavar="N",
            help="leave out comparisons with fewer votes on an axis; default: 1",
        )
        parser.add_argument(
            "--simulated", action="store_true", help="say in the headline that no person judged"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["raters_per_comparison"]
        if wanted < 1:
            raise CommandError("--raters-per-comparison is at least 1.")
        progress = CommandProgress(self.stderr)
        try:
            progress.say(f"Reading {options['votes']}")
            file = read_votes(options["votes"])
            progress.say(f"Counting {len(file.votes):,} votes")
            title = options["title"] or options["votes"].stem
            settings = _settings(file, title, wanted, simulated=options["simulated"])
            report = build_report(file.votes, settings=settings, on_progress=progress.count)
        except VoteFileError as error:
            raise CommandError(str(error)) from None
        except VoteTableError as error:
            raise CommandError(f"{options['votes']}: {error}") from None
        try:
            progress.say("Writing the report and its files")
            paths = write_report(report, file.votes, options["out"])
        except OutputError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(prefixed_headline(report))
        for path in paths:
            self.stdout.write(f"  {path}")


@dataclass(slots=True)
class CommandProgress:
    """What is being done now, a line each, on the stream that is not the result's."""

    stream: OutputWrapper
    tenths: int = 0

    def say(self, words: str) -> None:
        self.stream.write(f"{words} ...", style_func=str)
        self.stream.flush()

    def count(self, share: float) -> None:
        """Of the pairs of models; said at each tenth that is whole."""
        if int(10 * share) > self.tenths:
            self.tenths = int(10 * share)
            self.say(f"  {10 * self.tenths} % of the pairs")


def _settings(file: VoteFile, title: str, wanted: int, *, simulated: bool) -> ReportSettings:
    """What the file says about itself; whether ties could be chosen is read from the votes."""
    ties = bool(file.votes["winner"].eq("tie").any())
    counted = (
        "Imported votes: a comparison counts from its first vote on."
        if wanted == 1
        else f"Imported votes: a comparison counts from {wanted} votes on."
    )
    judged = (
        "Ties occur in the votes, so raters could choose them."
        if ties
        else "No tie occurs in the votes, so they are taken as a forced choice."
    )
    return ReportSettings(
        title=title,
        min_votes=wanted,
        ties_allowed=ties,
        axes=tuple(AskedAxis(key) for key in file.axes),
        simulated=simulated,
        code_version=code_version(),
        notes=(*file.notes, counted, judged),
    )
