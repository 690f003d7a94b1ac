"""Gemini's Interactions: `base_url` is https://generativelanguage.googleapis.com/v1beta.

The endpoint's parameters are fields of `response_format`, such as `resolution`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from generation.adapters.answers import failure, submission_in
from generation.adapters.base import MAX_CLIP_BYTES, Done, Pending, PermanentError, Submitted
from generation.adapters.calls import HttpAdapter
from generation.adapters.requests import GenerationRequest, Kind, Rewriting
from generation.adapters.traits import MAX_ANSWER_WITH_FILE_BYTES, Traits
from generation.adapters.values import found_at, list_at, write_base64

PENDING = ("queued", "in_progress")


class InteractionsAdapter(HttpAdapter):
    """One model. It knows no seed, no negative prompt and no size."""

    traits = Traits(
        possible_kinds=frozenset(
            {
                Kind.TEXT_TO_VIDEO,
                Kind.IMAGE_TO_VIDEO,
                Kind.VIDEO_EXTENSION,
                Kind.TEXT_TO_IMAGE,
                Kind.IMAGE_EDITING,
            }
        ),
        usual_kinds=(Kind.TEXT_TO_VIDEO, Kind.IMAGE_TO_VIDEO),
        forgets_jobs=False,
        usual_fields={"prompt": "text", "seconds": "duration", "ratio": "aspect_ratio"},
        largest_answer=MAX_ANSWER_WITH_FILE_BYTES,
    )

    def usual_choices(self, option: str) -> tuple[Any, ...] | None:
        return ("16:9", "9:16") if option == "ratios" else None

    def rewriting(self) -> Rewriting:
        return Rewriting.UNKNOWN

    def headers(self) -> dict[str, str]:
        return {"x-goog-api-key": self.api_key} if self.api_key else {}

    def submit(self, request: GenerationRequest) -> Submitted:
        """Begin an interaction in the background."""
        self.refuse_unsupported(request)
        makes_image = request.kind in (Kind.TEXT_TO_IMAGE, Kind.IMAGE_EDITING)
        said = self.words_for(request)
        form = {
            "type": "image" if makes_image else "video",
            # A clip is too large to stand in the answer itself.
            "delivery": "uri",
            **self.parameters,
            **{name: value for name, value in said.items() if name != "text"},
        }
        body = {
            "model": self.remote_model,
            "input": [{"type": "text", "text": request.prompt}, *inputs(request)],
            "background": True,
            "response_format": form,
        }
        return submission_in(self.send("/interactions", key=request.key, json=body))

    def poll(self, remote_id: str) -> Pending | Done:
        """How it stands; what waits for an action or for money of ours will never go on."""
        raw = self.ask("GET", path_of(remote_id))
        status = raw.get("status")
        if status == "completed":
            clip_in(raw)
            return self.done(raw)
        if status in ("failed", "incomplete", "cancelled"):
            raise failure(raw.get("error") or f"Google ended it: {status}.", is_free_text=True)
        if status in ("requires_action", "requires_continuation", "budget_exceeded"):
            raise PermanentError(f"Google does not go on with it: {status}.")
        return Pending()

    def fetch(self, remote_id: str, target: Path) -> None:
        clip = clip_in(self.ask("GET", path_of(remote_id)))
        if clip.get("data"):
            write_base64(clip["data"], target, MAX_CLIP_BYTES)
        else:
            self.fetch_result(clip.get("uri"), target)

    def cancel(self, remote_id: str) -> None:
        self.stop("POST", f"{path_of(remote_id)}/cancel")


def inputs(request: GenerationRequest) -> Iterator[dict[str, str]]:
    for kind, file in (("image", request.image), ("video", request.video)):
        if file:
            yield {"type": kind, "data": file.as_base64(), "mime_type": file.media_type}


def clip_in(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The clip or picture that the model gave, never one that it was given.

    Raises
    ------
    PermanentError
        There is none, which happens although the interaction is completed.
    """
    for part in outputs(raw):
        is_media = part.get("type") in ("video", "image", None)
        if is_media and (part.get("uri") or part.get("data")):
            return part
    raise PermanentError("Google completed it without a clip.")


def outputs(raw: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Parts of the answer, in each of the shapes that are documented."""
    steps = [step for step in list_at(raw, "steps") if found_at(step, "type") == "model_output"]
    parts = [part for step in steps for part in list_at(step, "content")]
    parts += [raw.get("output_video"), raw.get("output_image"), *list_at(raw, "outputs")]
    return (part for part in parts if isinstance(part, Mapping))


def path_of(remote_id: str) -> str:
    return f"/interactions/{quote(remote_id, safe='')}"
