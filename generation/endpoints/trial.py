"""Try an endpoint out with one job before a study relies on it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from annotations.enums import StudyKind
from annotations.models import Prompt, Study
from annotations.services.clips.prompt_lists import key_of
from generation.adapters.base import PermanentError
from generation.adapters.registry import UPLOAD, capabilities_of
from generation.adapters.requests import FROM_A_VIDEO, FROM_AN_IMAGE, Kind
from generation.endpoints.suitability import EndpointUnsuited, unsupported_by
from generation.enums import Priority
from generation.models import Endpoint, Job

KEY = "test-of-an-endpoint"
USUAL_PROMPT = "A fox dressed in a suit dancing in a park"


def plan_trial(
    *,
    endpoint: Endpoint,
    text: str,
    now: datetime,
    study: Study | None = None,
    like: Prompt | None = None,
) -> Job:
    """Plan one job that belongs to no study and counts by the endpoint's limits and budgets.

    Its prompt is a prompt of its own, so that no study finds the clip.

    Parameters
    ----------
    study
        Whose kind of clip is asked for; without one, a clip from text.
    like
        A prompt whose source the model starts from.

    Raises
    ------
    EndpointUnsuited
        The endpoint is called by nobody, or its model cannot take what is asked.
    """
    ensure_can_be_tried(endpoint, text, study, like)
    with transaction.atomic():
        # One at a time, so that each gets a seed of its own.
        Endpoint.objects.select_for_update().get(pk=endpoint.pk)
        prompt = _prompt_of_trial(text, like)
        seeds = Job.objects.filter(endpoint=endpoint, prompt=prompt).aggregate(last=Max("seed"))
        return Job.objects.create(
            endpoint=endpoint,
            prompt=prompt,
            study=study,
            seed=0 if seeds["last"] is None else seeds["last"] + 1,
            is_trial=True,
            priority=Priority.FIRST,
            wake_at=now,
        )


def ensure_can_be_tried(
    endpoint: Endpoint, text: str, study: Study | None = None, like: Prompt | None = None
) -> None:
    """Refuse what would end before anything is sent.

    Raises
    ------
    EndpointUnsuited
    """
    if endpoint.adapter == UPLOAD:
        raise EndpointUnsuited(f"{endpoint} is never called: its clips are imported.")
    if not endpoint.is_active:
        raise EndpointUnsuited(f"{endpoint} is switched off. Switch it on to try it.")
    kind = Kind(study.kind) if study else kind_without_study(endpoint)
    problems = unsupported_by(endpoint, [text], kind)
    if kind in (*FROM_AN_IMAGE, *FROM_A_VIDEO) and not (like and like.source):
        problems.append(f"{kind} without a source: choose a prompt of a study that has one")
    if problems:
        raise EndpointUnsuited(f"{endpoint} cannot be tested so: {'; '.join(problems)}.")


def kind_without_study(endpoint: Endpoint) -> Kind:
    """From text, if the model makes anything from text."""
    try:
        kinds = capabilities_of(endpoint).kinds
    except PermanentError:
        kinds = frozenset()
    for kind in (Kind.TEXT_TO_VIDEO, Kind.TEXT_TO_IMAGE):
        if kind in kinds:
            return kind
    return min(kinds, default=Kind(StudyKind.TEXT_TO_VIDEO))


def _prompt_of_trial(text: str, like: Prompt | None) -> Prompt:
    """The same text and source, under an id that no file of prompts has."""
    source = like if like and like.source else None
    sha256 = source.source_sha256 if source else ""
    copied = ("source", "source_kind", "source_sha256", "source_seconds", "shown_source")
    return Prompt.objects.get_or_create(
        key=f"{KEY}-{key_of(text)}",
        digest=Prompt.digest_of(text, sha256),
        defaults={
            "text": text,
            **({name: getattr(source, name) for name in copied} if source else {}),
        },
    )[0]
