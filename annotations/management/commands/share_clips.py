"""`manage.py share_clips`: use the clips of another study, or of an import, in a study."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from annotations.errors import JuiceError
from annotations.models import ClipImport, Stimulus, Study
from annotations.services.clips.sharing import (
    clips_of_import,
    clips_of_study,
    imports_to_share_from,
    offer_of,
    share_clips,
)


class Command(BaseCommand):
    help = (
        "Use clips that are there in a study, too: those of another study, or those of an import "
        "that went into no study. Without a source, lists what there is to choose from."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG", help="the study that gets the clips")
        source = parser.add_mutually_exclusive_group()
        source.add_argument("--of-study", metavar="SLUG")
        source.add_argument("--of-import", metavar="NUMBER", type=int)
        parser.add_argument(
            "--widen", action="store_true", help="add the clips' models and prompts to a draft"
        )
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *args: Any, **options: Any) -> None:
        study = _study(options["study"])
        if not options["of_study"] and options["of_import"] is None:
            self._list(study)
            return
        clips = _clips(options)
        offer = offer_of(study, clips)
        self.stdout.write(
            f"{offer.clips} clips: {offer.new} new in {study.slug}, {offer.there} there already, "
            f"{offer.taken} left out since it has others of the model, prompt and seed, "
            f"{offer.strange} of other models or prompts."
        )
        if options["dry_run"]:
            return
        try:
            added = share_clips(study=study, clips=clips, widen=options["widen"])
        except JuiceError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Put {added} clips into {study.slug}.")

    def _list(self, study: Study) -> None:
        for other in Study.objects.exclude(pk=study.pk).order_by("slug"):
            if clips := clips_of_study(other).count():
                self.stdout.write(f"--of-study {other.slug}  {clips} clips")
        for one in imports_to_share_from():
            self.stdout.write(f"--of-import {one.pk}  {clips_of_import(one).count()} clips, {one}")


def _study(slug: str) -> Study:
    study = Study.objects.filter(slug=slug).first()
    if study is None:
        raise CommandError(f"There is no study “{slug}”.")
    return study


def _clips(options: dict[str, Any]) -> QuerySet[Stimulus]:
    if options["of_study"]:
        return clips_of_study(_study(options["of_study"]))
    found = ClipImport.objects.filter(pk=options["of_import"]).first()
    if found is None:
        raise CommandError(f"There is no import {options['of_import']}.")
    return clips_of_import(found)
