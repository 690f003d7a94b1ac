"""An endpoint in memory, behind the interface of an adapter."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from generation.adapters.base import (
    Done,
    GenerationRequest,
    Pending,
    RemoteJob,
    Submitted,
    UnknownOutcomeError,
    VanishedError,
)

MODEL = "fake-model"


@dataclass
class FakeEndpoint:
    """Accepts, makes and forgets jobs; `fails` holds errors to raise, by the name of the call."""

    clip: Path
    jobs: dict[str, GenerationRequest] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    fails: dict[str, list[Exception]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    loses_answers: bool = False

    def submit(self, request: GenerationRequest) -> Submitted:
        self._called("submit")
        remote_id = f"remote-{len(self.jobs) + 1}"
        self.jobs[remote_id] = request
        if self.loses_answers:
            raise UnknownOutcomeError("The line went dead.")
        return Submitted(remote_id, {"id": remote_id})

    def poll(self, remote_id: str) -> Pending | Done:
        self._called("poll")
        self._known(remote_id)
        return Done() if remote_id in self.finished else Pending(50)

    def fetch(self, remote_id: str, target: Path) -> None:
        self._called("fetch")
        self._known(remote_id)
        shutil.copyfile(self.clip, target)

    def cancel(self, remote_id: str) -> None:
        self._called("cancel")
        self.cancelled.add(remote_id)

    def list_since(self, since: datetime) -> list[RemoteJob]:
        self._called("list")
        return [
            RemoteJob(remote_id, MODEL, request.prompt, datetime.now(UTC), request.seed)
            for remote_id, request in self.jobs.items()
        ]

    def finish_all(self) -> None:
        self.finished |= set(self.jobs)

    def forget(self, remote_id: str) -> None:
        """As a restarted server does."""
        del self.jobs[remote_id]

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.fails.get(name):
            raise self.fails[name].pop(0)

    def _known(self, remote_id: str) -> None:
        if remote_id not in self.jobs:
            raise VanishedError("No such job.")
