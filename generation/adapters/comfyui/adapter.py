"""ComfyUI: a workflow in its API format, with the places where a job's words go.

The option `workflow` is the JSON that ComfyUI saves by "Export (API)". The option `fields` says
where in it our words go, such as `{"prompt": "6.inputs.text", "seed": "3.inputs.seed"}`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from generation.adapters.answers import failure, not_older, plain_words, submission_in
from generation.adapters.base import (
    Done,
    Pending,
    PermanentError,
    RemoteJob,
    Submitted,
    VanishedError,
)
from generation.adapters.bodies import as_form
from generation.adapters.calls import HttpAdapter
from generation.adapters.requests import (
    FROM_A_VIDEO,
    FROM_AN_IMAGE,
    GenerationRequest,
    Kind,
    MediaFile,
    Rewriting,
)
from generation.adapters.traits import Traits
from generation.adapters.values import found_at, list_at, object_at, time_of

VIDEO_SUFFIXES = (".mp4", ".webm", ".mov", ".mkv", ".gif")
STORED = "output"
CLIENT = "juice"
"""Of a workflow that ran from its cache, ComfyUI's history names the files only to a client."""


class ComfyUIAdapter(HttpAdapter):
    """One workflow of one server. ComfyUI keeps its jobs in memory only."""

    traits = Traits(
        possible_kinds=frozenset(Kind),
        usual_fields={},
        own_options=frozenset({"workflow", "output"}),
        can_list=True,
        largest_input=100 * 1024**2,
    )

    def rewriting(self) -> Rewriting:
        """A workflow is the owner's own, and does what its nodes say."""
        return Rewriting.NONE

    def problems(self) -> list[str]:
        found = super().problems()
        if not isinstance(self.options.get("workflow"), Mapping):
            return [*found, "The option workflow is missing: ComfyUI's JSON in its API format."]
        needed = {"prompt"}
        needed |= {"image"} if self._kinds() & set(FROM_AN_IMAGE) else set()
        needed |= {"video"} if self._kinds() & set(FROM_A_VIDEO) else set()
        for word in sorted(needed - self.fields.keys()):
            found.append(f'The option fields says no place for {word}, such as "6.inputs.text".')
        for word, place in self.fields.items():
            if found_at(self.options["workflow"], place) is None:
                found.append(f"The workflow has no {place}, where {word} should go.")
        return found

    def submit(self, request: GenerationRequest) -> Submitted:
        """Upload what the workflow starts from, and put it into the queue."""
        self.refuse_unsupported(request)
        if problems := self.problems():
            raise PermanentError(" ".join(problems))
        workflow = copy.deepcopy(dict(self.options["workflow"]))
        for place, value in self.words_for(request).items():
            put(workflow, place, value)
        for place, file in self.files_for(request).items():
            put(workflow, place, self._uploaded(file))
        # Our own id, so that the job can be found even if the answer is lost.
        own_id = {"prompt_id": request.key} if request.key else {}
        asked = {"prompt": workflow, "client_id": CLIENT, **own_id}
        return submission_in(self.send("/prompt", json=asked), "prompt_id")

    def poll(self, remote_id: str) -> Pending | Done:
        """The queue is read before the history, lest a job that ends in between seem lost."""
        if any(job.remote_id == remote_id for job in self._queued()):
            return Pending()
        entry = self._entry(remote_id)
        if found_at(entry, "status.status_str") == "error":
            raise failure(words_in(entry))
        self._file_of(entry)
        return self.done({"status": entry.get("status"), "outputs": entry.get("outputs")})

    def fetch(self, remote_id: str, target: Path) -> None:
        file = self._file_of(self._entry(remote_id))
        names = ("filename", "subfolder", "type")
        asked = {name: str(file.get(name) or "") for name in names}
        self.fetch_own("/view", target, params=asked)

    def cancel(self, remote_id: str) -> None:
        """Works for a job that waits: ComfyUI can interrupt only whatever runs just now."""
        with self.answering():
            self.call("POST", "/queue", json={"delete": [remote_id]})
        if any(job.remote_id == remote_id for job in self._queued()):
            raise PermanentError("ComfyUI makes it already, and cannot stop one job alone.")

    def list_since(self, since: datetime) -> list[RemoteJob]:
        """Jobs that wait, that run, and that are remembered."""
        history = self.ask("GET", "/history")
        rows = [entry.get("prompt") for entry in history.values() if isinstance(entry, Mapping)]
        return not_older([*self._queued(), *self._jobs(rows)], since)

    def _entry(self, remote_id: str) -> Mapping[str, Any]:
        entry = self.ask("GET", f"/history/{quote(remote_id, safe='')}").get(remote_id)
        if not isinstance(entry, Mapping):
            raise VanishedError("ComfyUI does not know the job: it was restarted, perhaps.")
        return entry

    def _queued(self) -> list[RemoteJob]:
        queue = self.ask("GET", "/queue")
        rows = [*list_at(queue, "queue_running"), *list_at(queue, "queue_pending")]
        return list(self._jobs(rows))

    def _jobs(self, rows: list[Any]) -> Iterator[RemoteJob]:
        """From rows of a number, an id, a workflow and further data."""
        for row in rows:
            if not isinstance(row, list) or len(row) < 3:
                continue
            seed = found_at(row[2], self.fields.get("seed", ""))
            yield RemoteJob(
                remote_id=str(row[1]),
                model="",
                prompt=str(found_at(row[2], self.fields.get("prompt", "")) or ""),
                created_at=made_at(found_at(row, "3.create_time")),
                seed=seed if isinstance(seed, int) else None,
            )

    def _file_of(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        """The file that the workflow stored: from the node that `output` names, if it does."""
        outputs = object_at(entry, "outputs")
        node = self.options.get("output")
        given = [outputs.get(str(node))] if node else list(outputs.values())
        files = [file for output in given for file in files_in(output)]
        stored = [file for file in files if file.get("type", STORED) == STORED]
        # A preview beside the clip is not what was asked for.
        stored.sort(key=lambda file: not str(file["filename"]).lower().endswith(VIDEO_SUFFIXES))
        if not stored:
            raise PermanentError("The workflow ended without a file.")
        return stored[0]

    def _uploaded(self, file: MediaFile) -> str:
        answer = self.ask(
            "POST", "/upload/image", **as_form({"overwrite": "true"}, {"image": file})
        )
        folder, name = str(answer.get("subfolder") or ""), str(answer.get("name") or "")
        return f"{folder}/{name}" if folder else name


def put(workflow: dict[str, Any], place: str, value: object) -> None:
    *way, last = place.split(".")
    found_at(workflow, ".".join(way))[last] = value


def files_in(output: object) -> list[Mapping[str, Any]]:
    """Whatever a node calls them: images, gifs, videos."""
    lists = output.values() if isinstance(output, Mapping) else []
    entries = [entry for found in lists if isinstance(found, list) for entry in found]
    return [entry for entry in entries if isinstance(entry, Mapping) and entry.get("filename")]


def words_in(entry: Mapping[str, Any]) -> str:
    """The words of the node that failed, among the messages of the run."""
    for message in list_at(entry, "status.messages"):
        if found_at(message, "0") == "execution_error":
            return str(found_at(message, "1.exception_message") or plain_words(message))
        if found_at(message, "0") == "execution_interrupted":
            return "It was interrupted at ComfyUI."
    return "The workflow failed, and ComfyUI does not say why."


def made_at(milliseconds: object) -> datetime | None:
    return time_of(milliseconds / 1000) if isinstance(milliseconds, int | float) else None
