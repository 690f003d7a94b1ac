"""`manage.py import_prompts STUDY FILE`: prompts with what the models start from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotations.errors import ImportRefused, JuiceError
from annotations.models import GenerativeModel, Study
from annotations.services.clips.prompts import import_prompts, start_from_pictures


class Command(BaseCommand):
    help = (
        "Add the prompts of a table to a draft: columns prompt (or instruction), source (or image, "
        "video; a path beside the file), and if wanted prompt_id and category (or task)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="The study's slug.")
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("file", type=Path, nargs="?")
        source.add_argument(
            "--pictures-of",
            metavar="MODEL",
            help="Let the study's prompts start from the pictures that this model (its slug) made.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"There is no study “{options['study']}”.")
        try:
            added = _start_from(study, options["pictures_of"]) or _read(
                study, options["file"], self.stderr.write
            )
        except ImportRefused as error:
            raise CommandError("\n".join([str(error), *error.problems])) from error
        except JuiceError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{added} prompts are in “{study.title}”.")


def _start_from(study: Study, slug: str | None) -> int:
    if not slug:
        return 0
    model = GenerativeModel.objects.filter(slug=slug).first()
    if model is None:
        raise CommandError(f"There is no model “{slug}”.")
    return start_from_pictures(study=study, model=model)


def _read(study: Study, path: Path, on_note: Callable[[str], None]) -> int:
    if not path.is_file():
        raise CommandError(f"There is no file {path}.")
    return import_prompts(study=study, path=path, on_note=on_note)
