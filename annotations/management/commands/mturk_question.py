"""`manage.py mturk_question`: the ExternalQuestion of a HIT on Mechanical Turk."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from annotations.errors import StudyFileRefused
from annotations.models import Study
from annotations.services.raters.panel_files import DEFAULT_FRAME_HEIGHT, mturk_question


class Command(BaseCommand):
    help = "Print the ExternalQuestion XML that CreateHIT takes as the question of a HIT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument(
            "--base-url", default=settings.PUBLIC_URL, help="default: PUBLIC_URL; https only"
        )
        parser.add_argument(
            "--frame-height", type=int, default=DEFAULT_FRAME_HEIGHT, help="in pixels"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"There is no study “{options['study']}”.")
        try:
            text = mturk_question(
                study, base_url=options["base_url"], frame_height=options["frame_height"]
            )
        except StudyFileRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(text, ending="")
