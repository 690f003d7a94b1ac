"""How far a study is, in a fixed number of queries whatever its size."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Q

from annotations.enums import (
    AssignmentState,
    ComparisonState,
    RenditionState,
    StudyState,
)
from annotations.models import Assignment, Comparison, Rater, Rendition, Study, Trouble
from annotations.services.pairs.warning_signs import warnings_of
from annotations.services.studies.states import missing_in_setup
from generation.models import Job
from owner.clips.state import StudyClips, clips_of, unmade_jobs
from owner.studies.gaps import Reach, reach_of

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
class RaterLine:
    rater: Rater
    judged: int
    skipped: int
    last_at: datetime | None


@dataclass(frozen=True)
class StudyProgress:
    """All that the page of a study shows."""

    bars: list[Bar]
    reach: Reach
    missing_in_setup: list[str]
    clips: StudyClips
    failed_jobs: list[Job]
    failed_job_count: int
    failed_renditions: list[Rendition]
    failed_rendition_count: int
    failed_comparisons: list[Comparison]
    skips: list[Assignment]
    skip_count: int
    raters: list[RaterLine]
    rater_count: int
    ready: int
    troubles: list[Trouble]
    warnings: list[str]
    warns_of_sqlite: bool


def progress_of(study: Study, *, now: datetime) -> StudyProgress:
    """Count everything about a study that its owner may want to see."""
    clips, reach = clips_of(study, now=now), reach_of(study)
    comparisons = _count_comparisons(study)
    failed_jobs = unmade_jobs(study).select_related("endpoint__model", "prompt")
    failed_renditions = Rendition.objects.for_study(study.pk).filter(state=RenditionState.FAILED)
    raters = _rater_lines(study)
    skipped = Assignment.objects.skipped().filter(comparison__study=study)
    return StudyProgress(
        bars=_bars(study, clips, comparisons, reach),
        reach=reach,
        missing_in_setup=missing_in_setup(study) if study.state == StudyState.DRAFT else [],
        clips=clips,
        failed_jobs=list(failed_jobs[:PROBLEMS_SHOWN]),
        failed_job_count=failed_jobs.count(),
        failed_renditions=list(
            failed_renditions.select_related("stimulus__model", "stimulus__prompt")[:PROBLEMS_SHOWN]
        ),
        failed_rendition_count=failed_renditions.count(),
        failed_comparisons=list(
            # Those with a rendition that failed are told above, by the rendition.
            study.comparisons.not_withdrawn()
            .exclude(error="")
            .filter(Q(rendition_a=None) | Q(rendition_b=None))
            .select_related("prompt")[:PROBLEMS_SHOWN]
        ),
        skips=list(
            skipped.select_related("rater", "comparison__prompt").order_by("-pk")[:PROBLEMS_SHOWN]
        ),
        skip_count=skipped.count(),
        raters=raters,
        rater_count=study.raters.count(),
        ready=comparisons["ready"],
        troubles=list(study.troubles.order_by("work")),
        warnings=warnings_of(study) if study.state != StudyState.CLOSED else [],
        warns_of_sqlite=connection.vendor == "sqlite" and study.state != StudyState.CLOSED,
    )


def _count_comparisons(study: Study) -> dict[str, int]:
    return (
        study.comparisons.counted()
        .not_withdrawn()
        .aggregate(
            ready=Count("pk", filter=Q(state=ComparisonState.READY)),
            failed=Count("pk", filter=Q(state=ComparisonState.FAILED)),
            there=Count("pk"),
        )
    )


def _bars(study: Study, clips: StudyClips, comparisons: dict[str, int], reach: Reach) -> list[Bar]:
    """Each can be completed with the clips that are there; what more is wanted stands beside it."""
    possible = max(reach.possible, comparisons["there"])
    judged = Assignment.objects.submitted().counted().not_withdrawn()
    judged = judged.filter(comparison__study=study)
    moving = clips.under_way
    return [
        Bar("Clips", clips.there, clips.total, f"{moving} being made" if moving else ""),
        Bar("Fair pairs", comparisons["ready"], possible, _note(reach, comparisons["failed"])),
        Bar("Judged", judged.count(), possible * study.raters_per_comparison),
    ]


def _note(reach: Reach, failed: int) -> str:
    return "; ".join(filter(None, [f"{failed} failed" if failed else "", reach.note]))


def _rater_lines(study: Study) -> list[RaterLine]:
    """Raters with the numbers of comparisons they judged and skipped, who judged last first."""
    submitted = Q(assignments__state=AssignmentState.SUBMITTED)
    raters: Any = study.raters.annotate(
        judged=Count("assignments", filter=submitted),
        skipped=Count("assignments", filter=Q(assignments__state=AssignmentState.SKIPPED)),
        last_at=Max("assignments__submitted_at", filter=submitted),
    ).order_by("-last_at", "-pk")
    return [
        RaterLine(rater=rater, judged=rater.judged, skipped=rater.skipped, last_at=rater.last_at)
        for rater in raters[:RATERS_SHOWN]
    ]
