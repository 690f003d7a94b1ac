"""`manage.py prolific_study`: a study file for Prolific's command line tool."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from annotations.errors import StudyFileRefused
from annotations.models import Study
from annotations.services.raters.panel_files import prolific_study_yaml


class Command(BaseCommand):
    help = (
        "Print the study as YAML for `prolific study create -t study.yaml`: link, places, reward "
        "and completion codes as they stand in the study's recruitment."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument(
            "--base-url", default=settings.PUBLIC_URL, help="default: PUBLIC_URL; https only"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"There is no study “{options['study']}”.")
        try:
            text = prolific_study_yaml(study, base_url=options["base_url"])
        except StudyFileRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(text, ending="")
