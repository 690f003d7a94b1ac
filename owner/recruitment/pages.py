"""The owner's pages about where raters come from: panel, codes, files, and personal invites."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from annotations.errors import StudyFileRefused
from annotations.models import Study
from annotations.panels import Panel
from annotations.services.raters.entry import recruitment_of
from annotations.services.raters.panel_files import mturk_question, panel_link, prolific_study_yaml
from owner.lookup import get_study
from owner.recruitment.forms import RecruitmentForm

MOMENT = "%Y-%m-%dT%H:%M"


@require_http_methods(["GET", "POST"])
def recruitment(request: HttpRequest, slug: str) -> HttpResponse:
    """Where raters come from: settings, the link to send, and the panel's files."""
    study = get_study(slug)
    current = recruitment_of(study)
    form = RecruitmentForm(request.POST or None, instance=current)
    if request.method == "POST" and form.is_valid():
        _save(study, form)
        messages.success(request, "Saved.")
        return redirect("owner-recruitment", slug=study.slug)
    if form.errors:
        current.refresh_from_db()
        study.refresh_from_db()
    context = {
        "study": study,
        "form": form,
        "panel": current.get_panel_display(),
        "has_study_file": current.panel == Panel.PROLIFIC,
        "has_question_file": current.panel == Panel.MTURK,
        "link": panel_link(study, base_url=settings.PUBLIC_URL),
        "webhook": settings.PUBLIC_URL + reverse("prolific-webhook", args=[study.slug]),
    }
    status = 400 if form.errors else 200
    return render(request, "owner/recruitment.html", context, status=status)


@require_safe
def prolific_file(request: HttpRequest, slug: str) -> HttpResponse:
    """The study file for Prolific's command line tool."""
    return _download(request, slug, prolific_study_yaml, "application/yaml", "yaml")


@require_safe
def mturk_file(request: HttpRequest, slug: str) -> HttpResponse:
    """The ExternalQuestion for Mechanical Turk."""
    return _download(request, slug, mturk_question, "application/xml", "xml")


def _save(study: Study, form: RecruitmentForm) -> None:
    with transaction.atomic():
        form.save()
        Study.objects.filter(pk=study.pk).update(
            completion_code=form.cleaned_data["completion_code"],
            max_per_rater=form.cleaned_data["max_per_rater"],
        )


def _download(
    request: HttpRequest, slug: str, make: Callable[..., str], content_type: str, ending: str
) -> HttpResponse:
    study = get_study(slug)
    try:
        text = make(study, base_url=settings.PUBLIC_URL)
    except StudyFileRefused as error:
        messages.error(request, str(error))
        return redirect("owner-recruitment", slug=study.slug)
    name = f'attachment; filename="{study.slug}.{ending}"'
    return HttpResponse(
        text, content_type=f"{content_type}; charset=utf-8", headers={"Content-Disposition": name}
    )
