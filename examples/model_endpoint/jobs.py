"""Jobs of the demo server: kept in memory, rendered by a few threads, clips as files."""

from __future__ import annotations

import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from examples.model_endpoint.models import Model, generate
from examples.model_endpoint.references import Reference

FORBIDDEN_WORD = "forbidden"
"""A prompt with it is refused, so that clients can try out moderation."""


class Stopped(Exception):
    """The job was deleted or the server is closing."""


@dataclass
class Job:
    """A video job as the protocol shows it. Times are Unix seconds."""

    id: str
    model: str
    prompt: str
    seconds: str
    size: str
    seed: int
    created_at: int
    object: str = "video"
    status: str = "queued"
    progress: int = 0
    completed_at: int | None = None
    error: dict[str, str] | None = None


class JobStore:
    """All jobs since the server started; they are gone when it stops."""

    def __init__(self, directory: Path, *, workers: int, delay_seconds: float) -> None:
        self.directory = directory
        self.delay_seconds = delay_seconds
        self.lock = threading.Condition()
        self.closing = False
        self.jobs: dict[str, Job] = {}
        self.pool = ThreadPoolExecutor(workers, thread_name_prefix="render")

    def create(
        self, model: Model, prompt: str, seed: int, reference: Reference | None = None
    ) -> dict[str, object]:
        job = Job(
            id=f"video_{secrets.token_hex(12)}",
            model=model.name,
            prompt=prompt,
            seconds=str(model.seconds),
            size=f"{model.width}x{model.height}",
            seed=seed,
            created_at=int(time.time()),
        )
        created = asdict(job)
        with self.lock:
            self.jobs[job.id] = job
        self.pool.submit(self.run, job, model, reference)
        return created

    def get(self, job_id: str) -> dict[str, object] | None:
        with self.lock:
            job = self.jobs.get(job_id)
            return asdict(job) if job else None

    def newest_first(self) -> list[dict[str, object]]:
        with self.lock:
            return [asdict(job) for job in reversed(self.jobs.values())]

    def delete(self, job_id: str) -> bool:
        """Forget a job, stop its rendering if it runs, and remove its clip."""
        with self.lock:
            job = self.jobs.pop(job_id, None)
            self.lock.notify_all()
        self.clip(job_id).unlink(missing_ok=True)
        return job is not None

    def clip(self, job_id: str) -> Path:
        return self.directory / f"{job_id}.mp4"

    def close(self) -> None:
        with self.lock:
            self.closing = True
            self.lock.notify_all()
        self.pool.shutdown(cancel_futures=True)

    def run(self, job: Job, model: Model, reference: Reference | None) -> None:
        """Render a job; every end but a deletion is told in its status."""
        partial = self.directory / f"{job.id}.part"
        try:
            self.update(job, status="in_progress")
            self.delay(job)
            refuse_forbidden(job.prompt)
            generate(
                model,
                job.prompt,
                job.seed,
                partial,
                lambda percent: self.update(job, progress=percent),
                reference,
            )
            self.complete(job, partial)
        except Stopped:
            pass
        except Refused as refusal:
            self.fail(job, "moderation_blocked", str(refusal))
        except Exception as error:
            self.fail(job, "internal_error", f"The demo model failed: {error}")
        finally:
            partial.unlink(missing_ok=True)

    def wanted(self, job: Job) -> bool:
        return job.id in self.jobs and not self.closing

    def delay(self, job: Job) -> None:
        """Wait as long as the server was told to, or until the job is no longer wanted."""
        with self.lock:
            self.lock.wait_for(lambda: not self.wanted(job), timeout=self.delay_seconds)

    def update(self, job: Job, **changes: object) -> None:
        """Change a job that is still wanted.

        Raises
        ------
        Stopped
            It is not.
        """
        with self.lock:
            if not self.wanted(job):
                raise Stopped
            for name, value in changes.items():
                setattr(job, name, value)

    def complete(self, job: Job, partial: Path) -> None:
        """Put the clip in place, unless the job was deleted meanwhile."""
        with self.lock:
            self.update(job, progress=100, completed_at=int(time.time()), status="completed")
            partial.replace(self.clip(job.id))

    def fail(self, job: Job, code: str, message: str) -> None:
        with self.lock:
            job.error = {"code": code, "message": message, "type": "invalid_request_error"}
            job.completed_at, job.status = int(time.time()), "failed"


class Refused(Exception):
    """The demo's moderation said no."""


def refuse_forbidden(prompt: str) -> None:
    if FORBIDDEN_WORD in prompt.lower():
        raise Refused(
            f"The prompt was blocked by moderation: it contains the word '{FORBIDDEN_WORD}'."
        )
