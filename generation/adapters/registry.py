"""From an endpoint's row to the adapter that talks to it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from generation.adapters.base import Adapter, AuthOrQuotaError
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
        The variable that should hold the key is not set.
    """
    return OpenAIVideosAdapter(
        base_url=endpoint.base_url,
        remote_model=endpoint.remote_model,
        parameters=endpoint.parameters,
        api_key=_api_key(endpoint.api_key_env),
        is_multipart=endpoint.body_encoding == BodyEncoding.MULTIPART,
        is_internal=endpoint.is_internal,
    )


def _api_key(variable: str) -> str:
    if variable and variable not in os.environ:
        raise AuthOrQuotaError(f"The environment variable {variable} is not set for the workers.")
    return os.environ.get(variable, "") if variable else ""
