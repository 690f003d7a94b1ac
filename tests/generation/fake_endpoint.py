"""An endpoint in memory, on the test's clock, that can lose calls, answers and jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from generation.adapters.base import (
    Done,
    GenerationRequest,
    Pending,
    RateLimitedError,
    RejectedError,
    RemoteJob,
    RetryableError,
    Submitted,
    UnknownOutcomeError,
    VanishedError,
)
from tests.annotations.factories import NOW

LONGEST_CALL = timedelta(seconds=100)
MADE_AFTER = timedelta(minutes=10)
FAULTS = ["refused", "full", "lost", "late", "killed"]
"""Not reached; asked to wait; taken but not answered; taken later; the caller dies in the call."""


class WorkerKilled(BaseException):
    """kill -9: nothing of ours runs after it."""


@dataclass
class Remote:
    remote_id: str
    prompt: str
    registered_at: datetime
    outcome: str = ""
    model: str = "lab-1"


class FakeEndpoint:
    """An adapter and the server behind it; the next call meets `fault`."""

    def __init__(self, clip: bytes) -> None:
        self.now = NOW
        self.clip = clip
        self.clips: dict[str, bytes] = {}
        self.jobs: dict[str, Remote] = {}
        self.fault = ""
        self.meanwhile: Callable[[], None] | None = None
        self.made = 0

    def here(self) -> Iterator[Remote]:
        """Jobs that the endpoint knows by now."""
        return (job for job in self.jobs.values() if job.registered_at <= self.now)

    def alive(self) -> list[Remote]:
        """Jobs that take a place, those on their way included."""
        return [job for job in self.jobs.values() if not self.is_over(job)]

    def is_over(self, job: Remote) -> bool:
        return bool(job.outcome) or self.now >= job.registered_at + MADE_AFTER

    def submit(self, request: GenerationRequest, model: str = "lab-1") -> Submitted:
        fault = self._reach()
        self.made += 1
        registered_at = self.now + (LONGEST_CALL if fault == "late" else timedelta(0))
        job = Remote(f"v{self.made}", request.prompt, registered_at, model=model)
        self.jobs[job.remote_id] = job
        self._answer(fault, UnknownOutcomeError)
        return Submitted(job.remote_id)

    def poll(self, remote_id: str) -> Pending | Done:
        fault = self._reach()
        job = self._get(remote_id)
        self._answer(fault)
        if job.outcome == "refused":
            raise RejectedError("We will not draw this.")
        return Done() if self.is_over(job) else Pending()

    def fetch(self, remote_id: str, target: Path) -> None:
        fault = self._reach()
        job = self._get(remote_id)
        self._answer(fault)
        target.write_bytes(self.clips.get(job.model, self.clip))

    def cancel(self, remote_id: str) -> None:
        self.jobs.pop(remote_id, None)

    def list_since(self, since: datetime) -> list[RemoteJob]:
        fault = self._reach()
        listed = [
            RemoteJob(job.remote_id, job.model, job.prompt, job.registered_at)
            for job in self.here()
            if job.registered_at >= since
        ]
        self._answer(fault)
        return listed

    def _reach(self) -> str:
        fault, self.fault = self.fault, ""
        if fault == "refused":
            raise RetryableError("The endpoint cannot be reached.")
        if fault == "full":
            raise RateLimitedError("Slow down.", retry_after=20)
        return fault

    def _answer(self, fault: str, lost: type[Exception] = RetryableError) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        if fault == "killed":
            raise WorkerKilled
        if fault in ("lost", "late"):
            raise lost("The endpoint did not answer.")

    def _get(self, remote_id: str) -> Remote:
        for job in self.here():
            if job.remote_id == remote_id:
                return job
        raise VanishedError("No such video.")


class OneModel:
    """An adapter for one of several models of the same server."""

    def __init__(self, fake: FakeEndpoint, model: str) -> None:
        self.fake, self.model = fake, model
        self.poll, self.fetch, self.cancel = fake.poll, fake.fetch, fake.cancel
        self.list_since = fake.list_since

    def submit(self, request: GenerationRequest) -> Submitted:
        return self.fake.submit(request, self.model)
