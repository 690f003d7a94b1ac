"""Move jobs from planned to done. Every step may be repeated, and may die anywhere.

What a dead worker leaves behind is a row whose `wake_at` will pass: the sweep finds it, and the
next step follows from the row alone.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from annotations.errors import StimulusRefused
from annotations.media.errors import MediaError
from annotations.media.inspection import inspect_media
from annotations.models import Stimulus, Study
from annotations.services.stimuli import create_stimulus, store_original
from generation.adapters.base import (
    MAX_REMOTE_ID,
    AdapterError,
    AuthOrQuotaError,
    Done,
    PermanentError,
    RateLimitedError,
    RejectedError,
    RemoteJob,
    RetryableError,
    UnknownOutcomeError,
    VanishedError,
)
from generation.adapters.registry import UPLOAD, adapter_for, request_for
from generation.enums import JobState
from generation.models import Attempt, Endpoint, Job
from generation.suitability import ensure_can_make
from generation.transitions import (
    RECONCILE_PAUSE,
    RNG,
    accept,
    backoff,
    begin_attempt,
    end,
    is_late,
    lease_fetch,
    move,
    not_accepted,
    park,
    pause_after,
    queue_patience,
    remember,
    send_again,
    suspect_lost_answer,
)

MAX_FETCHES = 6
POLL_SECONDS = (1, 2, 3, 5, 8, 13, 20, 30)
CLOCK_TOLERANCE = timedelta(seconds=60)
WAKE_AT_ONCE = 200

logger = logging.getLogger(__name__)


def plan_jobs(*, study: Study, now: datetime) -> int:
    """Make a job for each missing clip of the study's models that have an endpoint.

    Returns
    -------
    int
        How many jobs are new. Jobs that failed before are left for `retry_job`.

    Raises
    ------
    EndpointUnsuited
        A model cannot take what the study asks.
    """
    ensure_can_make(study)
    endpoints = Endpoint.objects.filter(model__studies=study, is_active=True)
    endpoints = endpoints.exclude(adapter=UPLOAD)
    prompts = [row.prompt for row in study.study_prompts.select_related("prompt")]
    have = set(Stimulus.objects.for_study(study.pk).values_list("model", "prompt"))
    known = set(Job.objects.for_study(study.pk).values_list("endpoint", "prompt"))
    missing = [
        Job(endpoint=endpoint, prompt=prompt, wake_at=now)
        for prompt in prompts
        for endpoint in endpoints
        if (endpoint.model_id, prompt.pk) not in have and (endpoint.pk, prompt.pk) not in known
    ]
    Job.objects.bulk_create(missing, ignore_conflicts=True)
    return len(missing)


def retry_job(*, job: Job, now: datetime) -> bool:
    """Start a job anew that ended badly or waits for a person; whether it was one."""
    failed = Job.objects.failed().filter(pk=job.pk)
    return bool(
        failed.update(
            state=JobState.READY,
            wake_at=now,
            deadline_at=None,
            submits=0,
            fetches=0,
            polls=0,
            remote_id="",
            error="",
            progress=None,
            finished_at=None,
        )
    )


def cancel_job(*, job: Job, now: datetime) -> bool:
    """Give a job up, at the endpoint too; whether it was still under way.

    A job that is being sent is cancelled at the endpoint by the worker that gets the answer.
    """
    moving = Job.objects.moving().filter(pk=job.pk)
    given_up = "Given up by the owner."
    if not moving.update(state=JobState.CANCELLED, error=given_up, wake_at=None, finished_at=now):
        return False
    job.refresh_from_db()
    problem = _stop_at_endpoint(job.endpoint, job.remote_id)
    if problem:
        words = f"{given_up} The endpoint could not be told: {problem}"
        move(job, JobState.CANCELLED, error=words)
    return True


def lease_due_jobs(*, now: datetime) -> list[tuple[int, JobState]]:
    """Jobs to put into the queue now, each handed out once until its patience ends.

    No more waiting jobs are woken than their endpoint has free places.
    """
    _say_why_jobs_wait(now)
    others = Job.objects.due(now=now).callable_now(now=now).exclude(state=JobState.READY)
    due = [*_ready_with_place(now), *others.order_by("wake_at")[:WAKE_AT_ONCE]]
    until = now + queue_patience()
    return [(job.pk, JobState(job.state)) for job in due if _lease(job, until)]


def submit_job(*, job_id: int, now: datetime) -> None:
    """Send a waiting job to its endpoint, if the endpoint has a place."""
    attempt = begin_attempt(job_id, now)
    if attempt is None:
        return
    job = attempt.job
    try:
        with _foreseen(otherwise=UnknownOutcomeError):
            request = request_for(
                job.endpoint, prompt=job.prompt.text, seed=job.seed, key=str(attempt.key)
            )
            submitted = adapter_for(job.endpoint).submit(request)
    except AdapterError as error:
        not_accepted(attempt, error, now)
        return
    if not accept(attempt, submitted.remote_id, submitted.raw, now):
        # Given up, or sent again, while the answer was on its way.
        _stop_at_endpoint(job.endpoint, submitted.remote_id)


def poll_job(*, job_id: int, now: datetime) -> bool:
    """Ask how a job stands; whether its clip can be fetched now."""
    job = _job_in(JobState.REMOTE_PENDING, job_id, now)
    if job is None:
        return False
    try:
        with _foreseen():
            standing = adapter_for(job.endpoint).poll(job.remote_id)
    except AdapterError as error:
        _poll_failed(job, error, now)
        return False
    if isinstance(standing, Done):
        remember(job, standing.raw)
        # The caller queues the download; the sweep does so only if that message is lost.
        wake_at = now + queue_patience()
        return move(job, JobState.FETCHING, wake_at=wake_at, progress=100, error="")
    if is_late(job, now):
        _end_late(job, PermanentError("The endpoint did not finish it in time."), now)
    else:
        _poll_later(job, now, progress=standing.progress, error="")
    return False


def fetch_job(*, job_id: int, now: datetime) -> None:
    """Download a finished clip and register it as a stimulus."""
    job = _job_in(JobState.FETCHING, job_id, now)
    if job is None or not lease_fetch(job, now):
        return
    if job.fetches >= MAX_FETCHES:
        end(job, PermanentError(f"{MAX_FETCHES} downloads were begun and none ended."), now)
        return
    try:
        with _foreseen(), tempfile.TemporaryDirectory(prefix="fetch-") as folder:
            clip = Path(folder) / "clip"
            adapter_for(job.endpoint).fetch(job.remote_id, clip)
            _keep(job, clip, now)
    except (StimulusRefused, MediaError) as error:
        end(job, PermanentError(f"What came back cannot be judged: {error}"), now)
    except AdapterError as error:
        _fetch_failed(job, error, now)


def reconcile_job(*, job_id: int, now: datetime) -> None:
    """Find out whether a job whose answer was lost had been accepted, from the endpoint's list."""
    job = _job_in(JobState.UNKNOWN_OUTCOME, job_id, now, wake_at__isnull=False)
    attempt = job.attempts.last() if job else None
    if job is None or attempt is None:
        return
    try:
        with _foreseen():
            listed = adapter_for(job.endpoint).list_since(attempt.sent_at - CLOCK_TOLERANCE)
    except AdapterError as error:
        _reconcile_failed(job, error, now)
        return
    possible = _candidates(job, listed)
    if len(possible) == 1 and _can_be_adopted(possible[0]):
        accept(attempt, possible[0].remote_id, {"reconciled": True}, now)
    elif possible:
        count = f"{len(possible)} job{'s' if len(possible) > 1 else ''}"
        park(job, f"The answer was lost, and {count} at the endpoint could be this one.")
    elif _may_still_appear(attempt, now):
        move(job, JobState.UNKNOWN_OUTCOME, wake_at=now + RECONCILE_PAUSE)
    else:
        send_again(job, attempt, VanishedError("The endpoint does not have it."), now)


