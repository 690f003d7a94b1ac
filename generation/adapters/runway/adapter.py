"""Runway: `base_url` is https://api.dev.runwayml.com/v1."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from generation.adapters.answers import failure, submission_in
from generation.adapters.base import Done, Pending, PermanentError, Submitted
from generation.adapters.calls import HttpAdapter
from generation.adapters.requests import GenerationRequest, Kind
from generation.adapters.traits import Traits
from generation.adapters.values import found_at, percentage

API_VERSION = "2024-11-06"
PATHS = {
    Kind.TEXT_TO_VIDEO: "/text_to_video",
    Kind.IMAGE_TO_VIDEO: "/image_to_video",
    Kind.TEXT_TO_IMAGE: "/text_to_image",
}
FROM_IMAGES_ONLY = "gen4_turbo"
LENGTHS = {"gen4.5": tuple(range(2, 11))}
NEGATIVE = "veo"


class RunwayAdapter(HttpAdapter):
    """One of the models that Runway sells, its own or another maker's."""

    traits = Traits(
        possible_kinds=frozenset(PATHS),
        forgets_jobs=False,
        usual_fields={
            "prompt": "promptText",
            "seed": "seed",
            "seconds": "duration",
            "size": "ratio",
            "image": "promptImage",
        },
        own_options=frozenset({"api_version"}),
        usual_prices={"cost.credits": 1},
        longest_prompt=1000,
        # A data URI of five megabytes, which is a third larger than its file.
        largest_input=5_000_000 * 3 // 4 - 100,
        # 429 means that the day's generations are used up.
        pause_when_limited=3600.0,
    )

    def usual_names(self) -> Mapping[str, str]:
        if self.remote_model.startswith(NEGATIVE):
            return {**self.traits.usual_fields, "negative_prompt": "negativePrompt"}
        return self.traits.usual_fields

    def usual_choices(self, option: str) -> tuple[Any, ...] | None:
        return LENGTHS.get(self.remote_model) if option == "lengths" else None

    def _kinds(self) -> frozenset[Kind]:
        kinds = super()._kinds()
        if self.remote_model == FROM_IMAGES_ONLY and not self.options.get("kinds"):
            return frozenset({Kind.IMAGE_TO_VIDEO})
        return kinds

    def headers(self) -> dict[str, str]:
        version = str(self.options.get("api_version") or API_VERSION)
        return {**super().headers(), "X-Runway-Version": version}

    def submit(self, request: GenerationRequest) -> Submitted:
        """Make a task."""
        self.refuse_unsupported(request)
        body = {**self.parameters, "model": self.remote_model, **self.words_for(request)}
        body |= self.data_uris_for(request)
        if request.size:
            # Runway's word for a size in pixels.
            body[self.fields["size"]] = request.size.replace("x", ":")
        return submission_in(self.send(PATHS[request.kind], key=request.key, json=body))

    def poll(self, remote_id: str) -> Pending | Done:
        raw = self.ask("GET", path_of(remote_id))
        status = raw.get("status")
        if status == "SUCCEEDED":
            return self.done(raw)
        if status == "FAILED":
            raise failure({"message": raw.get("failure"), "code": raw.get("failureCode")})
        if status == "CANCELLED":
            raise PermanentError("Runway cancelled the task.")
        return Pending(progress=percentage(raw.get("progress"), whole=1))

    def fetch(self, remote_id: str, target: Path) -> None:
        """Addresses of results run out in a day or two; asking again gives fresh ones."""
        self.fetch_result(found_at(self.ask("GET", path_of(remote_id)), "output.0"), target)

    def cancel(self, remote_id: str) -> None:
        self.stop("DELETE", path_of(remote_id))


def path_of(remote_id: str) -> str:
    return f"/tasks/{quote(remote_id, safe='')}"
