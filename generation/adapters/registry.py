"""From an endpoint's row to the adapter that talks to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from django.utils.module_loading import import_string

from generation.adapters.base import Adapter, AuthOrQuotaError, EndpointRow, PermanentError
from generation.adapters.requests import (
    FROM_A_VIDEO,
    FROM_AN_IMAGE,
    Capabilities,
    GenerationRequest,
    Kind,
    MediaFile,
)
from generation.enums import BodyEncoding

UPLOAD = "upload"

# Each kind of endpoint: what people call it, and the class that talks to it.
ADAPTERS = {
    "openai_videos": (
        "OpenAI-compatible /v1/videos",
        "generation.adapters.openai_videos.adapter.OpenAIVideosAdapter",
    ),
    "openai_images": (
        "OpenAI-compatible /v1/images",
        "generation.adapters.openai_images.adapter.OpenAIImagesAdapter",
    ),
    "http_blocking": (
        "HTTP: one call that returns the file",
        "generation.adapters.http_blocking.adapter.HttpBlockingAdapter",
    ),
    "fal": ("fal", "generation.adapters.fal.adapter.FalAdapter"),
    "replicate": ("Replicate", "generation.adapters.replicate.adapter.ReplicateAdapter"),
    "runway": ("Runway", "generation.adapters.runway.adapter.RunwayAdapter"),
    "google_interactions": (
        "Google Interactions (Gemini Omni)",
        "generation.adapters.google.interactions.InteractionsAdapter",
    ),
    "google_vertex": ("Google Vertex (Veo)", "generation.adapters.google.vertex.VertexAdapter"),
    "comfyui": ("ComfyUI", "generation.adapters.comfyui.adapter.ComfyUIAdapter"),
    "luma": ("Luma", "generation.adapters.luma.adapter.LumaAdapter"),
    UPLOAD: ("None: clips made elsewhere", "generation.adapters.upload.adapter.UploadAdapter"),
}
CHOICES = [(kind, label) for kind, (label, _) in ADAPTERS.items()]


def build_adapter(endpoint: EndpointRow) -> Adapter:
    """An adapter for this endpoint, without a key: enough to know what its model takes.

    Raises
    ------
    PermanentError
        The adapter is not known, or the endpoint's parameters or options are no object.
    """
    for name in ("parameters", "options"):
        if not isinstance(getattr(endpoint, name), dict):
            raise PermanentError(f"The {name} of {endpoint} are not a JSON object.")
    adapter: Adapter = _class_for(endpoint)(
        base_url=endpoint.base_url,
        remote_model=endpoint.remote_model,
        parameters=endpoint.parameters,
        is_multipart=endpoint.body_encoding == BodyEncoding.MULTIPART,
        is_internal=endpoint.is_internal,
        options=endpoint.options,
    )
    return adapter


def adapter_for(endpoint: EndpointRow, adapter: Adapter | None = None) -> Adapter:
    """The endpoint's adapter with the key from the environment, ready for calls.

    Parameters
    ----------
    adapter
        The adapter, if it was built already.

    Raises
    ------
    AuthOrQuotaError
        The variable that should hold the key is not set, or holds no key.
    PermanentError
        See `build_adapter`.
    """
    key = _api_key(endpoint.api_key_env)
    adapter = adapter or build_adapter(endpoint)
    adapter.api_key = key
    return adapter


def capabilities_of(endpoint: EndpointRow) -> Capabilities:
    """What the endpoint's model can be asked for.

    Raises
    ------
    PermanentError
        See `build_adapter`.
    """
    return build_adapter(endpoint).capabilities


def request_for(
    capabilities: Capabilities,
    *,
    prompt: str,
    seed: int,
    key: str,
    kind: Kind | None = None,
    source: MediaFile | None = None,
    asked: Mapping[str, Any] | None = None,
) -> GenerationRequest:
    """What a job asks: its seed counts samples, and is sent where the model takes one.

    Without a kind it is from text, to whichever the endpoint makes. The source goes with the kinds
    that start from one. `asked` is what the study asks of every model, in our words.
    """
    kind = kind or _kind_from_text(capabilities)
    return GenerationRequest(
        prompt=prompt,
        seed=seed if capabilities.takes_seed else None,
        kind=kind,
        image=source if kind in FROM_AN_IMAGE else None,
        video=source if kind in FROM_A_VIDEO else None,
        key=key,
        **(asked or {}),
    )


def _kind_from_text(capabilities: Capabilities) -> Kind:
    makes_images = Kind.TEXT_TO_VIDEO not in capabilities.kinds
    is_image = makes_images and Kind.TEXT_TO_IMAGE in capabilities.kinds
    return Kind.TEXT_TO_IMAGE if is_image else Kind.TEXT_TO_VIDEO


def problems_of(endpoint: EndpointRow) -> list[str]:
    """What is wrong with the endpoint's row."""
    try:
        return build_adapter(endpoint).problems()
    except PermanentError as error:
        return [str(error)]


def is_blocking(endpoint: EndpointRow) -> bool:
    """Whether a submit waits until the clip is made."""
    try:
        blocks: bool = _class_for(endpoint).traits.is_blocking
    except PermanentError:
        return False
    return blocks


def seconds_asked(endpoint: EndpointRow, adapter: Adapter | None = None) -> float | None:
    """The length of the clips that the endpoint's row asks for; None where it does not say."""
    try:
        return (adapter or build_adapter(endpoint)).seconds_asked()
    except PermanentError:
        return None


def _class_for(endpoint: EndpointRow) -> Any:
    if endpoint.adapter not in ADAPTERS:
        raise PermanentError(f"{endpoint} has an adapter that is not known: {endpoint.adapter}.")
    return import_string(ADAPTERS[endpoint.adapter][1])


def _api_key(variable: str) -> str:
    if not variable:
        return ""
    # A file's last newline would end up in the header, and the header in an error.
    key = os.environ.get(variable, "").strip()
    if not key:
        raise AuthOrQuotaError(f"The environment variable {variable} is not set for the workers.")
    if not key.isascii() or not key.isprintable():
        raise AuthOrQuotaError(f"The environment variable {variable} holds no key.")
    return key
