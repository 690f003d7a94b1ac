"""Replicate: `base_url` is https://api.replicate.com/v1.

The model's name is `owner/name`, `owner/name:version`, a bare version, or `deployments/owner/name`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from generation.adapters.answers import failure, not_older, rest_is_older, submission_in
from generation.adapters.base import Done, Pending, PermanentError, RemoteJob, Submitted
from generation.adapters.calls import HttpAdapter
from generation.adapters.requests import GenerationRequest
from generation.adapters.traits import Traits
from generation.adapters.values import found_at, time_of

MAX_PAGES = 50
is_version = re.compile(r"[0-9a-f]{64}")
STOPPED = ("canceled", "aborted")


class ReplicateAdapter(HttpAdapter):
    """One model; `fields` says what its input takes, since every model has its own words."""

    traits = Traits(
        forgets_jobs=False,
        usual_fields={"prompt": "prompt", "image": "image", "video": "video"},
        own_options=frozenset({"output", "cancel_after"}),
        can_list=True,
    )

    def submit(self, request: GenerationRequest) -> Submitted:
        """Make a prediction."""
        self.refuse_unsupported(request)
        wanted = {**self.parameters, **self.words_for(request), **self.data_uris_for(request)}
        path, version = self._place()
        limit = self.options.get("cancel_after")
        headers = {"Cancel-After": str(limit)} if limit else {}
        body = {**version, "input": wanted}
        return submission_in(self.send(path, key=request.key, headers=headers, json=body))

    def poll(self, remote_id: str) -> Pending | Done:
        raw = self.ask("GET", path_of(remote_id))
        status = raw.get("status")
        if status == "succeeded":
            self._output(raw)
            return self.done(raw)
        if status == "failed":
            raise failure(raw.get("error"), is_free_text=True)
        if status in STOPPED:
            raise PermanentError(f"Replicate stopped the prediction: {status}.")
        return Pending()

    def fetch(self, remote_id: str, target: Path) -> None:
        self.fetch_result(self._output(self.ask("GET", path_of(remote_id))), target)

    def cancel(self, remote_id: str) -> None:
        self.stop("POST", f"{path_of(remote_id)}/cancel")

    def list_since(self, since: datetime) -> list[RemoteJob]:
        """The account's predictions made since then, newest first."""
        found: list[RemoteJob] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            asked = {"cursor": cursor} if cursor else {}
            page = self.ask("GET", "/predictions", params=asked)
            rows = page.get("results")
            if not isinstance(rows, list):
                raise PermanentError("The endpoint's list of jobs has no results.")
            jobs = [self._remote_job(raw) for raw in rows if isinstance(raw, Mapping)]
            found += not_older(jobs, since)
            cursor = cursor_in(page.get("next"))
            if not cursor or not jobs or rest_is_older(jobs, since):
                return found
        raise PermanentError("The endpoint's list of jobs does not end.")

    def _place(self) -> tuple[str, dict[str, str]]:
        name, _, version = self.remote_model.partition(":")
        if version or is_version.fullmatch(name):
            return "/predictions", {"version": version or name}
        if name.startswith("deployments/"):
            return f"/{quote(name)}/predictions", {}
        return f"/models/{quote(name)}/predictions", {}

    def _output(self, raw: Mapping[str, Any]) -> str:
        """The address of the clip: the output itself, the first of it, or what `output` names."""
        output = raw.get("output")
        found = found_at(output, str(self.options["output"])) if "output" in self.options else None
        found = found or (output[0] if isinstance(output, list) and output else output)
        if isinstance(found, str) and found:
            return found
        if raw.get("data_removed"):
            raise PermanentError("Replicate has deleted the clip: it keeps clips for an hour.")
        raise PermanentError("Replicate finished without the address of a clip.")

    def _remote_job(self, raw: Mapping[str, Any]) -> RemoteJob:
        wanted = raw.get("input")
        said = wanted if isinstance(wanted, Mapping) else {}
        model, version = str(raw.get("model") or ""), str(raw.get("version") or "")
        seed = said.get(self.fields.get("seed", "seed"))
        is_ours = self.remote_model in (model, version, f"{model}:{version}")
        return RemoteJob(
            remote_id=str(raw.get("id") or ""),
            # A deployment's predictions name the model behind it.
            model=""
            if self.remote_model.startswith("deployments/")
            else self.remote_model
            if is_ours
            else model,
            prompt=str(said.get(self.fields["prompt"]) or ""),
            created_at=time_of(raw.get("created_at")),
            seed=seed if isinstance(seed, int) else None,
        )


def cursor_in(address: object) -> str | None:
    found = parse_qs(urlsplit(str(address or "")).query).get("cursor")
    return found[0] if found else None


def path_of(remote_id: str) -> str:
    return f"/predictions/{quote(remote_id, safe='')}"
