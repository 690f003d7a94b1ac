"""How far a study is, in a fixed number of queries whatever its size."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count, Max, Q

from annotations.enums import (
    AssignmentState,
    ComparisonState,
    RenditionState,
    StudyState,
)
from annotations.models import (
    Assignment,
    Comparison,
    GenerativeModel,
    Prompt,
    Rater,
    Rendition,
    Stimulus,
    Study,
)
from annotations.services.studies import missing_in_setup, model_pairs
from annotations.services.warning_signs import warnings_of
from generation.enums import ENDED_BADLY, JobState
from generation.limits import why_held
from generation.models import Endpoint, Job

PROMPTS_SHOWN = 200
RATERS_SHOWN = 200
PROBLEMS_SHOWN = 50


@dataclass(frozen=True)
class Bar:
    """So many of so many."""

    label: str
    done: int
    total: int
    note: str = ""

    @property
    def percent(self) -> float:
        return 100 * self.done / self.total if self.total else 0.0

    @property
    def is_complete(self) -> bool:
        return self.total > 0 and self.done >= self.total


@dataclass(frozen=True)
class Cell:
    """One model's clip for one prompt: `state` is there, moving, failed or missing."""

    state: str
    words: str


@dataclass(frozen=True)
class MatrixRow:
    prompt: Prompt
    cells: list[Cell]


@dataclass(frozen=True)
class Matrix:
    """Models x prompts; `hidden` prompts are left out."""

    models: list[GenerativeModel]
    rows: list[MatrixRow]
    hidden: int


@dataclass(frozen=True)
class RaterLine:
    rater: Rater
    judged: int
    last_at: datetime | None


@dataclass(frozen=True)
class HeldEndpoint:
    """An endpoint that is sent no jobs for some time."""

    endpoint: Endpoint
    why: str


@dataclass(frozen=True)
class Progress:
    """All that the page of a study shows."""

    bars: list[Bar]
    missing_in_setup: list[str]
    matrix: Matrix
    missing_clips: int
    is_making: bool
    models_without_endpoint: list[str]
    failed_jobs: list[Job]
    failed_job_count: int
    held_endpoints: list[HeldEndpoint]
    failed_renditions: list[Rendition]
    failed_rendition_count: int
    failed_pairs: list[Comparison]
    skips: list[Assignment]
    skip_count: int
    raters: list[RaterLine]
    rater_count: int
    ready: int
    warnings: list[str]
    warns_of_sqlite: bool


def progress_of(study: Study, *, now: datetime) -> Progress:
    """Count everything about a study that its owner may want to see."""
    models = [row.model for row in study.study_models.select_related("model")]
    prompts = [row.prompt for row in study.study_prompts.select_related("prompt")]
    cells = _cells(study, models, prompts)
    missing = sum(cell.state != "there" for cell in cells.values())
    pairs = _count_pairs(study)
    endpoints = list(Endpoint.objects.filter(model__studies=study).select_related("model"))
    failed_jobs = Job.objects.for_study(study.pk).failed().select_related("endpoint", "prompt")
    failed_renditions = Rendition.objects.for_study(study.pk).filter(state=RenditionState.FAILED)
    raters = _rater_lines(study)
    skipped = Assignment.objects.skipped().filter(comparison__study=study)
    return Progress(
        bars=_bars(study, cells, missing, pairs, model_pairs(study), prompts),
        missing_in_setup=missing_in_setup(study) if study.state == StudyState.DRAFT else [],
        matrix=_matrix(models, prompts, cells),
        missing_clips=missing,
        is_making=any(cell.state == "moving" for cell in cells.values()),
        models_without_endpoint=_without_endpoint(models, endpoints),
        failed_jobs=list(failed_jobs[:PROBLEMS_SHOWN]),
        failed_job_count=failed_jobs.count(),
        held_endpoints=[HeldEndpoint(one, why) for one in endpoints if (why := why_held(one, now))],
        failed_renditions=list(
            failed_renditions.select_related("stimulus__model", "stimulus__prompt")[:PROBLEMS_SHOWN]
        ),
        failed_rendition_count=failed_renditions.count(),
        failed_pairs=list(
            study.comparisons.exclude(error="").select_related("prompt")[:PROBLEMS_SHOWN]
        ),
        skips=list(
            skipped.select_related("rater", "comparison__prompt").order_by("-pk")[:PROBLEMS_SHOWN]
        ),
        skip_count=skipped.count(),
        raters=raters,
        rater_count=study.raters.count(),
        ready=pairs["ready"],
        warnings=warnings_of(study) if study.state != StudyState.CLOSED else [],
        warns_of_sqlite=connection.vendor == "sqlite" and study.state != StudyState.CLOSED,
    )


