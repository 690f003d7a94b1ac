"""Whether the endpoints of a study can make what it asks for, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from annotations.errors import JuiceError
from annotations.models import Study
from generation.adapters.base import PermanentError
from generation.adapters.registry import UPLOAD, capabilities_of
from generation.adapters.requests import GenerationRequest, Kind
from generation.enums import ENDED_BADLY
from generation.models import ClipSettings, Endpoint, Job


class EndpointUnsuited(JuiceError):
    """An endpoint's model cannot take what the study asks; nothing was planned."""

    code = "endpoint-unsuited"


def ensure_can_make(study: Study) -> None:
    """Refuse a study that an endpoint could make in part only.

    Raises
    ------
    EndpointUnsuited
        Each endpoint with what its model cannot take.
    """
    endpoints = Endpoint.objects.filter(model__studies=study, is_active=True)
    endpoints = endpoints.exclude(adapter=UPLOAD).select_related("first_step")
    texts = list(study.study_prompts.values_list("prompt__text", flat=True))
    asked = asked_by(study)
    found = [
        f"{endpoint} cannot make this study: {'; '.join(words)}."
        for endpoint in endpoints
        if (words := _problems(endpoint, texts, study.kind, asked))
    ]
    if found:
        raise EndpointUnsuited(" ".join(found))
    ensure_made_alike(study, asked)


def asked_by(study: Study) -> dict[str, Any]:
    """What the study asks of every model, beside the prompt."""
    settings = ClipSettings.objects.filter(study=study).first()
    return settings.asked if settings else {}


def ensure_made_alike(study: Study, asked: Mapping[str, Any]) -> None:
    """Refuse to put new clips beside the study's earlier ones if those were asked for otherwise.

    Raises
    ------
    EndpointUnsuited
    """
    if not asked:
        return
    jobs = Job.objects.behind_clips_of(study.pk).filter(endpoint__model__studies=study)
    there = jobs.exclude(state__in=ENDED_BADLY).values_list("endpoint__name", "asked")
    unlike = sorted({name for name, given in there if given != asked})
    if unlike:
        raise EndpointUnsuited(
            f"Clips of {', '.join(unlike)} in this study were made with other settings. Leave the "
            "settings of this study empty, or take those clips out."
        )


def _problems(
    endpoint: Endpoint, texts: list[str], kind: str, asked: Mapping[str, Any]
) -> list[str]:
    first = endpoint.first_step
    if first is None or not is_chained(endpoint, kind):
        return unsupported_by(endpoint, texts, Kind(kind), asked)
    of_first = unsupported_by(first, texts, Kind.TEXT_TO_IMAGE)
    if not first.is_active:
        of_first.append("it is switched off")
    return [
        *(f"its first frame by {first}: {words}" for words in of_first),
        *unsupported_by(endpoint, texts, Kind.IMAGE_TO_VIDEO, asked),
    ]


def is_chained(endpoint: Endpoint, kind: str) -> bool:
    """Whether the endpoint makes this kind in two steps."""
    return kind == Kind.TEXT_TO_VIDEO and endpoint.first_step_id is not None


def unsupported_by(
    endpoint: Endpoint, texts: list[str], kind: Kind, asked: Mapping[str, Any] | None = None
) -> list[str]:
    """What the endpoint's model cannot take of these prompts, each thing once."""
    try:
        capabilities = capabilities_of(endpoint)
    except PermanentError as error:
        return [str(error).rstrip(".")]
    requests = (GenerationRequest(prompt=text, kind=kind, **(asked or {})) for text in texts)
    return list(dict.fromkeys(words for one in requests for words in capabilities.unsupported(one)))


def unsupported_settings(
    endpoint: Endpoint, kind: str, asked: Mapping[str, Any]
) -> dict[str, list[str]]:
    """What the endpoint's model cannot take of a study's settings, by the setting."""
    made = Kind.IMAGE_TO_VIDEO if is_chained(endpoint, kind) else Kind(kind)
    otherwise = unsupported_by(endpoint, [""], made)
    found = {
        name: [
            words
            for words in unsupported_by(endpoint, [""], made, {name: value})
            if words not in otherwise
        ]
        for name, value in asked.items()
    }
    return {name: words for name, words in found.items() if words}
