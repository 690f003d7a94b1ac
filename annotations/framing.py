"""Pages that a panel shows in a frame of its own site, and forms that go back to it."""

from __future__ import annotations

from http.cookies import Morsel

from django.http import HttpResponse

from annotations.models import Study
from annotations.services.raters.entry import recruitment_of

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


def send_from_frames(cookie: Morsel[str]) -> None:
    """Let a cookie be sent from within a frame, also by browsers that keep frames apart.

    `Partitioned` (CHIPS) is what browsers want that block other cookies of framed sites. Python's
    cookies know the word from 3.14 on only; here it goes out as part of the one before it.
    """
    cookie["samesite"], cookie["secure"] = "None; Partitioned", True