def _cells(
    study: Study, models: list[GenerativeModel], prompts: list[Prompt]
) -> dict[tuple[int, int], Cell]:
    """What there is of each (model, prompt)."""
    have = set(Stimulus.objects.for_study(study.pk).values_list("model", "prompt"))
    jobs = {
        (model, prompt): (JobState(state), error)
        for model, prompt, state, error in Job.objects.for_study(study.pk).values_list(
            "endpoint__model", "prompt", "state", "error"
        )
    }
    return {
        (model.pk, prompt.pk): _cell((model.pk, prompt.pk) in have, jobs.get((model.pk, prompt.pk)))
        for model in models
        for prompt in prompts
    }


def _cell(is_there: bool, job: tuple[JobState, str] | None) -> Cell:
    if is_there:
        return Cell("there", "There")
    if job is None:
        return Cell("missing", "Missing")
    state, error = job
    if state in ENDED_BADLY or state == JobState.DONE:
        return Cell("failed", f"{state.label}: {error}" if error else "The clip was removed")
    return Cell("moving", f"{state.label}: {error}" if error else str(state.label))


def _matrix(
    models: list[GenerativeModel],
    prompts: list[Prompt],
    cells: dict[tuple[int, int], Cell],
) -> Matrix:
    shown = prompts[:PROMPTS_SHOWN]
    rows = [MatrixRow(prompt, [cells[model.pk, prompt.pk] for model in models]) for prompt in shown]
    return Matrix(models=models, rows=rows, hidden=len(prompts) - len(shown))


def _count_pairs(study: Study) -> dict[str, int]:
    return study.comparisons.counted().aggregate(
        ready=Count("pk", filter=Q(state=ComparisonState.READY)),
        failed=Count("pk", filter=Q(state=ComparisonState.FAILED)),
        there=Count("pk"),
    )


def _bars(
    study: Study,
    cells: dict[tuple[int, int], Cell],
    missing: int,
    pairs: dict[str, int],
    compared: list[tuple[GenerativeModel, GenerativeModel]],
    prompts: list[Prompt],
) -> list[Bar]:
    planned = max(len(compared) * len(prompts), pairs["there"])
    judged = Assignment.objects.submitted().counted().filter(comparison__study=study)
    moving = sum(cell.state == "moving" for cell in cells.values())
    return [
        Bar("Clips", len(cells) - missing, len(cells), f"{moving} being made" if moving else ""),
        Bar("Fair pairs", pairs["ready"], planned, _failed_note(pairs["failed"])),
        Bar("Judged", judged.count(), planned * study.raters_per_comparison),
    ]


def _failed_note(failed: int) -> str:
    return f"{failed} failed" if failed else ""


def _without_endpoint(models: list[GenerativeModel], endpoints: list[Endpoint]) -> list[str]:
    callable_models = {endpoint.model_id for endpoint in endpoints if endpoint.is_active}
    return [model.name for model in models if model.pk not in callable_models]


def _rater_lines(study: Study) -> list[RaterLine]:
    """Raters with the number of pairs they judged, those who judged last first."""
    submitted = Q(assignments__state=AssignmentState.SUBMITTED)
    raters = study.raters.annotate(
        judged=Count("assignments", filter=submitted),
        last_at=Max("assignments__submitted_at", filter=submitted),
    ).order_by("-last_at", "-pk")
    return [
        RaterLine(rater=rater, judged=rater.judged, last_at=rater.last_at)
        for rater in raters[:RATERS_SHOWN]
    ]
