"""What an owner can do with a study, by the name of the button."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from analysis.services.requesting import retry_report
from annotations.enums import StudyState
from annotations.models import Study
from annotations.services.pairs.preparing import retry_failed_renditions, sync_comparisons
from annotations.services.studies import states
from generation.jobs.planning import plan_jobs
from generation.models import Endpoint


def prepare(study: Study) -> str:
    """Leave the draft, and plan the comparisons whose clips are there."""
    states.start_preparing(study=study)
    sync_comparisons(study=study)
    return "The fair pairs are being prepared. Open the study when they are ready."


def open_for_raters(study: Study) -> str:
    states.open_study(study=study, now=timezone.now())
    return "The study is open: send the rater link."


def pause(study: Study) -> str:
    states.pause_study(study=study)
    return "The study is paused. Nobody is given a comparison until you open it again."


def close(study: Study) -> str:
    states.close_study(study=study, now=timezone.now())
    return "The study is closed. The report stays."


def back_to_draft(study: Study) -> str:
    states.return_to_draft(study=study)
    return "The study is a draft again."


def generate(study: Study) -> str:
    """Plan a job for each clip that is missing."""
    planned = plan_jobs(study=study, now=timezone.now())
    if planned:
        return f"{planned} clips will be made by their endpoints."
    if not Endpoint.objects.filter(model__studies=study, is_active=True).exists():
        return "No model of this study has an endpoint. Add one in the admin, or import clips."
    return "Every clip is there, under way, or has failed: nothing new to make."


def remake_report(study: Study) -> str:
    report = retry_report(study=study, now=timezone.now())
    if report.is_under_way:
        return "The report is being made again. It is shown here when it is ready."
    return "The report is there."


def retry_renditions(study: Study) -> str:
    retried = retry_failed_renditions(study=study)
    return f"{retried} clips are prepared again."


ACTIONS: dict[str, Callable[[Study], str]] = {
    "prepare": prepare,
    "open": open_for_raters,
    "pause": pause,
    "close": close,
    "draft": back_to_draft,
    "generate": generate,
    "retry-renditions": retry_renditions,
    "retry-report": remake_report,
}
BUTTONS: dict[str, tuple[str, ...]] = {
    StudyState.DRAFT: ("prepare",),
    StudyState.PREPARING: ("open", "draft"),
    StudyState.OPEN: ("pause", "close"),
    StudyState.PAUSED: ("open", "close"),
    StudyState.CLOSED: (),
}
