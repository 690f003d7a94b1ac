"""`manage.py import_prompts STUDY FILE`: prompts with what the models start from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotations.errors import ImportRefused, JuiceError
from annotations.models import Study
from annotations.services.prompt_sources import import_prompts


class Command(BaseCommand):
    help = (
        "Add the prompts of a CSV to a draft: columns prompt (or instruction), source (or image, "
        "video; a path beside the file), and if wanted prompt_id and category (or task)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="The study's slug.")
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"There is no study “{options['study']}”.")
        if not options["file"].is_file():
            raise CommandError(f"There is no file {options['file']}.")
        try:
            added = import_prompts(study=study, path=options["file"])
        except ImportRefused as error:
            raise CommandError("\n".join([str(error), *error.problems])) from error
        except JuiceError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{added} prompts are in “{study.title}”.")
