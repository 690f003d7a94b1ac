"""Veo on Vertex.

`base_url` ends in `/v1/projects/<project>/locations/<place>/publishers/google/models`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from generation.adapters.addresses import origin_of
from generation.adapters.answers import failure, json_object, raise_for_answer, submission_in
from generation.adapters.base import (
    MAX_CLIP_BYTES,
    AuthOrQuotaError,
    Done,
    Pending,
    PermanentError,
    RejectedError,
    Submitted,
)
from generation.adapters.calls import TIMEOUT, HttpAdapter
from generation.adapters.requests import GenerationRequest, Kind, MediaFile
from generation.adapters.traits import MAX_ANSWER_WITH_FILE_BYTES, Traits
from generation.adapters.values import found_at, list_at, object_at, write_base64

STORAGE = "https://storage.googleapis.com"
# Google's own machines get tokens of their service account here, and nowhere else.
METADATA = (
    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"
)
AUTH = ("token", "key", "metadata")
BUCKET = "gs"


class VertexAdapter(HttpAdapter):
    """One model. The endpoint's parameters are those of Veo, such as `resolution`."""

    traits = Traits(
        possible_kinds=frozenset({Kind.TEXT_TO_VIDEO, Kind.IMAGE_TO_VIDEO, Kind.VIDEO_EXTENSION}),
        usual_kinds=(Kind.TEXT_TO_VIDEO, Kind.IMAGE_TO_VIDEO),
        forgets_jobs=False,
        usual_fields={
            "prompt": "prompt",
            "negative_prompt": "negativePrompt",
            "seed": "seed",
            "seconds": "durationSeconds",
            "ratio": "aspectRatio",
        },
        own_options=frozenset({"auth", "storage_url"}),
        can_cancel=False,
        largest_answer=MAX_ANSWER_WITH_FILE_BYTES,
    )

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        if "enhancePrompt" not in values["parameters"]:
            self.parameters["enhancePrompt"] = False

    def usual_choices(self, option: str) -> tuple[Any, ...] | None:
        return ("16:9", "9:16") if option == "ratios" else None

    def problems(self) -> list[str]:
        found = super().problems()
        if self.options.get("auth", AUTH[0]) not in AUTH:
            found.append(f"The option auth is one of: {', '.join(AUTH)}.")
        return found

    def headers(self) -> dict[str, str]:
        auth = self.options.get("auth")
        if auth == "key":
            return {"x-goog-api-key": self.api_key} if self.api_key else {}
        if auth == "metadata":
            return {"Authorization": f"Bearer {own_token()}"}
        return super().headers()

    def submit(self, request: GenerationRequest) -> Submitted:
        """Begin an operation."""
        self.refuse_unsupported(request)
        said = self.words_for(request)
        instance: dict[str, Any] = {"prompt": said.pop("prompt")}
        for name, file in {"image": request.image, "video": request.video}.items():
            if file:
                instance[name] = as_bytes(file)
        body = {
            "instances": [instance],
            "parameters": {"sampleCount": 1, **self.parameters, **said},
        }
        raw = self.send(f"{self._model()}:predictLongRunning", key=request.key, json=body)
        return submission_in(raw, "name")

    def poll(self, remote_id: str) -> Pending | Done:
        """How it stands: done may mean an error, or that a filter took the clip away."""
        raw = self._operation(remote_id)
        if not raw.get("done"):
            return Pending()
        if raw.get("error"):
            raise failure(raw["error"], is_free_text=True)
        clip(raw)
        return self.done(raw)

    def fetch(self, remote_id: str, target: Path) -> None:
        made = clip(self._operation(remote_id))
        if made.get("bytesBase64Encoded"):
            write_base64(made["bytesBase64Encoded"], target, MAX_CLIP_BYTES)
        else:
            address = str(made.get("gcsUri") or made.get("uri") or "")
            self.fetch_result(self._web_address(address), target)

    def is_keyed(self, url: str) -> bool:
        """Clips lie in a bucket of the project, which wants the same key."""
        return super().is_keyed(url) or origin_of(url) == origin_of(self._storage())

    def _operation(self, remote_id: str) -> dict[str, Any]:
        body = {"operationName": remote_id}
        return self.ask("POST", f"{self._model()}:fetchPredictOperation", json=body)

    def _model(self) -> str:
        return f"/{quote(self.remote_model, safe='')}"

    def _storage(self) -> str:
        return str(self.options.get("storage_url") or STORAGE)

    def _web_address(self, address: str) -> str:
        parts = urlsplit(address)
        if parts.scheme != BUCKET:
            return address
        name = quote(parts.path.lstrip("/"), safe="")
        return f"{self._storage()}/storage/v1/b/{parts.netloc}/o/{name}?alt=media"


def clip(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The clip of an operation that is done.

    Raises
    ------
    RejectedError
        A filter took it away.
    PermanentError
        There is none.
    """
    answer = raw.get("response")
    for place in ("videos.0", "generateVideoResponse.generatedSamples.0.video"):
        if found := object_at(answer, place):
            return found
    if count := found_at(answer, "raiMediaFilteredCount"):
        reasons = list_at(answer, "raiMediaFilteredReasons")
        words = "; ".join(map(str, reasons)) or f"{count} filtered, without a reason."
        raise RejectedError(f"Google's filter took the clip away: {words}")
    raise PermanentError("Google finished without a clip.")


def as_bytes(file: MediaFile) -> dict[str, str]:
    return {"bytesBase64Encoded": file.as_base64(), "mimeType": file.media_type}


def own_token() -> str:
    """A token of the service account of the Google machine that this runs on."""
    try:
        answer = httpx.get(METADATA, headers={"Metadata-Flavor": "Google"}, timeout=TIMEOUT)
    except httpx.HTTPError as error:
        raise AuthOrQuotaError(f"This machine gets no token from Google: {error!r}") from error
    raise_for_answer(answer)
    token = json_object(answer).get("access_token")
    if not token:
        raise AuthOrQuotaError("This machine's answer from Google holds no token.")
    return str(token)
