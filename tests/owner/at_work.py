"""Studies as owners meet them: planned, running, with jobs, with a report that failed."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from analysis.models import Report, ReportState
from annotations.services.studies.states import create_study
from generation.enums import JobState
from tests.annotations.factories import (
    make_model,
    make_prompt,
)
from tests.generation.factories import make_endpoint, make_job

# How a job stands, and what its square says.
STANDINGS = [
    (JobState.READY, {}, "waiting"),
    (JobState.SUBMITTING, {}, "moving"),
    (JobState.REMOTE_PENDING, {"progress": 40}, "moving"),
    (JobState.FETCHING, {}, "moving"),
    (JobState.UNKNOWN_OUTCOME, {}, "moving"),
    (JobState.UNKNOWN_OUTCOME, {"wake_at": None}, "lost"),
    (JobState.FAILED, {"error": "Out of memory."}, "failed"),
    (JobState.REJECTED, {"error": "No foxes, please."}, "refused"),
    (JobState.CANCELLED, {}, "given-up"),
    (JobState.DONE, {}, "removed"),
]


def planned_study(prompts: int = 2, slug: str = "planned"):
    """A draft of two models whose clips are still to be made."""
    return create_study(
        title="Planned",
        slug=slug,
        models=[make_model(), make_model()],
        prompts=[make_prompt() for _ in range(prompts)],
    )


def shown(owner, study) -> str:
    answer = owner.get(reverse("owner-study", args=[study.slug]))
    assert answer.status_code == 200
    return answer.content.decode()


def fail_report(report: Report, **values) -> None:
    Report.objects.filter(pk=report.pk).update(
        **{
            "state": ReportState.FAILED,
            "error": "The disk is full. Make room on it.",
            "next_try_at": timezone.now() + timedelta(hours=1),
            "tries": 3,
            **values,
        }
    )


def study_with_jobs(*standings, slug="planned", **endpoint_values):
    """A study of two models: the first has an endpoint and a job for each prompt."""
    study = planned_study(prompts=len(standings), slug=slug)
    endpoint = make_endpoint(first_model(study), **endpoint_values)
    for prompt, (state, values) in zip(study.prompts.order_by("pk"), standings, strict=True):
        make_job(state, endpoint, prompt=prompt, study=study, **values)
    return study


def first_model(study):
    return study.study_models.first().model
