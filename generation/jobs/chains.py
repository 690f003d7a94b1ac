"""Text to image to video: a job whose picture other jobs start from.

What a second step waits for follows from its first step's state alone, so it is settled as often
as one likes: by whoever finishes the first step, and by every sweep in case nobody could. Each
change is one UPDATE that looks at both rows, and a second step is READY only once its first is
DONE, which a job stays for good.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Concat

from annotations.enums import StimulusKind
from annotations.models import Stimulus, Study
from generation.adapters.base import PermanentError
from generation.adapters.requests import Kind
from generation.endpoints.suitability import is_chained
from generation.enums import CHAINED, ENDED_BADLY, MOVING, JobState
from generation.models import Job

FIRST_FAILED = "First frame failed: "
FIRST_SEED = 0


def settle_chains(*, now: datetime, first: Job | None = None) -> int:
    """Let second steps follow their first steps; how many can be sent now.

    Parameters
    ----------
    first
        Only those that start from its picture.
    """
    followers = first.followers.all() if first else Job.objects.all()
    _after(followers, [JobState.READY], [*MOVING, *ENDED_BADLY]).update(
        state=JobState.AWAITING_FIRST, wake_at=None
    )
    if not followers.filter(state__in=CHAINED).exists():
        return 0
    released = _after(followers, CHAINED, [JobState.DONE]).update(
        state=JobState.READY, wake_at=now, error="", finished_at=None
    )
    first_row = Job.objects.filter(pk=OuterRef("first_step"))
    words = Subquery(first_row.values("error")[:1], output_field=TextField())
    _after(followers, [JobState.AWAITING_FIRST], ENDED_BADLY).update(
        state=JobState.FIRST_FAILED, error=Concat(Value(FIRST_FAILED), words), finished_at=now
    )
    _after(followers, [JobState.FIRST_FAILED], MOVING).update(
        state=JobState.AWAITING_FIRST, error="", finished_at=None
    )
    return released


def _after(
    followers: QuerySet[Job], states: list[JobState], first_states: list[JobState]
) -> QuerySet[Job]:
    """Second steps in these states whose first step is in those.

    The own state is a condition of the UPDATE itself, not of a subquery: a database that waited
    for another worker looks at it again. The first step is looked up row by row: a join would be
    planned from the statistics of yesterday's jobs, and could compare every job with every other.
    """
    firsts = Job.objects.filter(pk=OuterRef("first_step")).values("state")[:1]
    return (
        followers.filter(first_step__isnull=False, state__in=states)
        .alias(first_state=Subquery(firsts))
        .filter(first_state__in=first_states)
    )


def chain(jobs: Iterable[Job], *, study: Study, now: datetime) -> None:
    """Give new jobs the first steps that their endpoints want; one for all that share it."""
    chained = [job for job in jobs if is_chained(job.endpoint, job.kind)]
    wanted = {(job.endpoint.first_step_id, job.prompt_id): job for job in chained}
    frames = _frames_of(study, {job.endpoint.first_step_id for job in chained})
    Job.objects.bulk_create(
        (_first_step(job, frames.get(place), now) for place, job in wanted.items()),
        ignore_conflicts=True,
    )
    rows = Job.objects.filter(endpoint__second_steps__model__studies=study, prompt__studies=study)
    known: dict[tuple[int | None, int], Job] = {
        (row.endpoint_id, row.prompt_id): row for row in rows.filter(seed=FIRST_SEED)
    }
    for job in chained:
        job.first_step = known[job.endpoint.first_step_id, job.prompt_id]
        job.kind, job.state, job.wake_at = Kind.IMAGE_TO_VIDEO, JobState.AWAITING_FIRST, None


def _frames_of(study: Study, endpoints: set[int | None]) -> dict[tuple[int | None, int], Stimulus]:
    """Pictures that are there already: of a study of pictures, or imported."""
    pictures = Stimulus.objects.filter(
        model__endpoint__in=endpoints, prompt__studies=study, seed=FIRST_SEED
    )
    return {
        (picture.model.endpoint.pk, picture.prompt_id): picture
        for picture in pictures.select_related("model__endpoint")
    }


def _first_step(job: Job, frame: Stimulus | None, now: datetime) -> Job:
    """The job for the picture that `job` starts from; done if the picture is there."""
    return Job(
        endpoint=job.endpoint.first_step,
        prompt=job.prompt,
        study=job.study,
        priority=job.priority,
        kind=Kind.TEXT_TO_IMAGE,
        stimulus=frame,
        state=JobState.DONE if frame else JobState.READY,
        wake_at=None if frame else now,
        finished_at=now if frame else None,
    )


def first_frame(job: Job) -> Stimulus:
    """The picture that a second step starts from.

    Raises
    ------
    PermanentError
        There is none any more.
    """
    frame = Stimulus.objects.filter(jobs=job.first_step_id).first() if job.first_step_id else None
    if frame is None:
        raise PermanentError("The first frame that this clip starts from was removed.")
    if frame.kind != StimulusKind.IMAGE:
        raise PermanentError(f"The first step, {frame.model}, made a clip and no picture.")
    return frame


def described_first_step(job: Job) -> dict[str, Any]:
    """Where the picture of a second step came from, to keep beside its clip."""
    try:
        frame = first_frame(job)
    except PermanentError as error:
        return {"problem": str(error)}
    return {"model": frame.model.name, "sha256": frame.sha256, **frame.provenance}
