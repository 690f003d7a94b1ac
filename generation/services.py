"""Move jobs from planned to done. Every step may be repeated, and may die anywhere.

What a dead worker leaves behind is a row whose `wake_at` will pass: the sweep finds it, and the
next step follows from the row alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef

from annotations.errors import StimulusRefused
from annotations.media.errors import MediaError
from annotations.media.isolation import inspect_media
from annotations.models import Stimulus, Study
from annotations.scratch import scratch_folder
from annotations.services.clips.stimuli import create_stimulus, store_original
from generation.adapters.base import (
    MAX_REMOTE_ID,
    AdapterError,
    AuthOrQuotaError,
    Done,
    Kind,
    PermanentError,
    RateLimitedError,
    RejectedError,
    RemoteJob,
    RetryableError,
    UnknownOutcomeError,
    VanishedError,
)
from generation.adapters.registry import UPLOAD, adapter_for, is_blocking, request_for
from generation.chains import chain, described_first_step, settle_chains
from generation.enums import MOVING, AttemptState, JobState, Priority
from generation.limits import may_call, note_answer, note_error, room_at
from generation.models import Attempt, Endpoint, Job, JobQuerySet
from generation.sources import source_file
from generation.suitability import asked_by, ensure_can_make
from generation.transitions import (
    FIRST_POLL,
    RECONCILE_PAUSE,
    RNG,
    accept,
    backoff,
    begin_attempt,
    can_be_sent_in_time,
    end,
    is_late,
    lease_fetch,
    mark,
    may_still_appear,
    move,
    not_accepted,
    park,
    queue_patience,
    refine_estimate,
    remember_clip,
    send_again,
    suspect_lost_answer,
    take_back,
)
from generation.turns import next_jobs

MAX_FETCHES = 6
POLL_SECONDS = (1, 2, 3, 5, 8, 13, 20, 30)
# How long the message of a first poll may take before the sweep sends another one.
MESSAGE_PATIENCE = timedelta(seconds=5)
CLOCK_TOLERANCE = timedelta(seconds=60)
WAKE_AT_ONCE = 200
GIVEN_UP = "Given up by the owner."

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]


def plan_jobs(*, study: Study, now: datetime, priority: Priority = Priority.USUAL) -> int:
    """Make a job for each missing clip of the study's models that have an endpoint.

    Returns
    -------
    int
        How many clips are to be made, not counting pictures that they start from. Jobs that
        failed before are left for `retry_job`.

    Raises
    ------
    EndpointUnsuited
        A model cannot take what the study asks.
    """
    ensure_can_make(study)
    endpoints = Endpoint.objects.filter(model__studies=study, is_active=True)
    endpoints = endpoints.exclude(adapter=UPLOAD).select_related("first_step")
    prompts = [row.prompt for row in study.study_prompts.select_related("prompt")]
    have = set(Stimulus.objects.for_study(study.pk).values_list("model", "prompt"))
    known = set(Job.objects.for_study(study.pk).values_list("endpoint", "prompt"))
    given = {"study": study, "kind": study.kind, "asked": asked_by(study), "priority": priority}
    missing = [
        Job(endpoint=endpoint, prompt=prompt, wake_at=now, **given)
        for prompt in prompts
        for endpoint in endpoints
        if (endpoint.model_id, prompt.pk) not in have and (endpoint.pk, prompt.pk) not in known
    ]
    with transaction.atomic():
        chain(missing, study=study, now=now)
        Job.objects.bulk_create(missing, ignore_conflicts=True)
        settle_chains(now=now)
    return len(missing)


def retry_job(*, job: Job, now: datetime) -> bool:
    """Start a job anew that ended badly or waits for a person; whether it was one."""
    return bool(retry_jobs(jobs=Job.objects.filter(pk=job.pk), now=now))


def retry_jobs(*, jobs: JobQuerySet, now: datetime) -> int:
    """Start anew those of the jobs that ended badly or wait for a person; how many they were.

    A clip that was made and could not be downloaded is not made, and paid for, again: the
    endpoint is asked for it once more. A first step that failed is started anew with its second.
    """
    anew = {
        "wake_at": now,
        "deadline_at": None,
        "submits": 0,
        "fetches": 0,
        "polls": 0,
        "error": "",
        "progress": None,
        "finished_at": None,
    }
    with transaction.atomic():
        wanted = jobs.with_first_steps().values("pk")
        locked = Job.objects.failed().select_for_update().filter(pk__in=wanted)
        failed = Job.objects.filter(pk__in=list(locked.values_list("pk", flat=True)))
        Attempt.objects.filter(job__in=failed).abandon(now=now)
        made = failed.filter(pk__in=_made_there(failed))
        asked_again = made.update(state=JobState.REMOTE_PENDING, **anew)
        sent_again = failed.failed().update(state=JobState.READY, remote_id="", **anew)
        settle_chains(now=now)
    return asked_again + sent_again


def cancel_job(*, job: Job, now: datetime) -> bool:
    """Give a job up, at the endpoint too; whether it was still under way."""
    given_up, running = give_up_jobs(jobs=Job.objects.filter(pk=job.pk), now=now)
    for attempt_id in running:
        stop_attempt(attempt_id=attempt_id, now=now)
    return bool(given_up)


def give_up_jobs(*, jobs: JobQuerySet, now: datetime) -> tuple[int, list[int]]:
    """Give up those of the jobs that are under way.

    A job that is being sent is cancelled at the endpoint by the worker that gets the answer.

    Returns
    -------
    int, list
        How many they were, and the attempts to be stopped at their endpoint. Each keeps its place
        there until it is stopped, or its time is over.
    """
    with transaction.atomic():
        locked = Job.objects.moving().select_for_update().filter(pk__in=jobs.values("pk"))
        moving = Job.objects.filter(pk__in=list(locked.values_list("pk", flat=True)))
        attempts = Attempt.objects.filter(job__in=moving)
        attempts.abandon(now=now)
        running = attempts.exclude(remote_id="").filter(
            remote_id=F("job__remote_id"), state=AttemptState.ACCEPTED
        )
        running_ids = list(running.values_list("pk", flat=True))
        Attempt.objects.filter(pk__in=running_ids).update(
            state=AttemptState.ABANDONED, answered_at=now
        )
        given_up = moving.update(
            state=JobState.CANCELLED, error=GIVEN_UP, wake_at=None, finished_at=now
        )
        settle_chains(now=now)
    return given_up, running_ids


def stop_attempt(*, attempt_id: int, now: datetime) -> None:
    """Stop at the endpoint what was given up here: its place is free again."""
    given_up = Attempt.objects.filter(pk=attempt_id, state=AttemptState.ABANDONED)
    attempt = given_up.select_related("job__endpoint").first()
    if attempt is None:
        return
    problem = _stop_at_endpoint(attempt.job, attempt.remote_id, now)
    if not problem:
        given_up.update(state=AttemptState.ACCEPTED, answered_at=now)
        return
    words = f"{GIVEN_UP} The endpoint could not be told: {problem}"
    Job.objects.filter(pk=attempt.job_id, state=JobState.CANCELLED).update(error=words)


def spare_awaited(jobs: JobQuerySet) -> JobQuerySet:
    """The jobs without those whose picture a second step that is not among them waits for."""
    others = Job.objects.filter(first_step=OuterRef("pk"), state=JobState.AWAITING_FIRST)
    return jobs.exclude(Exists(others.exclude(pk__in=jobs.values("pk"))))


def set_priority(*, jobs: Iterable[Job], priority: Priority) -> int:
    """Send these before or after others; how many still waited."""
    waiting = Job.objects.filter(pk__in=[job.pk for job in jobs], state=JobState.READY)
    return waiting.update(priority=priority)


def resume_endpoint(*, endpoint: Endpoint) -> None:
    """End a pause: whatever caused it was seen to by a person."""
    Endpoint.objects.filter(pk=endpoint.pk).update(
        paused_until=None, sends_paused_until=None, paused_why="", failures=0
    )


def lease_due_jobs(*, now: datetime) -> list[tuple[int, JobState]]:
    """Jobs to put into the queue now, each handed out once until its patience ends.

    No more waiting jobs are woken than their endpoint takes. Second steps whose worker died
    between the two follow their first steps now.
    """
    settle_chains(now=now)
    return _leased([*_ready_with_room(now), *_others_due(now)], now)


def lease_neighbours(*, job_id: int, now: datetime) -> list[int]:
    """Waiting jobs for the place that a job has just left, without waiting for the sweep."""
    endpoint = Endpoint.objects.filter(jobs=job_id).first()
    if endpoint is None:
        return []
    ready = next_jobs(endpoint, room_at(endpoint, now).jobs, now)
    return [job_id for job_id, _ in _leased(ready, now)]


def jobs_that_block(job_ids: list[int]) -> set[int]:
    """Those whose endpoint answers only when the clip is made: they want a queue of their own."""
    rows = Job.objects.filter(pk__in=job_ids).select_related("endpoint")
    return {job.pk for job in rows if is_blocking(job.endpoint)}


def submit_job(*, job_id: int, now: datetime, clock: Clock | None = None) -> timedelta | None:
    """Send a waiting job to its endpoint, if the endpoint has a place.

    Parameters
    ----------
    clock
        The time before and after the call, which may take long; `now` if it is not given.

    Returns
    -------
    timedelta or None
        When the caller should have the job polled; the sweep does so only if that is forgotten.
    """
    attempt = begin_attempt(job_id, now)
    if attempt is None:
        return None
    job = attempt.job
    try:
        # What fails before the call has sent nothing; what fails in it may have.
        with _foreseen(), source_file(job) as source:
            request = request_for(
                job.endpoint,
                prompt=job.prompt.text,
                seed=job.seed,
                key=str(attempt.key),
                kind=_kind_of(job),
                source=source,
                asked=job.asked,
            )
            ready_at = clock() if clock else now
            if not can_be_sent_in_time(attempt, ready_at):
                take_back(attempt, ready_at)
                return None
            with _foreseen(otherwise=UnknownOutcomeError):
                submitted = adapter_for(job.endpoint).submit(request)
    except AdapterError as error:
        not_accepted(attempt, error, clock() if clock else now)
        return None
    answered_at = clock() if clock else now
    note_answer(job.endpoint)
    pause = timedelta(0) if is_blocking(job.endpoint) else FIRST_POLL
    first_poll = pause + MESSAGE_PATIENCE
    remote_id, answer, cost = submitted.remote_id, submitted.raw, submitted.cost
    if accept(attempt, remote_id, answer, answered_at, first_poll=first_poll, cost=cost):
        return pause
    # Given up, or sent again, while the answer was on its way.
    _stop_at_endpoint(job, submitted.remote_id, answered_at)
    return None


def poll_job(*, job_id: int, now: datetime, clock: Clock | None = None) -> bool:
    """Ask how a job stands; whether its clip can be fetched now."""
    job = _job_in(JobState.REMOTE_PENDING, job_id, now)
    if job is None:
        return False
    try:
        with _foreseen():
            standing = adapter_for(job.endpoint).poll(job.remote_id)
    except AdapterError as error:
        _poll_failed(job, error, clock() if clock else now)
        return False
    now = clock() if clock else now
    note_answer(job.endpoint)
    if isinstance(standing, Done):
        # The caller queues the download; the sweep does so only if that message is lost.
        wake_at = now + queue_patience()
        with transaction.atomic():
            is_ours = move(job, JobState.FETCHING, wake_at=wake_at, progress=100, error="")
            if is_ours:
                remember_clip(job, standing.raw, standing.cost)
        return is_ours
    if is_late(job, now):
        _end_late(job, PermanentError("The endpoint did not finish it in time."), now)
    else:
        _poll_later(job, now, progress=standing.progress, error="")
    return False


def fetch_job(*, job_id: int, now: datetime, clock: Clock | None = None) -> None:
    """Download a finished clip and register it as a stimulus."""
    job = _job_in(JobState.FETCHING, job_id, now)
    if job is None or not lease_fetch(job, now):
        return
    if job.fetches >= MAX_FETCHES:
        words = job.error or "The worker was lost each time."
        end(job, PermanentError(f"No clip after {MAX_FETCHES} downloads. {words}"), now)
        return
    try:
        with _foreseen(), scratch_folder("fetch") as folder:
            clip = folder / "clip"
            adapter_for(job.endpoint).fetch(job.remote_id, clip)
            note_answer(job.endpoint)
            _keep(job, clip, clock() if clock else now)
        settle_chains(now=now, first=job)
    except (StimulusRefused, MediaError) as error:
        _end_unusable(job, error, now)
    except AdapterError as error:
        _fetch_failed(job, error, clock() if clock else now)


def reconcile_job(*, job_id: int, now: datetime, clock: Clock | None = None) -> None:
    """Find out whether a job whose answer was lost had been accepted, from the endpoint's list."""
    job = _job_in(JobState.UNKNOWN_OUTCOME, job_id, now, wake_at__isnull=False)
    attempt = job.attempts.last() if job else None
    if job is None or attempt is None:
        return
    try:
        with _foreseen():
            listed = adapter_for(job.endpoint).list_since(attempt.sent_at - CLOCK_TOLERANCE)
    except AdapterError as error:
        _reconcile_failed(job, attempt, error, clock() if clock else now)
        return
    note_answer(job.endpoint)
    possible = _candidates(job, listed)
    if len(possible) == 1 and _can_be_adopted(possible[0]):
        accept(attempt, possible[0].remote_id, {"reconciled": True}, now)
    elif possible:
        count = f"{len(possible)} job{'s' if len(possible) > 1 else ''}"
        why = f"The answer was lost, and {count} at the endpoint could be this one."
        park(job, attempt, why, now)
    elif may_still_appear(attempt, now):
        move(job, JobState.UNKNOWN_OUTCOME, wake_at=now + RECONCILE_PAUSE)
    else:
        send_again(job, attempt, VanishedError("The endpoint does not have it."), now)


