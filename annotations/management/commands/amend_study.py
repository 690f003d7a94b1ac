"""`manage.py amend_study`: change an open study, with a reason that stands in the report."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotations.errors import ImportRefused, JuiceError
from annotations.models import Study
from annotations.services.clips.correcting import correct_prompt
from annotations.services.clips.prompt_lists import read_prompts
from annotations.services.clips.prompts import prompts_with_sources
from annotations.services.clips.registering import get_or_create_prompt
from annotations.services.pairs.extending import add_prompts, want_more_raters
from annotations.services.pairs.withdrawing import withdraw_comparison


class Command(BaseCommand):
    help = (
        "Change a study that is open or paused: each change is an amendment of its protocol, which "
        "the report tells with its reason. Clips are replaced by import_clips --replace."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument("--reason", default="", help="why; needed unless it is a draft")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--raters", type=int, help="raters per comparison from now on")
        what.add_argument(
            "--prompts",
            type=Path,
            help="a list or table of prompts to add; a column source if they need one",
        )
        what.add_argument("--withdraw", type=int, metavar="COMPARISON", help="by its number")
        what.add_argument(
            "--correct", nargs=2, metavar=("PROMPT_ID", "TEXT"), help="the text as it should read"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"There is no study “{options['study']}”.")
        try:
            self.stdout.write(_change(study, options, timezone.now()))
        except ImportRefused as error:
            raise CommandError("\n".join([str(error), *error.problems])) from error
        except (JuiceError, OSError) as error:
            raise CommandError(str(error)) from error


def _add(study: Study, path: Path, told: dict[str, Any]) -> None:
    if study.needs_source:
        prompts_with_sources(
            path,
            then=lambda prompts: add_prompts(prompts=prompts, **told),
            on_note=lambda note: None,
        )
        return
    read = read_prompts(path.read_bytes(), name=path.name)
    add_prompts(prompts=[get_or_create_prompt(prompt) for prompt in read], **told)


def _change(study: Study, options: dict[str, Any], now: datetime) -> str:
    told = {"study": study, "reason": options["reason"], "now": now}
    if options["raters"] is not None:
        want_more_raters(raters=options["raters"], **told)
        return f"Each comparison is judged by {options['raters']} raters from now on."
    if options["prompts"] is not None:
        _add(study, options["prompts"], told)
        change = study.amendments.latest("pk")
        return f"Added {len(change.facts['prompts'])} prompts. Now generate or import their clips."
    if options["withdraw"] is not None:
        comparison = study.comparisons.counted().filter(pk=options["withdraw"]).first()
        if comparison is None:
            raise CommandError(f"The study has no comparison {options['withdraw']}.")
        change = withdraw_comparison(comparison=comparison, **told)
        return f"Withdrawn; {change.votes_set_aside} votes are set aside."
    key, text = options["correct"]
    prompt = study.prompts.filter(key=key).first()
    if prompt is None:
        raise CommandError(f"The study has no prompt “{key}”.")
    new = correct_prompt(prompt=prompt, text=text, **told)
    return f"Prompt {new.key} now reads: {new.text}"
