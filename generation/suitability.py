"""Whether the endpoints of a study can make what it asks for, before anything is sent."""

from __future__ import annotations

from annotations.errors import JuiceError
from annotations.models import Study
from generation.adapters.base import GenerationRequest, Kind, PermanentError
from generation.adapters.registry import UPLOAD, capabilities_of
from generation.models import Endpoint


class EndpointUnsuited(JuiceError):
    """An endpoint's model cannot take what the study asks; nothing was planned."""


def ensure_can_make(study: Study) -> None:
    """Refuse a study that an endpoint could make in part only.

    Raises
    ------
    EndpointUnsuited
        Each endpoint with what its model cannot take.
    """
    endpoints = Endpoint.objects.filter(model__studies=study, is_active=True)
    texts = list(study.study_prompts.values_list("prompt__text", flat=True))
    kind = Kind(study.kind)
    found = [
        f"{endpoint} cannot make this study: {'; '.join(words)}."
        for endpoint in endpoints.exclude(adapter=UPLOAD)
        if (words := unsupported_by(endpoint, texts, kind))
    ]
    if found:
        raise EndpointUnsuited(" ".join(found))


def unsupported_by(endpoint: Endpoint, texts: list[str], kind: Kind) -> list[str]:
    """What the endpoint's model cannot take of these prompts, each thing once."""
    try:
        capabilities = capabilities_of(endpoint)
    except PermanentError as error:
        return [str(error).rstrip(".")]
    requests = (GenerationRequest(prompt=text, kind=kind) for text in texts)
    return list(dict.fromkeys(words for one in requests for words in capabilities.unsupported(one)))
