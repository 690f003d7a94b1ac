"""What imports leave behind: models, prompts, and a study of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from annotations.enums import Pairing, RosterOrigin, StudyKind, StudyState
from annotations.models import GenerativeModel, ModelPair, Prompt, Stimulus, Study
from annotations.services.clips.prompt_lists import PromptText
from annotations.services.clips.roster import put_in, put_in_place
from annotations.services.studies.states import add_to_draft, create_study


@dataclass(frozen=True)
class ImportResult:
    """What an import brought, in the order of its rows; `problems` are of rows left out.

    `clips` are the primary keys of all of them, new or not. `notes` say how its table was read, and
    what was passed over.
    """

    added: int
    already_there: int
    models: tuple[GenerativeModel, ...]
    prompts: tuple[Prompt, ...]
    kinds: frozenset[str]
    source_kinds: frozenset[str] = frozenset()
    clips: tuple[int, ...] = ()
    model_pairs: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def import_into_study(*, result: ImportResult, slug: str, title: str = "") -> Study:
    """Put the imported clips into a draft, made if there is none of this name."""
    with transaction.atomic():
        study = Study.objects.filter(slug=slug).first()
        if study is None:
            kind = _kind_of(result)
            study = create_study(title=title or "Comparison of clips", slug=slug, kind=kind)
        add_to_study(study, result)
        return study


def _kind_of(result: ImportResult) -> StudyKind:
    """By what the clips are, and what their models started from."""
    makes_images = result.kinds == {"image"}
    if result.source_kinds == {"video"}:
        return StudyKind.VIDEO_EXTENSION
    if result.source_kinds:
        return StudyKind.IMAGE_EDITING if makes_images else StudyKind.IMAGE_TO_VIDEO
    return StudyKind.TEXT_TO_IMAGE if makes_images else StudyKind.TEXT_TO_VIDEO


@dataclass(frozen=True)
class Replacing:
    """That imported clips take the places of those that are there, why, and when."""

    reason: str
    now: datetime


def add_to_study(study: Study, result: ImportResult, replacing: Replacing | None = None) -> int:
    """Put imported clips on a study's roster; how many were not there yet.

    A draft takes over their models and prompts; ready comparisons say which models it compares.
    """
    if study.state == StudyState.DRAFT:
        add_to_draft(study=study, models=result.models, prompts=result.prompts)
        _compare_as_listed(study, result)
    clips = Stimulus.objects.only("model", "prompt", "seed", "sha256").in_bulk(result.clips)
    in_order = [clips[pk] for pk in result.clips]
    if replacing is None:
        return put_in(study=study, clips=in_order, origin=RosterOrigin.IMPORTED)
    return put_in_place(
        study=study,
        clips=in_order,
        origin=RosterOrigin.IMPORTED,
        reason=replacing.reason,
        now=replacing.now,
    )


def _compare_as_listed(study: Study, result: ImportResult) -> None:
    """Have a draft compare the models of ready comparisons, where there are some."""
    if not result.model_pairs:
        return
    by_name = {model.name: model for model in result.models}
    known = [pair for pair in result.model_pairs if set(pair) <= set(by_name)]
    for first, second in known:
        ModelPair.objects.get_or_create(
            study=study, model_a=by_name[first], model_b=by_name[second]
        )
    study.pairing = Pairing.LISTED
    study.save(update_fields=["pairing"])


def prompt_texts(study: Study) -> dict[str, PromptText]:
    """The study's prompts by id, for clips that are named by it."""
    return {
        prompt.key: PromptText(prompt.key, prompt.text, prompt.category, prompt.source_sha256)
        for prompt in study.prompts.all()
    }


def get_or_create_model(name: str) -> GenerativeModel:
    """The model of this name; a new one gets a slug of its own."""
    found = GenerativeModel.objects.filter(name=name).first()
    if found is not None:
        return found
    return GenerativeModel.objects.create(name=name, slug=_free_slug(name))


def _free_slug(name: str) -> str:
    base = slugify(name)[:100] or "model"
    like_it = GenerativeModel.objects.filter(slug__startswith=base)
    taken = set(like_it.values_list("slug", flat=True))
    numbered = (f"{base}-{number}" for number in itertools.count(2))
    return next(slug for slug in itertools.chain([base], numbered) if slug not in taken)


def get_or_create_prompt(prompt: PromptText, source: Mapping[str, Any] | None = None) -> Prompt:
    """`source` is what the row says of the prompt's source: see `services.clips.sources`."""
    return Prompt.objects.get_or_create(
        key=prompt.key,
        digest=Prompt.digest_of(prompt.text, prompt.source_sha256),
        defaults={"text": prompt.text, "category": prompt.category, **(source or {})},
    )[0]
