"""`manage.py simulate_raters`: votes of known accuracy, given through the real pages."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.progress import Progress

from annotations.models import Study
from annotations.simulation import SimulationFailed, Truth, simulate_raters


class Command(BaseCommand):
    help = (
        "Let simulated raters judge an open study over HTTP. Their votes are marked as simulated "
        "in the database, and the report says so in its headline."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument("--site-url", default=settings.PUBLIC_URL)
        parser.add_argument("--raters", type=int, help="default: as many as a comparison wants")
        parser.add_argument("--accuracy", type=float, default=0.85)
        parser.add_argument("--better", metavar="MODEL_SLUG", help="default: the first model")
        parser.add_argument(
            "--share", type=float, default=0.8, help="comparisons it deserves to win"
        )
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"There is no study “{options['study']}”.")
        first = study.study_models.select_related("model").first()
        better = options["better"] or (first.model.slug if first else "")
        raters = options["raters"] or study.raters_per_comparison
        with Progress(disable=not self.stdout.isatty(), transient=True) as progress:
            task = progress.add_task(
                "Judging", total=study.comparisons.counted().ready().count() * raters
            )
            try:
                judged = simulate_raters(
                    study=study,
                    site_url=options["site_url"],
                    accuracies=[options["accuracy"]] * raters,
                    truth=Truth(better=better, default_share=options["share"]),
                    seed=options["seed"],
                    on_judged=lambda: progress.advance(task),
                )
            except SimulationFailed as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"{raters} simulated raters judged {judged} comparisons.")
