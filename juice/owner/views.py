"""The owner's pages: all studies, one study's progress, and the import of clips into it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotations.enums import StudyState
from annotations.errors import ImportRefused, JuiceError
from annotations.models import Study
from annotations.services.importing import import_upload
from generation.models import Job
from generation.services import retry_job
from juice.owner.actions import ACTIONS, BUTTONS
from juice.owner.progress import progress_of

PROBLEMS_SHOWN = 50


class UploadForm(forms.Form):
    """A zip of clips."""

    archive = forms.FileField(label="Zip file", widget=forms.FileInput(attrs={"accept": ".zip"}))


@require_safe
@staff_member_required
def study_list(request: HttpRequest) -> HttpResponse:
    """Every study with its state."""
    return render(request, "owner/studies.html", {"studies": Study.objects.with_counts()})


@require_safe
@staff_member_required
def study_page(request: HttpRequest, slug: str) -> HttpResponse:
    """How far a study is, and what can be done with it."""
    return render(request, "owner/study.html", _study_context(request, _study(slug)))


@require_safe
@staff_member_required
def study_progress(request: HttpRequest, slug: str) -> HttpResponse:
    """The part of the page that changes by itself."""
    return render(request, "owner/_progress.html", _study_context(request, _study(slug)))


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


@require_POST
@staff_member_required
def job_retry(request: HttpRequest, slug: str, job_id: int) -> HttpResponse:
    """Try one clip again."""
    study = _study(slug)
    job = get_object_or_404(Job.objects.for_study(study.pk), pk=job_id)
    if retry_job(job=job, now=timezone.now()):
        messages.success(request, f"The clip for {job.prompt.key} is tried again.")
    return redirect("owner-study", slug=study.slug)


@require_http_methods(["GET", "POST"])
@staff_member_required
def study_import(request: HttpRequest, slug: str) -> HttpResponse:
    """Take in a zip of clips: all of them, or none and a list of what is wrong."""
    study = _study(slug)
    form = UploadForm(request.POST or None, request.FILES or None)
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, _import(study, form.cleaned_data["archive"]))
            return redirect("owner-study", slug=study.slug)
        except ImportRefused as error:
            form.add_error("archive", str(error))
            problems = error.problems
        except JuiceError as error:
            form.add_error("archive", str(error))
    context = {
        "study": study,
        "form": form,
        "problems": problems[:PROBLEMS_SHOWN],
        "more_problems": max(len(problems) - PROBLEMS_SHOWN, 0),
    }
    return render(request, "owner/import.html", context, status=400 if form.errors else 200)


def _import(study: Study, upload: Any) -> str:
    with tempfile.TemporaryDirectory(prefix="upload-") as folder:
        archive = Path(folder) / "upload.zip"
        with archive.open("wb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
        result = import_upload(archive=archive, study=study)
    return (
        f"Imported {result.added} clips of {len(result.models)} models for "
        f"{len(result.prompts)} prompts; {result.already_there} were already there."
    )


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
        "shows_clips": is_setting_up or (progress.missing_clips and not is_closed),
        "rater_link": request.build_absolute_uri(reverse("rater-welcome", args=[study.slug])),
    }
