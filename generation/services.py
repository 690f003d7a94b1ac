"""Move jobs from planned to done. Every step is a conditional UPDATE, so repeats are harmless.

A worker may die anywhere. What it leaves behind is a row whose `wake_at` will pass: the sweep
finds it and the next step follows from the row alone.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from annotations.errors import StimulusRefused
from annotations.models import Prompt, Stimulus, Study
from annotations.services.stimuli import register_stimulus
from generation.adapters.base import (
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
from generation.adapters.registry import UPLOAD, adapter_for, request_for, version_of
from generation.enums import AttemptState, JobState
from generation.models import Attempt, Endpoint, Job
from generation.suitability import ensure_can_make

MAX_SUBMITS = 6
MAX_FETCHES = 6
BACKOFF_BASE_SECONDS, BACKOFF_CAP_SECONDS = 2.0, 300.0
POLL_SECONDS = (1, 2, 3, 5, 8, 13, 20, 30)
FULL_PAUSE = timedelta(seconds=2)
RECONCILE_PAUSE = timedelta(seconds=5)
AUTH_PAUSE = timedelta(hours=1)
CLOCK_TOLERANCE = timedelta(seconds=5)
WAKE_AT_ONCE = 200

RNG = random.SystemRandom()


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
    """Give a job up, at the endpoint too; whether it was still under way."""
    remote_id = Job.objects.values_list("remote_id", flat=True).get(pk=job.pk)
    stopped = Job.objects.moving().exclude(state=JobState.SUBMITTING).filter(pk=job.pk)
    if not stopped.update(
        state=JobState.CANCELLED, error="Given up by the owner.", wake_at=None, finished_at=now
    ):
        return False
    if remote_id:
        try:
            adapter_for(job.endpoint).cancel(remote_id)
        except AdapterError as error:
            Job.objects.filter(pk=job.pk).update(
                error=f"Given up by the owner; the endpoint could not be told: {error}"
            )
    return True


def lease_due_jobs(*, now: datetime) -> list[tuple[int, JobState]]:
    """Jobs to put into the queue now, each handed out once until its patience ends.

    No more waiting jobs are woken than their endpoint has free places.
    """
    ready = _ready_with_place(now)
    others = Job.objects.due(now=now).exclude(state=JobState.READY).order_by("wake_at")
    due = [*ready, *others[:WAKE_AT_ONCE]]
    until = now + timedelta(seconds=settings.GENERATION_QUEUE_PATIENCE_SECONDS)
    taken = []
    for job in due:
        unchanged = Job.objects.filter(pk=job.pk, state=job.state, wake_at=job.wake_at)
        if job.state == JobState.SUBMITTING:
            if not _suspect_lost_answer(job, unchanged, until):
                continue
        elif not unchanged.update(wake_at=until):
            continue
        taken.append((job.pk, JobState(job.state)))
    return taken


def submit_job(*, job_id: int, now: datetime) -> None:
    """Send a waiting job to its endpoint, if the endpoint has a place."""
    attempt = _begin_attempt(job_id, now)
    if attempt is None:
        return
    job = attempt.job
    try:
        request = request_for(
            job.endpoint, prompt=job.prompt.text, seed=job.seed, key=str(attempt.key)
        )
        submitted = adapter_for(job.endpoint).submit(request)
    except AdapterError as error:
        _submit_failed(attempt, error, now)
        return
    _accept(attempt, submitted.remote_id, dict(submitted.raw), now)


def poll_job(*, job_id: int, now: datetime) -> bool:
    """Ask how a job stands; whether its clip can be fetched now."""
    job = _job_in(job_id, JobState.REMOTE_PENDING)
    if job is None:
        return False
    try:
        standing = adapter_for(job.endpoint).poll(job.remote_id)
    except VanishedError as error:
        return _resubmit_vanished(job, error, now)
    except (RejectedError, PermanentError) as error:
        return _end(job, error, now)
    except AdapterError as error:
        return _poll_failed(job, error, now)
    if isinstance(standing, Done):
        # The caller queues the download; the sweep does so only if that message is lost.
        patience = timedelta(seconds=settings.GENERATION_QUEUE_PATIENCE_SECONDS)
        _remember(job, standing)
        return _move(job, JobState.FETCHING, wake_at=now + patience, progress=100)
    if _is_late(job, now):
        return _end(job, PermanentError("The endpoint did not finish it in time."), now)
    return _poll_later(job, now, progress=standing.progress, error="")


def _remember(job: Job, standing: Done) -> None:
    """What the endpoint said at the end, a prompt that it rewrote included."""
    attempt = job.attempts.last()
    if attempt and standing.raw:
        attempt.raw = {**attempt.raw, "made": dict(standing.raw)}
        attempt.save(update_fields=["raw"])


def fetch_job(*, job_id: int, now: datetime) -> None:
    """Download a finished clip and register it as a stimulus."""
    job = _job_in(job_id, JobState.FETCHING)
    if job is None:
        return
    if job.fetches >= MAX_FETCHES:
        words = job.error or "The worker was lost each time."
        _end(job, PermanentError(f"No clip after {MAX_FETCHES} downloads. {words}"), now)
        return
    if not _lease_fetch(job, now):
        return
    try:
        with tempfile.TemporaryDirectory(prefix="fetch-") as folder:
            clip = Path(folder) / "clip"
            adapter_for(job.endpoint).fetch(job.remote_id, clip)
            stimulus = _register(job, clip)
    except VanishedError:
        _move(job, JobState.REMOTE_PENDING, wake_at=now)
    except (PermanentError, RejectedError) as error:
        _end(job, error, now)
    except StimulusRefused as error:
        _end(job, PermanentError(f"What came back cannot be judged: {error}"), now)
    except AdapterError as error:
        _fetch_later(job, error, now)
    else:
        _move(job, JobState.DONE, stimulus=stimulus, wake_at=None, finished_at=now, error="")


def reconcile_job(*, job_id: int, now: datetime) -> None:
    """Find out whether a job whose answer was lost had been accepted, from the endpoint's list."""
    job = _job_in(job_id, JobState.UNKNOWN_OUTCOME)
    attempt = job.attempts.last() if job else None
    if job is None or attempt is None:
        return
    try:
        listed = adapter_for(job.endpoint).list_since(attempt.sent_at - CLOCK_TOLERANCE)
    except (PermanentError, VanishedError) as error:
        _park(job, f"The answer was lost, and the endpoint has no list to look it up: {error}")
        return
    except AdapterError as error:
        _look_again(job, attempt, now, str(error))
        return
    found = _candidates(job, listed)
    if len(found) == 1:
        _accept(attempt, found[0].remote_id, {"reconciled": True}, now)
    elif found:
        _park(job, f"The answer was lost, and {len(found)} jobs at the endpoint could be this one.")
    elif now < attempt.sent_at + timedelta(seconds=settings.GENERATION_LIST_LAG_SECONDS):
        _look_again(job, attempt, now, job.error)
    else:
        _resubmit_lost(job, attempt, now)