def _say_why_jobs_wait(now: datetime) -> None:
    """Nothing hangs in silence: jobs of an endpoint that takes none now carry the reason."""
    due = Job.objects.due(now=now)
    for endpoint in Endpoint.objects.filter(pk__in=due.order_by().values("endpoint")):
        why = endpoint.why_held(now)
        held = due.filter(endpoint=endpoint)
        if not endpoint.is_paused(now):
            held = held.filter(state=JobState.READY)
        if why:
            held.exclude(error=why).update(error=why)


def _ready_with_place(now: datetime) -> Iterator[Job]:
    waiting = Job.objects.due(now=now).filter(state=JobState.READY)
    for endpoint in Endpoint.objects.filter(pk__in=waiting.order_by().values("endpoint")):
        if not endpoint.why_held(now):
            free = endpoint.max_concurrency - endpoint.jobs.at_endpoint(now=now).count()
            yield from waiting.filter(endpoint=endpoint).order_by("pk")[: max(free, 0)]


def _lease(job: Job, until: datetime) -> bool:
    """Hand a job out; whether nobody else did."""
    if job.state == JobState.SUBMITTING:
        return suspect_lost_answer(job, until)
    unchanged = Job.objects.filter(pk=job.pk, state=job.state, wake_at=job.wake_at)
    return bool(unchanged.update(wake_at=until))


