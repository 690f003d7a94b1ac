"""An endpoint in memory, on the test's clock, that can lose calls, answers and jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from generation.adapters.base import (
    Done,
    Pending,
    RateLimitedError,
    RejectedError,
    RemoteJob,
    RetryableError,
    Submitted,
    UnknownOutcomeError,
    VanishedError,
)
from generation.adapters.requests import GenerationRequest
from tests.annotations.factories import NOW

LONGEST_CALL = timedelta(seconds=100)
MADE_AFTER = timedelta(minutes=2)
FAULTS = ["refused", "full", "lost before", "killed before", "lost", "late", "killed"]
"""Not reached; asked to wait; lost on its way; the caller dies before it sends; taken but not
answered; taken later; the caller dies when it was taken."""


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
        self.arrivals: list[datetime] = []
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
        fault = self._reach(UnknownOutcomeError)
        self.made += 1
        registered_at = self.now + (LONGEST_CALL if fault == "late" else timedelta(0))
        job = Remote(f"v{self.made}", request.prompt, registered_at, model=model)
        self.jobs[job.remote_id] = job
        self._last()
        # A slow call may have been on its way all the time.
        self.arrivals.append(self.now)
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
        target.write_bytes(self.clips.get(job.model) or self.clip_of(job.prompt))

    def clip_of(self, prompt: str) -> bytes:
        """A clip of its own for each prompt: the same pictures, and a box that players skip."""
        words = prompt.encode()
        return self.clip + (8 + len(words)).to_bytes(4, "big") + b"free" + words

    def cancel(self, remote_id: str) -> None:
        self._reach()
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

    def most_in_a_minute(self) -> int:
        windows = (
            sum(start <= other < start + timedelta(minutes=1) for other in self.arrivals)
            for start in self.arrivals
        )
        return max(windows, default=0)

    def _reach(self, lost: type[Exception] = RetryableError) -> str:
        fault, self.fault = self.fault, ""
        if fault == "killed before":
            raise WorkerKilled
        if fault == "lost before":
            raise lost("The endpoint did not answer.")
        if fault == "refused":
            raise RetryableError("The endpoint cannot be reached.")
        if fault == "full":
            raise RateLimitedError("Slow down.", retry_after=20)
        return fault

    def _last(self) -> None:
        """The call takes its time."""
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()

    def _answer(self, fault: str, lost: type[Exception] = RetryableError) -> None:
        self._last()
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