def _look_again(job: Job, attempt: Attempt, now: datetime, why: str) -> None:
    """Ask for the endpoint's list once more, but not for ever."""
    if now > attempt.sent_at + timedelta(seconds=settings.GENERATION_DEADLINE_SECONDS):
        _park(job, f"The answer was lost, and the endpoint's list cannot be read: {why}")
        return
    _move(job, JobState.UNKNOWN_OUTCOME, wake_at=now + RECONCILE_PAUSE, error=why)


def _resubmit_lost(job: Job, attempt: Attempt, now: datetime) -> None:
    """The endpoint never took it: send it again, a few times at most."""
    _mark(attempt, AttemptState.LOST, now, "The endpoint does not have it.")
    if job.submits >= MAX_SUBMITS:
        _end(job, PermanentError(f"Sent {job.submits} times without an answer. {job.error}"), now)
        return
    _move(job, JobState.READY, wake_at=now + _backoff(job.submits))


def _ready_with_place(now: datetime) -> Iterator[Job]:
    waiting = Job.objects.due(now=now).filter(state=JobState.READY)
    for endpoint in Endpoint.objects.filter(pk__in=waiting.values("endpoint"), is_active=True):
        if endpoint.is_paused(now):
            continue
        free = endpoint.max_concurrency - endpoint.jobs.at_endpoint().count()
        yield from waiting.filter(endpoint=endpoint).order_by("pk")[: max(free, 0)]