def _job_in(state: JobState, job_id: int, now: datetime, **conditions: Any) -> Job | None:
    """The job, if this step is still to be done and its endpoint may be called."""
    jobs = Job.objects.select_related("endpoint__model", "prompt").callable_now(now=now)
    return jobs.filter(pk=job_id, state=state, **conditions).first()


@contextmanager
def _foreseen(otherwise: type[AdapterError] = RetryableError) -> Iterator[None]:
    """Nothing unforeseen, such as a full disk, leaves a job without words or without an end."""
    try:
        yield
    except (AdapterError, StimulusRefused, MediaError):
        raise
    except Exception as error:
        logger.exception("A step of a job failed in an unforeseen way")
        raise otherwise(f"Unforeseen: {type(error).__name__}: {error}") from error


def _poll_failed(job: Job, error: AdapterError, now: datetime) -> None:
    wake_at = pause_after(job.endpoint, error, now)
    if isinstance(error, VanishedError):
        _vanished(job, error, now)
    elif isinstance(error, RejectedError | PermanentError):
        end(job, error, now)
    elif is_late(job, now):
        _end_late(job, error, now)
    else:
        _poll_later(job, wake_at, error=str(error))


def _vanished(job: Job, error: VanishedError, now: datetime) -> None:
    """A restarted server forgot its jobs; one that has just accepted a job may be slow to know."""
    attempt = job.attempts.last()
    if attempt is not None and _may_still_appear(attempt, now):
        _poll_later(job, now, error=str(error))
    else:
        send_again(job, attempt, error, now)


def _poll_later(job: Job, after: datetime, **values: Any) -> None:
    seconds = POLL_SECONDS[min(job.polls, len(POLL_SECONDS) - 1)] * RNG.uniform(0.8, 1.2)
    wake_at = after + timedelta(seconds=seconds)
    move(job, JobState.REMOTE_PENDING, wake_at=wake_at, polls=F("polls") + 1, **values)


def _end_late(job: Job, error: AdapterError, now: datetime) -> None:
    """The job's place is free again: the endpoint should not go on with it."""
    if end(job, error, now):
        _stop_at_endpoint(job.endpoint, job.remote_id)


