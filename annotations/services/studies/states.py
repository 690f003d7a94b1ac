"""Make studies, and move them through their states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from annotations.enums import Pairing, Protocol, StudyState
from annotations.errors import NameRefused, ProtocolFrozen, TransitionRefused
from annotations.models import (
    Assignment,
    GenerativeModel,
    ModelPair,
    Prompt,
    Study,
    StudyModel,
    StudyPrompt,
)
from annotations.models.checks import OF_ONE_CLIP
from annotations.models.prepared import Prepared, given_id
from annotations.models.study import new_token
from annotations.services.studies.protocol import add_default_axes, ensure_not_frozen

ALLOWED_FROM = {
    StudyState.DRAFT: {StudyState.PREPARING, StudyState.OPEN, StudyState.PAUSED},
    StudyState.PREPARING: {StudyState.DRAFT},
    StudyState.OPEN: {StudyState.PREPARING, StudyState.PAUSED},
    StudyState.PAUSED: {StudyState.OPEN},
    StudyState.CLOSED: {StudyState.OPEN, StudyState.PAUSED},
}


def create_study(
    *,
    title: str,
    slug: str,
    models: Sequence[GenerativeModel] = (),
    prompts: Sequence[Prompt] = (),
    **settings: Any,
) -> Study:
    """A draft with the JUICE axes, these models in order, and these prompts.

    Raises
    ------
    NameRefused
        The short name cannot stand in an address, or another study has it.
    """
    ensure_short_name(slug)
    with transaction.atomic():
        study = Study.objects.create(title=title, slug=slug, **settings)
        add_default_axes(study)
        set_models(study=study, models=models)
        set_prompts(study=study, prompts=prompts)
        return study


def ensure_short_name(slug: str) -> None:
    """Raise NameRefused unless a new study may have this short name."""
    try:
        Study._meta.get_field("slug").clean(slug, None)
    except ValidationError as error:
        like_it = slugify(slug)
        hint = f", such as {like_it}" if like_it else ""
        raise NameRefused(
            f"A study's short name stands in its address, and “{slug}” cannot: it takes letters "
            f"from a to z, digits, hyphens and underscores, at most 120 of them{hint}."
        ) from error
    if Study.objects.filter(slug=slug).exists():
        raise NameRefused(f"There is a study “{slug}” already. Give this one another short name.")


def set_models(*, study: Study, models: Iterable[GenerativeModel]) -> None:
    """Make these the study's models, in this order."""
    ensure_draft(study)
    study.study_models.all().delete()
    StudyModel.objects.bulk_create(
        StudyModel(study=study, model=model, position=position)
        for position, model in enumerate(dict.fromkeys(models))
    )


def set_prompts(*, study: Study, prompts: Iterable[Prompt]) -> None:
    """Make these the study's prompts, in this order. One id stands for one text."""
    ensure_draft(study)
    prompts = list(dict.fromkeys(prompts))
    repeated = [key for key, n in Counter(prompt.key for prompt in prompts).items() if n > 1]
    if repeated:
        raise TransitionRefused(f"These prompt ids stand for two texts: {', '.join(repeated)}.")
    study.study_prompts.all().delete()
    StudyPrompt.objects.bulk_create(
        StudyPrompt(study=study, prompt=prompt, position=position)
        for position, prompt in enumerate(prompts)
    )


def add_to_draft(
    *, study: Study, models: Iterable[GenerativeModel], prompts: Iterable[Prompt]
) -> None:
    """Add models and prompts to those of a draft, after them.

    A prompt that had no source gives way to the same one with a source.
    """
    new = list(prompts)
    came = {(prompt.key, prompt.text): prompt for prompt in new}
    own = [row.prompt for row in study.study_prompts.select_related("prompt")]
    kept = [one if one.source else came.get((one.key, one.text), one) for one in own]
    own_models = [row.model for row in study.study_models.select_related("model")]
    set_models(study=study, models=[*own_models, *models])
    set_prompts(study=study, prompts=[*kept, *new])


def prompts_as_corrected(study: Study) -> dict[int, int]:
    """The study's prompts that were corrected, by the one whose text the models were told."""
    corrected = study.study_prompts.exclude(told=None).order_by()
    return dict(corrected.values_list("told", "prompt"))


