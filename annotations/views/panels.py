"""Where people of panels meet the study otherwise than by judging."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotations.enums import RaterOutcome
from annotations.framing import allow_panel_frame
from annotations.models import Study
from annotations.rater_session import panel_identity
from annotations.services.raters.ways_out import end_of_visit
from annotations.views.endings import ending_page
from annotations.views.language import in_language_of_rater


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def declined(request: HttpRequest, slug: str) -> HttpResponse:
    """Goodbye to somebody who does not agree to take part; nothing of them is kept."""
    study = get_object_or_404(Study.objects.select_related("recruitment"), slug=slug)
    if request.method != "POST":
        return redirect("rater-welcome", slug=slug)
    page = in_language_of_rater(request, study, lambda: _goodbye(request, study))
    return allow_panel_frame(page, study)


def _goodbye(request: HttpRequest, study: Study) -> HttpResponse:
    identity = panel_identity(study, request.POST.dict())
    return ending_page(request, study, end_of_visit(study, RaterOutcome.NO_CONSENT, identity))
