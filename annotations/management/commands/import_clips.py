"""`manage.py import_clips`: finished clips from a folder or a manifest, all or nothing."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.progress import Progress

from annotations.enums import StudyState
from annotations.errors import ImportRefused, JuiceError
from annotations.models import Study
from annotations.services.clips.clip_rows import Manifest
from annotations.services.clips.importing import find_interrupted, import_clips
from annotations.services.clips.manifests import read_clips
from annotations.services.clips.prompt_lists import PromptText
from annotations.services.clips.registering import ImportResult, import_into_study, prompt_texts
from annotations.services.studies.states import start_preparing


class Command(BaseCommand):
    help = (
        "Import clips from a manifest (CSV, TSV, JSON Lines or JSON with prompt_id, prompt, model, "
        "path, and if wanted seed, category) or from a folder <model>/<prompt_id>.<ext> with a "
        "prompts.csv. "
        "Every clip is decoded first; one bad row and nothing is imported, unless --keep-going. "
        "An import that was interrupted goes on where it stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="manifest file, folder, or s3://bucket/prefix")
        parser.add_argument(
            "--study", metavar="SLUG", help="put them into this study, or make a draft"
        )
        parser.add_argument("--title", default="", help="title of a new study")
        parser.add_argument(
            "--models",
            nargs="+",
            metavar="MODEL",
            help="only these, the first one being model A of the study",
        )
        parser.add_argument(
            "--replace",
            action="store_true",
            help="put them in the place of the study's clips of the same model, prompt and seed",
        )
        parser.add_argument(
            "--reason", default="", help="why an open study's clips are replaced: for the report"
        )
        parser.add_argument(
            "--keep-going", action="store_true", help="import the good rows even if some are bad"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="check every clip and write nothing"
        )
        parser.add_argument("--prepare", action="store_true", help="prepare the comparisons")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"] or "").first()
        try:
            manifest = _only_models(
                read_clips(options["source"], prompts=_prompts_of(study)),
                options["models"],
            )
            for note in manifest.notes:
                self.stderr.write(note)
            result = self._import(manifest, study, options)
            self._report(result, options)
        except ImportRefused as error:
            raise CommandError("\n".join([str(error), *error.problems])) from error
        except JuiceError as error:
            raise CommandError(str(error)) from error

    def _import(
        self, manifest: Manifest, study: Study | None, options: dict[str, Any]
    ) -> ImportResult:
        choices = {
            "study": study,
            "replaces": options["replace"],
            "replaces_why": options["reason"],
            "keep_going": options["keep_going"],
            "is_dry_run": options["dry_run"],
        }
        if find_interrupted(manifest, **choices) is not None:
            self.stdout.write("Going on with an import of the same clips that was interrupted.")
        with Progress(disable=not self.stdout.isatty(), transient=True) as progress:
            task = progress.add_task("Checking clips", total=len(manifest.rows))
            return import_clips(
                manifest=manifest,
                source=options["source"],
                on_progress=lambda done, total: progress.update(task, completed=done, total=total),
                then=lambda result: _go_on(result, study, options),
                **choices,
            )

    def _report(self, result: ImportResult, options: dict[str, Any]) -> None:
        done = "Would import" if options["dry_run"] else "Imported"
        self.stdout.write(
            f"{done} {result.added} clips ({result.already_there} were already there)."
        )
        for problem in result.problems:
            self.stderr.write(f"Left out: {problem}")
        study = Study.objects.filter(slug=options["study"] or "").first()
        if study is not None and not options["dry_run"]:
            state = study.get_state_display().lower()
            self.stdout.write(
                f"Study {study.slug}: {state}, with {study.roster.count()} clips. "
                f"See /studies/{study.slug}/"
            )


def _go_on(result: ImportResult, study: Study | None, options: dict[str, Any]) -> Study | None:
    """Make the study if it is new, and have it prepared."""
    if not options["study"]:
        return None
    if study is None:
        study = import_into_study(result=result, slug=options["study"], title=options["title"])
    study.refresh_from_db()
    if options["prepare"] and study.state == StudyState.DRAFT:
        start_preparing(study=study)
    return study


def _prompts_of(study: Study | None) -> dict[str, PromptText] | None:
    """The prompts of a study that is already there, for a folder without a list of its own."""
    return prompt_texts(study) or None if study else None


def _only_models(manifest: Manifest, models: list[str] | None) -> Manifest:
    """The rows of these models, in the order in which the models were named."""
    if models is None:
        return manifest
    known = {row.model for row in manifest.rows}
    unknown = [name for name in models if name not in known]
    if unknown:
        raise ImportRefused(
            [
                f"There is no clip of “{name}”; there are: {', '.join(sorted(known))}."
                for name in unknown
            ]
        )
    rows = [row for name in models for row in manifest.rows if row.model == name]
    model_pairs = [pair for pair in manifest.model_pairs if set(pair) <= set(models)]
    return replace(manifest, rows=rows, model_pairs=model_pairs)