def _suspect_lost_answer(job: Job, unchanged: QuerySet[Job], until: datetime) -> bool:
    """The worker that was sending the job is gone: nobody knows what the endpoint answered."""
    if not unchanged.update(state=JobState.UNKNOWN_OUTCOME, wake_at=until):
        return False
    last = job.attempts.order_by("-pk").values("pk")[:1]
    Attempt.objects.filter(pk__in=last, state=AttemptState.SENDING).update(
        state=AttemptState.UNKNOWN
    )
    return True


def _begin_attempt(job_id: int, now: datetime) -> Attempt | None:
    """Take a place at the endpoint and write the attempt down before anything is sent."""
    with transaction.atomic():
        job = Job.objects.select_related("prompt").filter(pk=job_id, state=JobState.READY).first()
        if job is None:
            return None
        endpoint = Endpoint.objects.select_for_update().get(pk=job.endpoint_id)
        full = endpoint.jobs.at_endpoint().count() >= endpoint.max_concurrency
        if full or endpoint.is_paused(now) or not endpoint.is_active:
            Job.objects.filter(pk=job_id, state=JobState.READY).update(wake_at=now + FULL_PAUSE)
            return None
        lease = timedelta(seconds=settings.GENERATION_SUBMIT_LEASE_SECONDS)
        if not _move(
            job, JobState.SUBMITTING, wake_at=now + lease, submits=F("submits") + 1, remote_id=""
        ):
            return None
        job.endpoint = endpoint
        return Attempt.objects.create(job=job, sent_at=now)


def _accept(attempt: Attempt, remote_id: str, raw: dict[str, Any], now: datetime) -> None:
    """The endpoint has the job: remember its id first of all."""
    with transaction.atomic():
        Attempt.objects.filter(pk=attempt.pk).update(
            state=AttemptState.ACCEPTED, remote_id=remote_id, raw=raw, answered_at=now
        )
        deadline = now + timedelta(seconds=settings.GENERATION_DEADLINE_SECONDS)
        held = Job.objects.filter(
            pk=attempt.job_id, state__in=[JobState.SUBMITTING, JobState.UNKNOWN_OUTCOME]
        )
        held.update(
            state=JobState.REMOTE_PENDING,
            remote_id=remote_id,
            wake_at=now + timedelta(seconds=POLL_SECONDS[0]),
            deadline_at=deadline,
            polls=0,
            error="",
        )


def _submit_failed(attempt: Attempt, error: AdapterError, now: datetime) -> None:
    """Each class of error has one consequence."""
    job = attempt.job
    job.refresh_from_db()
    if job.state not in (JobState.SUBMITTING, JobState.UNKNOWN_OUTCOME):
        return  # Given up meanwhile: a late answer does not revive it.
    if isinstance(error, UnknownOutcomeError):
        _mark(attempt, AttemptState.UNKNOWN, now, str(error))
        _move(job, JobState.UNKNOWN_OUTCOME, wake_at=now + RECONCILE_PAUSE, error=str(error))
    elif isinstance(error, RateLimitedError):
        _mark(attempt, AttemptState.REFUSED, now, str(error))
        _pause(job.endpoint, now + timedelta(seconds=error.retry_after), str(error))
        _move(job, JobState.READY, wake_at=now, submits=F("submits") - 1)
    elif isinstance(error, AuthOrQuotaError):
        _mark(attempt, AttemptState.REFUSED, now, str(error))
        _pause(job.endpoint, now + AUTH_PAUSE, str(error))
        _move(job, JobState.READY, wake_at=now, error=str(error), submits=F("submits") - 1)
    elif isinstance(error, RetryableError) and job.submits < MAX_SUBMITS:
        _mark(attempt, AttemptState.NOT_SENT, now, str(error))
        _move(job, JobState.READY, wake_at=now + _backoff(job.submits), error=str(error))
    else:
        _mark(attempt, AttemptState.REFUSED, now, str(error))
        _end(job, error, now)


def _resubmit_vanished(job: Job, error: VanishedError, now: datetime) -> bool:
    """A restarted server forgot its jobs: send it again, a few times at most."""
    if job.submits >= MAX_SUBMITS:
        return _end(job, error, now)
    attempt = job.attempts.last()
    if attempt is not None:
        _mark(attempt, AttemptState.LOST, now, str(error))
    _move(job, JobState.READY, wake_at=now, error=str(error))
    return False


