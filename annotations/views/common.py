"""What the rater's pages share: who it is, in which language, and how they are answered."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from annotations.errors import AnswersRefused, AssignmentNotFound
from annotations.framing import allow_panel_frame
from annotations.models import Assignment, Rater, Study
from annotations.models.prepared import Prepared, given_text
from annotations.rater_session import (
    rater_in,
)
from annotations.views.language import in_language_of_rater

RaterView = Callable[..., HttpResponse]
UNKNOWN_BROWSER = "unknown"
"""The parameter that takes somebody to the first page who is at work but has lost the cookie."""


STUDY = Prepared(
    lambda: Study.objects.select_related("recruitment").filter(slug=given_text("slug"))
)


def for_rater(view: RaterView) -> Callable[..., HttpResponse]:
    """Give the view the rater, in their language; send others to the study's first page."""

    @wraps(view)
    def wrapper(request: HttpRequest, slug: str, **values: Any) -> HttpResponse:
        study = STUDY.first(slug=slug)
        if study is None:
            raise Http404
        page = in_language_of_rater(
            request, study, lambda: _with_rater(request, study, view, **values)
        )
        return allow_panel_frame(page, study)

    return wrapper


def _with_rater(request: HttpRequest, study: Study, view: RaterView, **values: Any) -> HttpResponse:
    rater = rater_in(request, study)
    if rater is None:
        welcome = reverse("rater-welcome", args=[study.slug])
        return redirect(f"{welcome}?{UNKNOWN_BROWSER}=1")
    return view(request, rater, **values)


def sent_assignment(request: HttpRequest) -> uuid.UUID:
    """Which assignment the form is about; AssignmentNotFound where it names none."""
    try:
        return uuid.UUID(request.POST.get("assignment", ""))
    except ValueError as error:
        raise AssignmentNotFound from error


def own_assignment(request: HttpRequest, rater: Rater) -> Assignment | None:
    try:
        public_id = sent_assignment(request)
    except AssignmentNotFound:
        return None
    own = Assignment.objects.with_stimuli().for_rater(rater.pk)
    return own.filter(public_id=public_id).first()


def submission_id(request: HttpRequest) -> uuid.UUID:
    try:
        return uuid.UUID(request.POST.get("submission_id", ""))
    except ValueError as error:
        raise AnswersRefused({"": [_("The page is out of date. Please load it again.")]}) from error


def saved_answer(request: HttpRequest, next_url: str) -> HttpResponse:
    if is_fetch(request):
        return JsonResponse({"saved": True, "next": next_url})
    return HttpResponseRedirect(next_url)


def refused_page(
    request: HttpRequest, rater: Rater, error: Exception, *, status: int
) -> HttpResponse:
    if is_fetch(request):
        body = {"error": str(error), "next": rate_url(rater)}
        return JsonResponse(body, status=status)
    return message_page(
        request,
        _("Not saved"),
        str(error),
        action_url=rate_url(rater),
        action_label=_("Go on"),
        status=status,
    )


def message_page(
    request: HttpRequest,
    title: str,
    text: str,
    *,
    action_url: str = "",
    action_label: str = "",
    has_action: bool = True,
    status: int = 200,
) -> HttpResponse:
    context = {
        "title": title,
        "text": text,
        "action_url": (action_url or request.get_full_path()) if has_action else "",
        "action_label": action_label,
    }
    return render(request, "rater/message.html", context, status=status)


def is_fetch(request: HttpRequest) -> bool:
    return request.headers.get("X-Requested-With") == "fetch"


def rate_url(rater: Rater) -> str:
    return reverse("rater-rate", args=[rater.study.slug])
