"""What imports leave behind: models, prompts, and a study of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from django.db import transaction
from django.utils.text import slugify

from annotations.enums import Pairing, StudyKind
from annotations.models import GenerativeModel, ModelPair, Prompt, Study
from annotations.services.clips.prompt_lists import PromptText
from annotations.services.studies.states import create_study, set_models, set_prompts


@dataclass(frozen=True)
class ImportResult:
    """What an import brought, in the order of its rows; `problems` are of rows left out.

    `notes` say how its table was read, and what was passed over.
    """

    added: int
    already_there: int
    models: tuple[GenerativeModel, ...]
    prompts: tuple[Prompt, ...]
    kinds: frozenset[str]
    model_pairs: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def import_into_study(*, result: ImportResult, slug: str, title: str = "") -> Study:
    """Add the imported models and prompts to a draft, made if there is none of this name."""
    with transaction.atomic():
        study = Study.objects.filter(slug=slug).first()
        if study is None:
            kind = StudyKind.TEXT_TO_IMAGE if result.kinds == {"image"} else StudyKind.TEXT_TO_VIDEO
            study = create_study(title=title or "Comparison of clips", slug=slug, kind=kind)
        add_to_study(study, result)
        return study


def add_to_study(study: Study, result: ImportResult) -> None:
    """Add what was imported to a draft; ready comparisons say which models it compares."""
    models = [row.model for row in study.study_models.select_related("model")]
    prompts = [row.prompt for row in study.study_prompts.select_related("prompt")]
    set_models(study=study, models=[*models, *result.models])
    set_prompts(study=study, prompts=[*prompts, *result.prompts])
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


def get_or_create_prompt(prompt: PromptText) -> Prompt:
    return Prompt.objects.get_or_create(
        key=prompt.key,
        digest=Prompt.digest_of(prompt.text, prompt.source_sha256),
        defaults={"text": prompt.text, "category": prompt.category},
    )[0]
