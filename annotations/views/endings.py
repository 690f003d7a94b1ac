"""The page of everybody who is given no pair: what happened, what they get, and the way back."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotations.models import Study
from annotations.services.raters.entry import recruitment_of
from annotations.services.raters.ways_out import Ending


def ending_page(
    request: HttpRequest, study: Study, ending: Ending, *, again_url: str = "", status: int = 200
) -> HttpResponse:
    again_url = again_url or request.get_full_path()
    context = {
        "study": study,
        "ending": ending,
        "way_back": ending.way_back,
        "panel": recruitment_of(study).get_panel_display(),
        "again_url": again_url if ending.may_come_back else "",
    }
    return render(request, "rater/ending.html", context, status=status)
