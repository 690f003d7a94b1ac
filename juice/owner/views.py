"""The owner's pages: all studies, one study's progress, and the import of clips into it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analysis.page.words import plan_words
from analysis.votes.settings import stopping_plan
from annotations.blinding import check_blinding
from annotations.enums import StudyState
from annotations.errors import ImportRefused, JuiceError
from annotations.models import ClipImport, Study
from annotations.scratch import scratch_folder
from annotations.services.checks.defining import quality_of
from annotations.services.clips.importing import problems_of
from annotations.services.clips.uploads import start_upload
from annotations.services.raters.endings import exclude_rater
from annotations.services.raters.entry import recruitment_of
from annotations.services.raters.panel_files import panel_link
from annotations.services.rating.conduct import exclude_by_rule, raters_under_rule
from generation.models import Endpoint
from juice.owner.actions import ACTIONS, BUTTONS
from juice.owner.comparison_matrix import matrix_of
from juice.owner.progress import progress_of
from juice.owner.results import results_of

PROBLEMS_SHOWN = 200
IMPORTS_SHOWN = 10


class UploadForm(forms.Form):
    """Clips in a zip, or a manifest of web addresses."""

    upload = forms.FileField(
        label="File", widget=forms.FileInput(attrs={"accept": ".zip,.csv,.jsonl"})
    )
    is_dry_run = forms.BooleanField(required=False, label="Check only, and write nothing")
    keep_going = forms.BooleanField(
        required=False, label="Import the good ones even if some cannot be used"
    )


@require_safe
@staff_member_required
def study_list(request: HttpRequest) -> HttpResponse:
    """Every study with its state."""
    return render(request, "owner/studies.html", {"studies": Study.objects.with_counts()})


@require_safe
@staff_member_required
def study_page(request: HttpRequest, slug: str) -> HttpResponse:
    """How far a study is, and what can be done with it."""
    study = _study(slug)
    context = _study_context(request, study)
    plan = stopping_plan(study)
    context["planned"] = plan_words(plan, plan.comparisons)
    if study.state != StudyState.DRAFT:
        context["results"] = results_of(study, now=timezone.now())
        context["matrix"] = matrix_of(study, request.GET.get("prompts"))
    return render(request, "owner/study.html", context)


@require_safe
@staff_member_required
def study_progress(request: HttpRequest, slug: str) -> HttpResponse:
    """The part of the page that changes by itself."""
    return render(request, "owner/_progress.html", _study_context(request, _study(slug)))


@require_safe
@staff_member_required
def study_people(request: HttpRequest, slug: str) -> HttpResponse:
    """Links, skips and raters: the part below the results."""
    return render(request, "owner/_people.html", _study_context(request, _study(slug)))


@require_POST
@staff_member_required
def study_action(request: HttpRequest, slug: str) -> HttpResponse:
    """Do what the pressed button says."""
    study = _study(slug)
    action = ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        return HttpResponseBadRequest("There is no such action.")
    try:
        messages.success(request, action(study))
    except JuiceError as error:
        messages.error(request, str(error))
    return redirect("owner-study", slug=study.slug)


@require_safe
@staff_member_required
def rater_list(request: HttpRequest, slug: str) -> HttpResponse:
    """What each rater's votes tell about the rater."""
    # It reads and counts votes; no other page of the web process loads what that takes.
    from juice.owner.signals import rater_signals

    study = _study(slug)
    context = {
        "study": study,
        "signals": rater_signals(study),
        "plan": quality_of(study),
        "under_rule": raters_under_rule(study),
    }
    return render(request, "owner/raters.html", context)


@require_POST
@staff_member_required
def rater_rule(request: HttpRequest, slug: str) -> HttpResponse:
    """Apply the rule for leaving raters out that was fixed before the start."""
    study = _study(slug)
    raters = exclude_by_rule(study=study, now=timezone.now())
    messages.success(request, f"Raters left out by the rule: {raters}. Their seats are open.")
    return redirect("owner-raters", slug=study.slug)


@require_POST
@staff_member_required
def rater_exclude(request: HttpRequest, slug: str, rater_id: int) -> HttpResponse:
    """Leave a rater's judgments out and open their seats."""
    study = _study(slug)
    rater = get_object_or_404(study.raters, pk=rater_id)
    try:
        seats = exclude_rater(rater=rater, why=request.POST.get("why", ""), now=timezone.now())
        messages.success(request, f"{rater} is excluded; {seats} seats are open for others.")
    except JuiceError as error:
        messages.error(request, str(error))
    return redirect("owner-study", slug=study.slug)


@require_http_methods(["GET", "POST"])
@staff_member_required
def study_import(request: HttpRequest, slug: str) -> HttpResponse:
    """Take in a file of clips; workers check them, and the next page shows how far they are."""
    study = _study(slug)
    form = UploadForm(request.POST or None, request.FILES or None)
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            begun = _begin_upload(study, form.cleaned_data)
            return redirect("owner-import-run", slug=study.slug, import_id=begun.pk)
        except ImportRefused as error:
            form.add_error("upload", str(error))
            problems = error.problems[:PROBLEMS_SHOWN]
    earlier = study.clip_imports.with_counts()[:IMPORTS_SHOWN]
    context = {"study": study, "form": form, "problems": problems, "earlier": earlier}
    return render(request, "owner/import.html", context, status=400 if form.errors else 200)


@require_safe
@staff_member_required
def import_run(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    """How far an import is, and what is wrong with its rows."""
    return render(request, "owner/import_run.html", _import_context(slug, import_id))


@require_safe
@staff_member_required
def import_progress(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    """The part of that page that changes by itself."""
    return render(request, "owner/_import_run.html", _import_context(slug, import_id))


@require_http_methods(["GET", "POST"])
@staff_member_required
def blinding_check(request: HttpRequest, slug: str) -> HttpResponse:
    """Walk the study as raters do and search what they receive for what tells a model."""
    study = _study(slug)
    check = None
    if request.method == "POST":
        try:
            check = check_blinding(study=study, secrets=_endpoint_secrets(study))
        except JuiceError as error:
            messages.error(request, str(error))
    return render(request, "owner/blinding.html", {"study": study, "check": check})


def _endpoint_secrets(study: Study) -> dict[str, list[str]]:
    endpoints = Endpoint.objects.filter(model__studies=study)
    return {
        "hosts of endpoints": [urlsplit(one.base_url).hostname or "" for one in endpoints],
        "names at endpoints": [one.remote_model for one in endpoints],
    }


def _begin_upload(study: Study, choices: dict[str, Any]) -> ClipImport:
    upload = choices.pop("upload")
    with scratch_folder("upload") as folder:
        path = folder / "upload"
        with path.open("wb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
        return start_upload(upload=path, name=upload.name, study=study, **choices)


def _import_context(slug: str, import_id: int) -> dict[str, Any]:
    study = _study(slug)
    clip_import: Any = get_object_or_404(study.clip_imports.with_counts(), pk=import_id)
    problems = problems_of(clip_import)
    return {
        "study": study,
        "import": clip_import,
        "checked": clip_import.good + clip_import.bad,
        "total": clip_import.waiting + clip_import.good + clip_import.bad,
        "problems": problems[:PROBLEMS_SHOWN],
        "more_problems": max(len(problems) - PROBLEMS_SHOWN, 0),
    }


def _study(slug: str) -> Study:
    return get_object_or_404(Study, slug=slug)


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
