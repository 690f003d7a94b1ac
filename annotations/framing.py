"""Pages that a panel shows in a frame of its own site, and forms that go back to it."""

from __future__ import annotations

from django.http import HttpResponse

from annotations.models import Study
from annotations.services.recruiting import recruitment_of

_MARK = "is_framed_by_panel"


def allow_panel_frame(response: HttpResponse, study: Study) -> HttpResponse:
    """Let the study's panel frame this page, where it works that way; mark it for the middleware
    that writes the policy and the cookies."""
    if recruitment_of(study).is_framed:
        response.xframe_options_exempt = True
        setattr(response, _MARK, True)
    return response


def is_framed_by_panel(response: HttpResponse) -> bool:
    return bool(getattr(response, _MARK, False))