def _made_there(jobs: JobQuerySet) -> list[int]:
    """Those whose clip the endpoint has: only its download went wrong."""
    fetched = jobs.filter(state=JobState.FAILED, progress=100)
    last = fetched.order_by().annotate(last=Max("attempts")).values("last")
    there = Attempt.objects.filter(pk__in=last, state=AttemptState.ACCEPTED)
    return list(there.values_list("job", flat=True))


def _kind_of(job: Job) -> Kind | None:
    kind = job.kind or (job.study.kind if job.study else "")
    return Kind(kind) if kind else None


def _ready_with_room(now: datetime) -> Iterator[Job]:
    waiting = Job.objects.waiting(now=now).filter(endpoint=OuterRef("pk"))
    for endpoint in Endpoint.objects.filter(Exists(waiting), is_active=True):
        yield from next_jobs(endpoint, room_at(endpoint, now).jobs, now)


def _others_due(now: datetime) -> Iterator[Job]:
    """Jobs whose next step is not to be sent; of an endpoint that fails, one at a time."""
    states = [state for state in MOVING if state != JobState.READY]
    due = Job.objects.due(now=now).filter(state__in=states).callable_now(now=now)
    tried: set[int] = set()
    for job in due.select_related("endpoint").order_by("wake_at")[:WAKE_AT_ONCE]:
        if job.endpoint_id not in tried:
            yield job
        if job.endpoint.is_failing and job.state != JobState.SUBMITTING:
            tried.add(job.endpoint_id)