def _fetch_failed(job: Job, error: AdapterError, now: datetime) -> None:
    """`job` was read before its download was counted."""
    wake_at = pause_after(job.endpoint, error, now)
    words = str(error)
    is_last = job.fetches + 1 >= MAX_FETCHES
    if isinstance(error, RateLimitedError | AuthOrQuotaError) and not is_late(job, now):
        move(job, JobState.FETCHING, wake_at=wake_at, error=words, fetches=F("fetches") - 1)
    elif isinstance(error, RejectedError | PermanentError) or is_last:
        end(job, error, now)
    elif isinstance(error, VanishedError):
        wake_at += backoff(job.fetches + 1)
        move(job, JobState.REMOTE_PENDING, wake_at=wake_at, error=words)
    else:
        wake_at += backoff(job.fetches + 1)
        move(job, JobState.FETCHING, wake_at=wake_at, error=words)


def _reconcile_failed(job: Job, error: AdapterError, now: datetime) -> None:
    wake_at = pause_after(job.endpoint, error, now) + RECONCILE_PAUSE
    if isinstance(error, PermanentError | VanishedError):
        park(job, f"The answer was lost, and the endpoint has no list to look it up: {error}")
    elif is_late(job, now):
        park(job, f"The answer was lost, and the endpoint's list cannot be had: {error}")
    else:
        move(job, JobState.UNKNOWN_OUTCOME, wake_at=wake_at, error=str(error))


def _may_still_appear(attempt: Attempt, now: datetime) -> bool:
    """Whether an endpoint that does not know the job may be about to register it."""
    return now < attempt.sent_at + timedelta(seconds=settings.GENERATION_LIST_LAG_SECONDS)


def _candidates(job: Job, listed: list[RemoteJob]) -> list[RemoteJob]:
    """Remote jobs that could be this one and belong to no other attempt.

    What the list does not tell, such as the seed, speaks neither for a job nor against it.
    """
    attempts = Attempt.objects.filter(
        job__endpoint__base_url=job.endpoint.base_url,
        remote_id__in=[remote.remote_id for remote in listed if remote.remote_id],
    )
    known = set(attempts.values_list("remote_id", flat=True))
    return [
        remote
        for remote in listed
        if remote.remote_id not in known
        and remote.prompt in ("", job.prompt.text)
        and remote.model in ("", job.endpoint.remote_model)
        and remote.seed in (None, job.seed)
    ]


def _can_be_adopted(remote: RemoteJob) -> bool:
    """Whether it is surely the prompt's; a clip of another prompt would spoil the study."""
    return bool(remote.prompt) and 0 < len(remote.remote_id) <= MAX_REMOTE_ID


def _stop_at_endpoint(endpoint: Endpoint, remote_id: str) -> str:
    """Ask the endpoint to stop a job that nobody wants any more; the problem, if there is one."""
    if not remote_id:
        return ""
    try:
        with _foreseen():
            adapter_for(endpoint).cancel(remote_id)
    except AdapterError as error:
        return str(error)
    return ""


def _keep(job: Job, clip: Path, now: datetime) -> None:
    """Register the clip and end the job in one transaction, unless the job was given up."""
    info = inspect_media(clip)
    name = store_original(clip, info)
    with transaction.atomic():
        stimulus = create_stimulus(
            model=job.endpoint.model,
            prompt=job.prompt,
            seed=job.seed,
            info=info,
            name=name,
            source=f"endpoint: {job.endpoint.name}",
            provenance=_provenance(job),
        )
        done = {"stimulus": stimulus, "wake_at": None, "finished_at": now, "error": ""}
        if not move(job, JobState.DONE, **done):
            transaction.set_rollback(True)


def _provenance(job: Job) -> dict[str, Any]:
    """What was sent and answered; the key is in neither."""
    attempt = job.attempts.last()
    if attempt is None:
        return {}
    return {
        **attempt.raw.get("sent", {}),
        "answer": attempt.raw.get("answer", {}),
        "remote_id": job.remote_id,
        "sent_at": attempt.sent_at.isoformat(),
    }
