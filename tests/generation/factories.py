"""Endpoints, jobs in any state, and an adapter that does as it is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from annotations.models import GenerativeModel, Study
from annotations.services.studies.states import create_study
from generation.adapters.base import Done, Pending, RemoteJob, Submitted
from generation.adapters.requests import GenerationRequest
from generation.enums import CHAINED, AttemptState, JobState
from generation.jobs import calling
from generation.models import Attempt, Endpoint, Job
from tests.annotations.factories import NOW, make_model, make_prompt
from tests.media.clips import make_clip

DEADLINE_AT = NOW + timedelta(hours=1)
SENT = [JobState.SUBMITTING, JobState.UNKNOWN_OUTCOME, JobState.REMOTE_PENDING, JobState.FETCHING]
ENDED = [
    JobState.DONE,
    JobState.FAILED,
    JobState.REJECTED,
    JobState.CANCELLED,
    JobState.FIRST_FAILED,
]
# Where a first step stands whose second one is in these states.
FIRST_STATES = {
    JobState.AWAITING_FIRST: JobState.FETCHING,
    JobState.FIRST_FAILED: JobState.FAILED,
}


class ScriptedAdapter:
    """Each call gives what the test put there: a value, or an error to raise."""

    def __init__(self) -> None:
        self.submitting: Submitted | Exception = Submitted("v1", {"id": "v1"})
        self.polling: Pending | Done | Exception = Done()
        self.fetching: bytes | Exception = b""
        self.cancelling: Exception | None = None
        self.listing: list[RemoteJob] | Exception = []
        self.calls: list[str] = []
        self.meanwhile = lambda: None

    def _answer(self, call: str, given: Any) -> Any:
        self.calls.append(call)
        self.meanwhile()
        if isinstance(given, Exception):
            raise given
        return given

    def submit(self, request: GenerationRequest) -> Submitted:
        return self._answer("submit", self.submitting)

    def poll(self, remote_id: str) -> Pending | Done:
        return self._answer(f"poll {remote_id}", self.polling)

    def fetch(self, remote_id: str, target: Path) -> None:
        target.write_bytes(self._answer(f"fetch {remote_id}", self.fetching))

    def cancel(self, remote_id: str) -> None:
        self._answer(f"cancel {remote_id}", self.cancelling)

    def list_since(self, since: datetime) -> list[RemoteJob]:
        return self._answer("list", self.listing)


def call_through(monkeypatch, adapter_of: Callable[[Endpoint], Any]) -> None:
    """Have each endpoint called through the adapter that this gives, whatever was built for it."""
    monkeypatch.setattr(calling, "adapter_for", lambda endpoint, built: adapter_of(endpoint))


def clip_bytes(folder: Path, **options: Any) -> bytes:
    return make_clip(folder / "made.mp4", **options).read_bytes()


def make_endpoint(model: GenerativeModel | None = None, **values: Any) -> Endpoint:
    model = model or make_model()
    return Endpoint.objects.create(
        **{
            "model": model,
            "name": f"{model} in the lab",
            "base_url": "http://lab.test/v1",
            "remote_model": model.name,
            "parameters": {"seconds": "4"},
            **values,
        }
    )


def make_job(state: str = JobState.READY, endpoint: Endpoint | None = None, **values: Any) -> Job:
    """A job as its steps leave it in this state, due now, with the attempt that led there."""
    if state in CHAINED:
        first = values.pop("first_step", None) or make_job(FIRST_STATES[state])
        values = {"first_step": first, "wake_at": None, **values}
    job = Job.objects.create(
        **{
            "endpoint": endpoint or make_endpoint(),
            "prompt": make_prompt(),
            "state": state,
            "wake_at": None if state in ENDED else NOW,
            "deadline_at": DEADLINE_AT if state in SENT else None,
            "submits": int(state in SENT),
            "remote_id": "v1" if state in (JobState.REMOTE_PENDING, JobState.FETCHING) else "",
            "error": "Words." if state in ENDED else "",
            **values,
        }
    )
    if state in SENT:
        make_attempt(job)
    return job


def make_attempt(job: Job, **values: Any) -> Attempt:
    given = {
        "endpoint": job.endpoint,
        "sent_at": NOW,
        "remote_id": job.remote_id,
        "state": AttemptState.ACCEPTED if job.remote_id else AttemptState.SENDING,
        "raw": {"sent": {}},
        **values,
    }
    return Attempt.objects.create(job=job, **given)


def make_planned_study(*, prompts: int = 2, endpoints: int = 2, models: int = 2) -> Study:
    made = [make_model() for _ in range(models)]
    for model in made[:endpoints]:
        make_endpoint(model)
    slug = f"planned-{made[0].slug}"
    prompts_made = [make_prompt() for _ in range(prompts)]
    return create_study(title="Planned", slug=slug, models=made, prompts=prompts_made)


def as_row(job: Job) -> dict[str, Any]:
    """Everything about a job, to see that nothing changed."""
    attempts = list(job.attempts.order_by("pk").values())
    return {**Job.objects.filter(pk=job.pk).values().get(), "attempts": attempts}
