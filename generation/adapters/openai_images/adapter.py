"""The `/v1/images` protocol: pictures from text, and pictures edited by an instruction."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generation.adapters.base import (
    MAX_CLIP_BYTES,
    AdapterError,
    PermanentError,
    Submitted,
    UnknownOutcomeError,
)
from generation.adapters.blocking import BlockingAdapter, coming_file
from generation.adapters.bodies import as_form
from generation.adapters.held import hold
from generation.adapters.requests import GenerationRequest, Kind, Rewriting
from generation.adapters.traits import MAX_ANSWER_WITH_FILE_BYTES, Traits
from generation.adapters.values import found_at, without_files, write_base64

ALWAYS_REWRITES = "dall-e-3"


class OpenAIImagesAdapter(BlockingAdapter):
    """One model of one server; `base_url` goes up to and including `/v1`."""

    traits = Traits(
        is_blocking=True,
        possible_kinds=frozenset({Kind.TEXT_TO_IMAGE, Kind.IMAGE_EDITING}),
        usual_kinds=(Kind.TEXT_TO_IMAGE,),
        usual_fields={"prompt": "prompt", "size": "size", "image": "image"},
        largest_input=25 * 1024**2,
        largest_answer=MAX_ANSWER_WITH_FILE_BYTES,
    )

    def rewriting(self) -> Rewriting:
        """What it was rewritten to is in the answer, as `revised_prompt`."""
        is_known = self.remote_model.startswith(ALWAYS_REWRITES)
        return Rewriting.ALWAYS if is_known else super().rewriting()

    def submit(self, request: GenerationRequest) -> Submitted:
        """Ask for a picture, wait for it and hold it."""
        self.refuse_unsupported(request)
        body = {**self.parameters, "model": self.remote_model, **self.words_for(request)}
        files = self.files_for(request)
        path = "/images/edits" if request.kind == Kind.IMAGE_EDITING else "/images/generations"
        content = as_form(body, files) if files else {"json": body}
        raw = self.send(path, key=request.key, seconds=self.patience(), **content)
        with coming_file() as file:
            self._save(raw, file)
            held = hold(file, request.key)
            return Submitted(held, without_files(raw), self.cost_in(raw))

    def _save(self, raw: Mapping[str, Any], file: Path) -> None:
        picture = found_at(raw, "data.0") or {}
        if found_at(picture, "b64_json"):
            write_base64(picture["b64_json"], file, MAX_CLIP_BYTES)
            return
        try:
            self.fetch_result(found_at(picture, "url"), file)
        except PermanentError:
            raise
        except AdapterError as error:
            raise UnknownOutcomeError(f"The picture was made and cannot be had: {error}") from error
