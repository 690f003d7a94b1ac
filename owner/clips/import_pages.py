"""The owner's pages of taking in a file of clips: the form, and how far it is."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotations.errors import ImportRefused
from annotations.models import ClipImport, Study
from annotations.scratch import scratch_folder
from annotations.services.clips.importing import give_up_import, problems_of
from annotations.services.clips.uploads import start_upload
from annotations.services.studies.amendments import CAN_BE_AMENDED, LONGEST_REASON
from annotations.tables.files import FORMATS
from owner.lookup import get_study
from owner.parts import live_part

PROBLEMS_SHOWN = 200
IMPORTS_SHOWN = 10


class UploadForm(forms.Form):
    """Clips in a zip, or a manifest of web addresses."""

    upload = forms.FileField(
        label="File", widget=forms.FileInput(attrs={"accept": ",".join([".zip", *FORMATS])})
    )
    replaces = forms.BooleanField(
        required=False,
        label="Replace what is there of the same model, prompt and seed",
    )
    replaces_why = forms.CharField(
        required=False,
        max_length=LONGEST_REASON,
        label="Why (of an open study; it stands in the report)",
    )
    is_dry_run = forms.BooleanField(required=False, label="Check only, and write nothing")
    keep_going = forms.BooleanField(
        required=False, label="Import the good ones even if some cannot be used"
    )


@require_http_methods(["GET", "POST"])
def study_import(request: HttpRequest, slug: str) -> HttpResponse:
    """Take in a file of clips; workers check them, and the next page shows how far they are."""
    study = get_study(slug)
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
    context = {
        "study": study,
        "form": form,
        "problems": problems,
        "earlier": earlier,
        "asks_why": study.state in CAN_BE_AMENDED,
    }
    return render(request, "owner/import.html", context, status=400 if form.errors else 200)


@require_safe
def import_run(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    """How far an import is, and what is wrong with its rows."""
    return render(request, "owner/import_run.html", _import_context(slug, import_id))


@live_part
def import_progress(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    """The part of that page that changes by itself."""
    return render(request, "owner/_import_run.html", _import_context(slug, import_id))


@require_POST
def give_up(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    """End an import that does not come to its end; nothing of it is written."""
    clip_import = get_object_or_404(get_study(slug).clip_imports, pk=import_id)
    if give_up_import(clip_import=clip_import, now=timezone.now()):
        messages.success(request, "The import was given up; nothing of it was written.")
    return redirect("owner-import-run", slug=slug, import_id=import_id)


def _begin_upload(study: Study, choices: dict[str, Any]) -> ClipImport:
    upload = choices.pop("upload")
    with scratch_folder("upload") as folder:
        path = folder / "upload"
        with path.open("wb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
        return start_upload(upload=path, name=upload.name, study=study, **choices)


def _import_context(slug: str, import_id: int) -> dict[str, Any]:
    study = get_study(slug)
    clip_import: Any = get_object_or_404(study.clip_imports.with_counts(), pk=import_id)
    problems = problems_of(clip_import)
    return {
        "study": study,
        "import": clip_import,
        "checked": clip_import.good + clip_import.bad,
        "total": clip_import.waiting + clip_import.good + clip_import.bad,
        "notes": clip_import.notes[:PROBLEMS_SHOWN],
        "more_notes": max(len(clip_import.notes) - PROBLEMS_SHOWN, 0),
        "problems": problems[:PROBLEMS_SHOWN],
        "more_problems": max(len(problems) - PROBLEMS_SHOWN, 0),
    }
