"""The owner's pages: all studies, one study's progress, and the import of clips into it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from analysis.page.words import plan_words
from analysis.votes.settings import stopping_plan
from annotations.enums import StudyState
from annotations.errors import JuiceError
from annotations.models import Study
from annotations.services.raters.entry import recruitment_of
from annotations.services.raters.panel_files import panel_link
from owner.comparisons.matrix import matrix_of
from owner.lookup import get_study
from owner.parts import live_part
from owner.results.standing import results_of
from owner.studies.actions import ACTIONS, BUTTONS
from owner.studies.progress import progress_of

PROBLEMS_SHOWN = 200
IMPORTS_SHOWN = 10


@require_safe
def study_list(request: HttpRequest) -> HttpResponse:
    """Every study with its state; those that were put away on a list of their own."""
    shows_archived = "archived" in request.GET
    archived = Study.objects.exclude(archived_at=None)
    studies = Study.objects.with_counts().filter(archived_at__isnull=not shows_archived)
    context = {
        "studies": studies,
        "shows_archived": shows_archived,
        "archived": archived.count(),
    }
    return render(request, "owner/studies.html", context)


@require_safe
def study_page(request: HttpRequest, slug: str) -> HttpResponse:
    """How far a study is, and what can be done with it."""
    study = get_study(slug)
    context = _study_context(request, study)
    plan = stopping_plan(study)
    context["planned"] = plan_words(plan, plan.comparisons)
    if study.state != StudyState.DRAFT:
        context["results"] = results_of(study, now=timezone.now())
        context["matrix"] = matrix_of(study, request.GET.get("prompts"))
    return render(request, "owner/study.html", context)


@live_part
def study_progress(request: HttpRequest, slug: str) -> HttpResponse:
    """The part of the page that changes by itself."""
    return render(request, "owner/_progress.html", _study_context(request, get_study(slug)))


@live_part
def study_people(request: HttpRequest, slug: str) -> HttpResponse:
    """Links, skips and raters: the part below the results."""
    return render(request, "owner/_people.html", _study_context(request, get_study(slug)))


@require_POST
def study_action(request: HttpRequest, slug: str) -> HttpResponse:
    """Do what the pressed button says."""
    study = get_study(slug)
    action = ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        return HttpResponseBadRequest("There is no such action.")
    try:
        messages.success(request, action(study))
    except JuiceError as error:
        messages.error(request, str(error))
    return redirect("owner-study", slug=study.slug)


def _study_context(request: HttpRequest, study: Study) -> dict[str, Any]:
    progress = progress_of(study, now=timezone.now())
    is_setting_up = study.state in (StudyState.DRAFT, StudyState.PREPARING)
    is_closed = study.state == StudyState.CLOSED
    return {
        "study": study,
        "progress": progress,
        "buttons": BUTTONS[study.state],
        "is_draft": study.state == StudyState.DRAFT,
        "is_closed": is_closed,
        "shows_clips": is_setting_up or (progress.clips.not_there and not is_closed),
        "rater_link": request.build_absolute_uri(reverse("rater-welcome", args=[study.slug])),
        "panel_link": panel_link(study, base_url=request.build_absolute_uri("/")),
        "recruitment": recruitment_of(study),
    }
