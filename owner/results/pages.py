"""The report with the clips of its examples in it, for owners."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from analysis.models import Report
from analysis.page.clips import page_with_clips
from analysis.page.frame import with_notice
from analysis.services.requesting import current_report
from owner.lookup import get_study
from owner.parts import live_part
from owner.results.standing import results_of


@require_safe
def report_with_clips(request: HttpRequest, slug: str) -> HttpResponseBase:
    """One file that plays offline. Until there is a report it is asked for."""
    study = get_study(slug)
    ready, asked = current_report(study=study, now=timezone.now())
    if ready is None:
        _say_why_not(request, asked)
        return redirect("owner-study", slug=study.slug)
    with ready.page.open("rb") as file:
        page = file.read().decode()
    page = with_notice(page, ready) if asked.error else page
    response = StreamingHttpResponse(
        page_with_clips(page, study), content_type="text/html; charset=utf-8"
    )
    name = f"{study.slug}-report-with-clips.html"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _say_why_not(request: HttpRequest, asked: Report) -> None:
    if asked.has_failed:
        messages.error(request, f"The report could not be made. {asked.error}")
    else:
        messages.info(request, "The report is being made. Try again in a few seconds.")


@live_part
def study_results(request: HttpRequest, slug: str) -> HttpResponse:
    """The results by themselves; not sent again while they are the same."""
    study = get_study(slug)
    context = {"study": study, "results": results_of(study, now=timezone.now())}
    return render(request, "owner/_results.html", context)