def _leased(jobs: Iterable[Job], now: datetime) -> list[tuple[int, JobState]]:
    until = now + queue_patience()
    return [(job.pk, JobState(job.state)) for job in jobs if _lease(job, until, now)]


def _lease(job: Job, until: datetime, now: datetime) -> bool:
    """Hand a job out; whether nobody else did."""
    if job.state == JobState.SUBMITTING:
        return suspect_lost_answer(job, until, now)
    unchanged = Job.objects.filter(pk=job.pk, state=job.state, wake_at=job.wake_at)
    return bool(unchanged.update(wake_at=until))


def _job_in(state: JobState, job_id: int, now: datetime, **conditions: Any) -> Job | None:
    """The job, if this step is still to be done and its endpoint may be called."""
    jobs = Job.objects.select_related("endpoint__model", "prompt").callable_now(now=now)
    job = jobs.filter(pk=job_id, state=state, **conditions).first()
    return job if job is not None and may_call(job.endpoint, now) else None


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
    wake_at = note_error(job.endpoint, error, now)
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
    if attempt is not None and may_still_appear(attempt, now):
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
        _stop_at_endpoint(job, job.remote_id, now)


def _end_unusable(job: Job, error: Exception, now: datetime) -> None:
    """The clip came and is none, or the wrong one: asking for it again would not help."""
    if end(job, PermanentError(f"What came back cannot be judged: {error}"), now):
        attempt = job.attempts.last()
        if attempt is not None:
            mark(attempt, AttemptState.UNUSABLE, now, str(error))