def _candidates(job: Job, listed: list[RemoteJob]) -> list[RemoteJob]:
    """Remote jobs that could be this one and belong to no other attempt."""
    known = set(
        Attempt.objects.filter(remote_id__in=[remote.remote_id for remote in listed]).values_list(
            "remote_id", flat=True
        )
    )
    return [
        remote
        for remote in listed
        if remote.remote_id not in known
        and remote.prompt == job.prompt.text
        and remote.model in ("", job.endpoint.remote_model)
        and remote.seed in (None, job.seed)
    ]


def _register(job: Job, clip: Path) -> Stimulus:
    attempt = job.attempts.last()
    return register_stimulus(
        model=job.endpoint.model,
        prompt=Prompt.objects.get(pk=job.prompt_id),
        seed=job.seed,
        path=clip,
        source=f"endpoint: {job.endpoint.name}",
        provenance={
            "adapter": version_of(job.endpoint),
            "endpoint": job.endpoint.name,
            "remote_model": job.endpoint.remote_model,
            "remote_id": job.remote_id,
            "prompt": job.prompt.text,
            "seed": job.seed,
            "parameters": job.endpoint.parameters,
            "answer": attempt.raw if attempt else {},
            "sent_at": attempt.sent_at.isoformat() if attempt else "",
        },
    )


def _lease_fetch(job: Job, now: datetime) -> bool:
    lease = timedelta(seconds=settings.GENERATION_FETCH_LEASE_SECONDS)
    held = Job.objects.filter(pk=job.pk, state=JobState.FETCHING, fetches=job.fetches)
    return bool(held.update(wake_at=now + lease, fetches=F("fetches") + 1))


def _fetch_later(job: Job, error: AdapterError, now: datetime) -> None:
    if job.fetches + 1 >= MAX_FETCHES:
        _end(job, error, now)
        return
    pause = _backoff(job.fetches + 1)
    if isinstance(error, RateLimitedError):
        pause = timedelta(seconds=error.retry_after)
    _move(job, JobState.FETCHING, wake_at=now + pause, error=str(error))


def _is_late(job: Job, now: datetime) -> bool:
    return job.deadline_at is not None and now > job.deadline_at


def _poll_failed(job: Job, error: AdapterError, now: datetime) -> bool:
    """The endpoint could not say how the job stands: ask again until the deadline."""
    if _is_late(job, now):
        return _end(job, error, now)
    if isinstance(error, RateLimitedError):
        _pause(job.endpoint, now + timedelta(seconds=error.retry_after), str(error))
        wake_at = now + timedelta(seconds=error.retry_after)
        _move(job, JobState.REMOTE_PENDING, wake_at=wake_at, error=str(error))
        return False
    return _poll_later(job, now, error=str(error))


def _poll_later(job: Job, now: datetime, **values: Any) -> bool:
    seconds = POLL_SECONDS[min(job.polls, len(POLL_SECONDS) - 1)] * RNG.uniform(0.8, 1.2)
    wake_at = now + timedelta(seconds=seconds)
    _move(job, JobState.REMOTE_PENDING, wake_at=wake_at, polls=F("polls") + 1, **values)
    return False


def _park(job: Job, why: str) -> None:
    _move(job, JobState.UNKNOWN_OUTCOME, wake_at=None, error=why)


def _pause(endpoint: Endpoint, until: datetime, why: str) -> None:
    Endpoint.objects.filter(pk=endpoint.pk).update(paused_until=until, paused_why=why)


def _mark(attempt: Attempt, state: AttemptState, now: datetime, error: str) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(state=state, answered_at=now, error=error)


def _end(job: Job, error: AdapterError, now: datetime) -> bool:
    state = JobState.REJECTED if isinstance(error, RejectedError) else JobState.FAILED
    _move(job, state, error=str(error) or type(error).__name__, wake_at=None, finished_at=now)
    return False


def _job_in(job_id: int, state: JobState) -> Job | None:
    jobs = Job.objects.select_related("endpoint__model", "prompt")
    return jobs.filter(pk=job_id, state=state).first()


def _move(job: Job, target: JobState, **values: Any) -> bool:
    """Change the state if nobody else did; whether we were the one."""
    still = Job.objects.filter(pk=job.pk, state=job.state, remote_id=job.remote_id)
    return bool(still.update(state=target, **values))


def _backoff(tries: int) -> timedelta:
    """Full jitter: anything up to base x 2^tries, capped."""
    most = min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2**tries)
    return timedelta(seconds=RNG.uniform(0, most))
