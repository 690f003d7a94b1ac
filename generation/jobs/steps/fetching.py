"""Download a clip and register it as a stimulus."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import F

from annotations.enums import RosterOrigin, StudyState
from annotations.errors import StimulusRefused
from annotations.media.errors import MediaError, TooSlow
from annotations.media.isolation import inspect_media
from annotations.models import Stimulus
from annotations.scratch import scratch_folder
from annotations.services.clips.roster import put_in
from annotations.services.clips.stimuli import create_stimulus, store_original
from generation.adapters.base import (
    AdapterError,
    AuthOrQuotaError,
    PermanentError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    VanishedError,
)
from generation.endpoints.limits import note_answer, note_error
from generation.enums import AttemptState, JobState
from generation.jobs.calling import Clock, job_context
from generation.jobs.chains import described_first_step, settle_chains
from generation.jobs.timing import backoff, is_late
from generation.jobs.transitions import end, lease_fetch, mark, move, refine_estimate
from generation.models import Job

MAX_FETCHES = 6


def fetch_job(*, job_id: int, now: datetime, clock: Clock | None = None) -> None:
    """Download a finished clip and register it as a stimulus."""
    context = job_context(job_id, JobState.FETCHING, now)
    if context is None or not lease_fetch(context.job, now):
        return
    job = context.job
    if job.fetches >= MAX_FETCHES:
        words = job.error or "The worker was lost each time."
        end(job, PermanentError(f"No clip after {MAX_FETCHES} downloads. {words}"), now)
        return
    try:
        with context.call() as adapter, scratch_folder("fetch") as folder:
            clip = folder / "clip"
            adapter.fetch(job.remote_id, clip)
            note_answer(job.endpoint)
            _keep(job, clip, clock() if clock else now)
        settle_chains(now=now, first=job)
    except TooSlow as error:
        _fetch_failed(job, RetryableError(str(error)), clock() if clock else now)
    except (StimulusRefused, MediaError) as error:
        _end_unusable(job, error, now)
    except AdapterError as error:
        _fetch_failed(job, error, clock() if clock else now)


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
        _put_in(job, stimulus)
        done = {"stimulus": stimulus, "wake_at": None, "finished_at": now, "error": ""}
        if move(job, JobState.DONE, **done):
            refine_estimate(job, float(info.seconds))
        else:
            transaction.set_rollback(True)


def _put_in(job: Job, stimulus: Stimulus) -> None:
    """On the roster of the study that asked for it, unless that was closed meanwhile.

    A picture to start from is for no rater.
    """
    study = job.study
    if study is None or job.is_trial or study.state == StudyState.CLOSED:
        return
    own = study.study_models.filter(model=stimulus.model_id)
    if own.exists() or not job.followers.exists():
        put_in(study=study, clips=[stimulus], origin=RosterOrigin.MADE)


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
