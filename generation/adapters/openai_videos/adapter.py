"""The `/v1/videos` protocol that self-hosted servers share (vLLM-Omni, SGLang, gateways)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from generation.adapters.answers import failure, not_older, rest_is_older, submission_in
from generation.adapters.base import (
    Done,
    Pending,
    PermanentError,
    RemoteJob,
    Submitted,
    UnsupportedError,
    VanishedError,
)
from generation.adapters.bodies import as_form
from generation.adapters.calls import HttpAdapter
from generation.adapters.requests import GenerationRequest, Kind
from generation.adapters.traits import Traits
from generation.adapters.values import found_at, percentage, time_of

PAGE = 100
MAX_PAGES = 50
# vLLM-Omni reads forms only; the others read JSON, and forms where a file is sent.
FORM_ONLY = "vllm-omni"
VARIANTS = ("openai", FORM_ONLY, "sglang")
LENGTH_FIELDS = {"num_frames", "seconds"}


class OpenAIVideosAdapter(HttpAdapter):
    """One model of one server; `base_url` goes up to and including `/v1`."""

    traits = Traits(
        possible_kinds=frozenset({Kind.TEXT_TO_VIDEO, Kind.IMAGE_TO_VIDEO, Kind.VIDEO_EXTENSION}),
        usual_seconds="text",
        usual_fields={
            "prompt": "prompt",
            "seed": "seed",
            "seconds": "seconds",
            "size": "size",
            "image": "input_reference",
            "video": "input_reference",
        },
        own_options=frozenset({"variant", "poll", "content"}),
        can_list=True,
        largest_input=100 * 1024**2,
    )

    def usual_names(self) -> Mapping[str, str]:
        if self.options.get("variant") == FORM_ONLY:
            return {**self.traits.usual_fields, "negative_prompt": "negative_prompt"}
        return self.traits.usual_fields

    def problems(self) -> list[str]:
        found = super().problems()
        for option, known in {"variant": VARIANTS, "poll": ("item", "list")}.items():
            if self.options.get(option, known[0]) not in known:
                found.append(f"The option {option} is one of: {', '.join(known)}.")
        return found

    def submit(self, request: GenerationRequest) -> Submitted:
        """Ask for a video; the answer is the server's id of the job."""
        self.refuse_unsupported(request)
        body = {**self.parameters, "model": self.remote_model, **self.words_for(request)}
        if self.options.get("variant") == FORM_ONLY and not LENGTH_FIELDS & body.keys():
            raise UnsupportedError("vLLM-Omni makes one frame: give num_frames or seconds.")
        files = self.files_for(request)
        is_form = self.is_multipart or self.options.get("variant") == FORM_ONLY or files
        content = as_form(body, files) if is_form else {"json": body}
        return submission_in(self.send("/videos", key=request.key, **content))

    def poll(self, remote_id: str) -> Pending | Done:
        """How the job stands. A status that is not known counts as pending.

        Raises
        ------
        VanishedError
            The server does not know it, for example after a restart.
        RejectedError, PermanentError
            It failed, in the server's words.
        RetryableError, RateLimitedError, AuthOrQuotaError
            The question could not be answered now.
        """
        raw = self._job(remote_id)
        status = raw.get("status")
        if status == "completed":
            return self.done(dict(raw))
        if status == "failed":
            raise failure(raw.get("error"))
        if status in ("cancelled", "canceled"):
            raise PermanentError("The endpoint cancelled the job.")
        return Pending(progress=percentage(raw.get("progress")))

    def fetch(self, remote_id: str, target: Path) -> None:
        """Stream the clip into a file, within bounds of size and time."""
        where = self.options.get("content")
        if where:
            self.fetch_result(found_at(self._job(remote_id), str(where)), target)
        else:
            self.fetch_own(f"{path_of(remote_id)}/content", target)

    def cancel(self, remote_id: str) -> None:
        """Ask the server to stop the job; one that it does not know is as good as stopped."""
        self.stop("DELETE", path_of(remote_id))

    def list_since(self, since: datetime) -> list[RemoteJob]:
        """The server's jobs made since then, newest first.

        Raises
        ------
        PermanentError
            It has no list, or one without end.
        """
        found: list[RemoteJob] = []
        for page in self._pages():
            jobs = [remote_job(raw) for raw in page]
            found += not_older(jobs, since)
            if rest_is_older(jobs, since):
                break
        return found

    def _job(self, remote_id: str) -> Mapping[str, Any]:
        if self.options.get("poll") != "list":
            return self.ask("GET", path_of(remote_id))
        for page in self._pages():
            for raw in page:
                if str(raw.get("id")) == remote_id:
                    return raw
        raise VanishedError("The endpoint's list does not hold the job.")

    def _pages(self) -> Iterator[list[Mapping[str, Any]]]:
        after: str | None = None
        for _ in range(MAX_PAGES):
            page = self._page(after)
            jobs = [raw for raw in page["data"] if isinstance(raw, Mapping)]
            if jobs:
                yield jobs
            if not page.get("has_more") or not jobs:
                return
            after = str(jobs[-1].get("id") or "")
        raise PermanentError("The endpoint's list of jobs does not end.")

    def _page(self, after: str | None) -> Mapping[str, Any]:
        asked = {"limit": str(PAGE), "order": "desc", **({"after": after} if after else {})}
        try:
            page = self.ask("GET", "/videos", params=asked)
        except VanishedError as error:
            raise PermanentError(f"The endpoint has no list of jobs: {error}") from error
        if not isinstance(page.get("data"), list):
            raise PermanentError("The endpoint's list of jobs has no data.")
        return page


def path_of(remote_id: str) -> str:
    return f"/videos/{quote(remote_id, safe='')}"


def remote_job(raw: Mapping[str, Any]) -> RemoteJob:
    seed = raw.get("seed")
    return RemoteJob(
        remote_id=str(raw.get("id") or ""),
        model=str(raw.get("model") or ""),
        prompt=str(raw.get("prompt") or ""),
        created_at=time_of(raw.get("created_at")),
        seed=seed if isinstance(seed, int) else None,
    )
