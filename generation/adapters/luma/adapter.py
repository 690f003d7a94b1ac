"""Luma's Dream Machine: `base_url` is https://api.lumalabs.ai/dream-machine/v1."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from generation.adapters.answers import failure, not_older, rest_is_older, submission_in
from generation.adapters.base import Done, Pending, PermanentError, RemoteJob, Submitted
from generation.adapters.calls import HttpAdapter
from generation.adapters.requests import GenerationRequest, Kind
from generation.adapters.traits import Traits
from generation.adapters.values import found_at, time_of

PAGE = 100
MAX_PAGES = 50
PATHS = {Kind.TEXT_TO_VIDEO: "/generations/video", Kind.TEXT_TO_IMAGE: "/generations/image"}
CHOICES: Mapping[str, tuple[Any, ...]] = {
    "lengths": (5, 9),
    "ratios": ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"),
}
MEDIA = ("assets.video", "assets.image")


class LumaAdapter(HttpAdapter):
    """One model. It takes pictures by public address only, so it starts from text alone."""

    traits = Traits(
        possible_kinds=frozenset(PATHS),
        forgets_jobs=False,
        usual_fields={"prompt": "prompt", "seconds": "duration", "ratio": "aspect_ratio"},
        usual_seconds="text with s",
        can_list=True,
    )

    def usual_choices(self, option: str) -> tuple[Any, ...] | None:
        return CHOICES.get(option)

    def submit(self, request: GenerationRequest) -> Submitted:
        """Make a generation."""
        self.refuse_unsupported(request)
        body = {**self.parameters, "model": self.remote_model, **self.words_for(request)}
        return submission_in(self.send(PATHS[request.kind], key=request.key, json=body))

    def poll(self, remote_id: str) -> Pending | Done:
        raw = self.ask("GET", path_of(remote_id))
        state = raw.get("state")
        if state == "completed":
            return self.done(raw)
        if state == "failed":
            reasons = {name: raw.get(name) for name in ("failure_reason", "failure_code")}
            raise failure(reasons, is_free_text=True)
        return Pending()

    def fetch(self, remote_id: str, target: Path) -> None:
        raw = self.ask("GET", path_of(remote_id))
        self.fetch_result(next(filter(None, (found_at(raw, place) for place in MEDIA)), ""), target)

    def cancel(self, remote_id: str) -> None:
        self.stop("DELETE", path_of(remote_id))

    def list_since(self, since: datetime) -> list[RemoteJob]:
        """The account's generations made since then, newest first."""
        found: list[RemoteJob] = []
        for number in range(MAX_PAGES):
            asked = {"limit": str(PAGE), "offset": str(number * PAGE)}
            page = self.ask("GET", "/generations", params=asked)
            rows = page.get("generations")
            if not isinstance(rows, list):
                raise PermanentError("The endpoint's list of jobs has no generations.")
            jobs = [remote_job(raw) for raw in rows if isinstance(raw, Mapping)]
            found += not_older(jobs, since)
            if not page.get("has_more") or not jobs or rest_is_older(jobs, since):
                return found
        raise PermanentError("The endpoint's list of jobs does not end.")


def remote_job(raw: Mapping[str, Any]) -> RemoteJob:
    return RemoteJob(
        remote_id=str(raw.get("id") or ""),
        model=str(raw.get("model") or ""),
        prompt=str(found_at(raw, "request.prompt") or ""),
        created_at=time_of(raw.get("created_at")),
    )


def path_of(remote_id: str) -> str:
    return f"/generations/{quote(remote_id, safe='')}"
