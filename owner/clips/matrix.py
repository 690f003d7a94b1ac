"""Models x prompts: one small square for each clip, a page of prompts at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotations.models import GenerativeModel, Prompt, Study, StudyPrompt
from annotations.services.studies.states import prompts_as_corrected
from generation.enums import JobState
from generation.models import Job
from owner.clips.state import (
    FAILED,
    GIVEN_UP,
    LOST,
    MISSING,
    MOVING,
    REFUSED,
    REMOVED,
    STATE_OF,
    THERE,
    WAITING,
)

# Each state with its sign, so that colour is never all that tells them apart.
SIGNS = {
    THERE: ("✓", "there"),
    MOVING: ("…", "being made"),
    WAITING: ("○", "waiting"),
    LOST: ("?", "waits for you"),
    FAILED: ("!", "failed"),
    REFUSED: ("×", "refused"),
    GIVEN_UP: ("–", "given up"),
    REMOVED: ("∅", "removed"),
    MISSING: ("·", "not asked for"),
}
FILTERS = {
    "": "all prompts",
    "open": "a clip is not there",
    "moving": "a clip is on its way",
    "failed": "a clip ended badly or waits for you",
}


@dataclass(frozen=True)
class Cell:
    """One model's clip for one prompt."""

    model: GenerativeModel
    state: str
    words: str

    @property
    def sign(self) -> str:
        return SIGNS[self.state][0]


def prompts_to_show(study: Study, which: str) -> QuerySet[StudyPrompt]:
    """The study's prompts in their order, those of one of FILTERS."""
    rows = study.study_prompts.select_related("prompt").order_by("position", "pk")
    own = Job.objects.for_study(study.pk).filter(prompt=OuterRef("prompt"))
    if which == "moving":
        return rows.filter(Exists(own.moving()))
    if which == "failed":
        return rows.filter(Exists(own.failed().without_clip()))
    if which == "open":
        places = study.roster.wanted().filter(prompt=OuterRef("prompt")).order_by()
        there = places.values("prompt").annotate(n=Count("model", distinct=True)).values("n")
        counted = rows.annotate(there=Coalesce(Subquery(there), 0))
        return counted.filter(there__lt=study.study_models.count())
    return rows


def matrix_rows(study: Study, prompts: Iterable[Prompt]) -> list[tuple[Prompt, list[Cell]]]:
    """A row for each of these prompts, with a cell for each model."""
    shown = list(prompts)
    models = [row.model for row in study.study_models.select_related("model")]
    there = set(study.roster.filter(prompt__in=shown).order_by().values_list("model", "prompt"))
    corrected = prompts_as_corrected(study)
    keys = {prompt.pk for prompt in shown}
    keys |= {told for told, prompt in corrected.items() if prompt in keys}
    found = Job.objects.for_study(study.pk).filter(prompt__in=keys)
    jobs = {
        (job.endpoint.model_id, corrected.get(job.prompt_id, job.prompt_id)): job
        for job in found.select_related("endpoint")
    }
    return [(prompt, [_cell(model, prompt, there, jobs) for model in models]) for prompt in shown]


def state_of(job: Job) -> str:
    """Of a job whose clip is not there."""
    if job.state == JobState.UNKNOWN_OUTCOME and job.wake_at is None:
        return LOST
    return STATE_OF.get(JobState(job.state), MOVING)


def _cell(
    model: GenerativeModel,
    prompt: Prompt,
    there: set[tuple[int, int]],
    jobs: dict[tuple[int, int], Job],
) -> Cell:
    place = (model.pk, prompt.pk)
    job = jobs.get(place)
    if place in there or job is None:
        state = THERE if place in there else MISSING
        return Cell(model, state, f"{model}, {prompt.key}: {SIGNS[state][1]}")
    state = state_of(job)
    done = f", {job.progress} %" if state == MOVING and job.progress else ""
    error = f". {job.error}" if job.error else ""
    return Cell(model, state, f"{model}, {prompt.key}: {SIGNS[state][1]}{done}{error}"[:300])
