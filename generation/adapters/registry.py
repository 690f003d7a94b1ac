"""From an endpoint's row to the adapter that talks to it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from generation.adapters.base import Adapter, AuthOrQuotaError, PermanentError
from generation.adapters.openai_videos.adapter import OpenAIVideosAdapter
from generation.enums import BodyEncoding

if TYPE_CHECKING:
    from generation.models import Endpoint

ADAPTERS = {"openai_videos": "OpenAI-compatible /v1/videos"}


def adapter_for(endpoint: Endpoint) -> Adapter:
    """An adapter for this endpoint, with the key from the environment.

    Raises
    ------
    AuthOrQuotaError
        The variable that should hold the key is not set, or holds no key.
    PermanentError
        The endpoint's parameters are no object.
    """
    if not isinstance(endpoint.parameters, dict):
        raise PermanentError(f"The parameters of {endpoint} are not a JSON object.")
    return OpenAIVideosAdapter(
        base_url=endpoint.base_url,
        remote_model=endpoint.remote_model,
        parameters=endpoint.parameters,
        api_key=_api_key(endpoint.api_key_env),
        is_multipart=endpoint.body_encoding == BodyEncoding.MULTIPART,
        is_internal=endpoint.is_internal,
    )


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