def _fetch_failed(job: Job, error: AdapterError, now: datetime) -> None:
    """`job` was read before its download was counted."""
    wake_at = note_error(job.endpoint, error, now)
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


def _reconcile_failed(job: Job, attempt: Attempt, error: AdapterError, now: datetime) -> None:
    wake_at = note_error(job.endpoint, error, now) + RECONCILE_PAUSE
    lost = "The answer was lost, and the endpoint"
    if isinstance(error, PermanentError | VanishedError):
        park(job, attempt, f"{lost} has no list to look it up: {error}", now)
    elif is_late(job, now):
        park(job, attempt, f"{lost}'s list cannot be had: {error}", now)
    else:
        move(job, JobState.UNKNOWN_OUTCOME, wake_at=wake_at, error=str(error))


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


def _stop_at_endpoint(job: Job, remote_id: str, now: datetime) -> str:
    """Ask the endpoint to stop a job that nobody wants any more; the problem, if there is one."""
    if not remote_id:
        return ""
    try:
        with _foreseen():
            adapter_for(job.endpoint).cancel(remote_id)
    except AdapterError as error:
        # It goes on there, and takes a place until its time is over.
        running = job.attempts.filter(remote_id=remote_id, state=AttemptState.ACCEPTED)
        running.update(state=AttemptState.ABANDONED, answered_at=now)
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
        if move(job, JobState.DONE, **done):
            refine_estimate(job, float(info.seconds))
        else:
            transaction.set_rollback(True)


def _provenance(job: Job) -> dict[str, Any]:
    """What was sent and answered; the key is in neither."""
    attempt = job.attempts.last()
    if attempt is None:
        return {}
    made = {"made": attempt.raw["made"]} if attempt.raw.get("made") else {}
    return {
        **attempt.raw.get("sent", {}),
        "answer": {**attempt.raw.get("answer", {}), **made},
        "remote_id": job.remote_id,
        "sent_at": attempt.sent_at.isoformat(),
        **({"first_step": described_first_step(job)} if job.first_step_id else {}),
    }