def ensure_draft(study: Study) -> None:
    """Raise unless the study can still be changed."""
    if study.state == StudyState.DRAFT:
        return
    ensure_not_frozen(study)
    raise TransitionRefused(
        f"The study is {study.get_state_display().lower()}. Put it back to draft to change it."
    )


def model_pairs(study: Study) -> list[tuple[GenerativeModel, GenerativeModel]]:
    """The models to compare, each in its fixed order a, b."""
    if study.pairing == Pairing.LISTED:
        listed = ModelPair.objects.filter(study=study).select_related("model_a", "model_b")
        return [(pair.model_a, pair.model_b) for pair in listed]
    models = [row.model for row in study.study_models.select_related("model")]
    firsts = models[:1] if study.pairing == Pairing.AGAINST_FIRST else models
    return [(first, second) for index, first in enumerate(firsts) for second in models[index + 1 :]]


def start_preparing(*, study: Study) -> None:
    """Leave the draft: comparisons are made as soon as their clips are there.

    Raises
    ------
    TransitionRefused
        Something is missing in the set-up; the message lists it.
    """
    missing = missing_in_setup(study)
    if missing:
        raise TransitionRefused("Before preparing, " + "; ".join(missing) + ".")
    with transaction.atomic():
        _move(study, StudyState.PREPARING, frozen_as=new_token())
        # Whom each clip meets may have changed in the draft.
        study.roster.update(is_new=True)


def open_study(*, study: Study, now: datetime) -> None:
    """Let raters in. At least one comparison must be ready."""
    if not study.comparisons.counted().ready().exists():
        raise TransitionRefused(
            "No comparison is ready yet. Wait until they are prepared, or see which clips "
            "are missing."
        )
    _move(study, StudyState.OPEN)
    Study.objects.filter(pk=study.pk, opened_at=None).update(opened_at=now)
    study.refresh_from_db()


def pause_study(*, study: Study) -> None:
    """Give out no comparisons until the study is opened again."""
    _move(study, StudyState.PAUSED)


def close_study(*, study: Study, now: datetime) -> None:
    """End the study for good."""
    _move(study, StudyState.CLOSED, closed_at=now)


def return_to_draft(*, study: Study) -> None:
    """Undo the preparation so that the set-up can change; refused once a rater was given work."""
    with transaction.atomic():
        ensure_not_frozen(study)
        if Assignment.objects.filter(comparison__study=study).exists():
            raise ProtocolFrozen
        _move(study, StudyState.DRAFT, frozen_as="")
        study.comparisons.all().delete()
        study.checks.filter(role__in=OF_ONE_CLIP).delete()


def missing_in_setup(study: Study) -> list[str]:
    """What a study still needs before it can be prepared, as parts of a sentence."""
    missing = []
    if not model_pairs(study):
        missing.append("choose at least two models (or list a model pair)")
    if not study.study_prompts.exists():
        missing.append("add prompts")
    if study.needs_source and study.prompts.filter(source="").exists():
        missing.append("give every prompt its image or clip (manage.py import_prompts)")
    axes = list(study.axes.prefetch_related("reasons"))
    if not axes:
        missing.append("add at least one axis")
    if study.protocol == Protocol.JUICE:
        missing += [
            f"give the axis “{axis.key}” reasons" for axis in axes if not axis.reasons.all()
        ]
    return missing


HELD_STATE = Prepared(
    lambda: Study.objects.filter(pk=given_id("study")).order_by().values_list("state", flat=True),
    on_postgres="FOR SHARE",
)


def hold_state(study_id: int) -> str:
    """The study's state, which nobody can change before this transaction ends.

    A shared lock: raters do not wait for each other, only for who pauses or closes the study.
    SQLite has one writer at a time, which says the same.
    """
    [state] = HELD_STATE.all(study=study_id)
    return str(state)


def _move(study: Study, target: StudyState, **values: Any) -> None:
    """Change the state if it is still one that leads there; else TransitionRefused."""
    movable = Study.objects.filter(pk=study.pk, state__in=ALLOWED_FROM[target])
    moved = movable.update(state=target, **values)
    study.refresh_from_db()
    if not moved:
        raise TransitionRefused(
            f"A study that is {study.get_state_display().lower()} cannot become "
            f"{target.label.lower()}."
        )
