"""The owner's page of changes to a study, and of those that were made while it was open."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from analysis.page.words import amendment_words
from analysis.votes.settings import amendment_of
from annotations.enums import StudyState
from annotations.errors import JuiceError
from annotations.models import Study
from annotations.services.studies.amendments import CAN_BE_AMENDED
from owner.lookup import get_study
from owner.studies.change_forms import FORMS, OF_A_DRAFT


@require_http_methods(["GET", "POST"])
def changes(request: HttpRequest, slug: str) -> HttpResponse:
    """What may be changed now, and what was, when, why and by how much."""
    study = get_study(slug)
    sent = request.POST.get("what", "")
    offered = _offered(study)
    if request.method == "POST" and sent not in FORMS:
        return HttpResponseBadRequest("There is no such change.")
    forms = {
        name: FORMS[name][2](study, request.POST if name == sent else None, prefix=name)
        for name in {*offered, *([sent] if sent else [])}
    }
    if sent and forms[sent].is_valid():
        try:
            messages.success(request, forms[sent].make(timezone.now()))
            return redirect("owner-changes", slug=study.slug)
        except JuiceError as error:
            problems = getattr(error, "problems", [])
            forms[sent].add_error(None, " ".join([str(error), *problems]))
    status = 400 if sent else 200
    return render(request, "owner/changes.html", _context(study, offered, forms), status=status)


def _offered(study: Study) -> list[str]:
    if study.state in CAN_BE_AMENDED:
        return list(FORMS)
    return list(OF_A_DRAFT) if study.state == StudyState.DRAFT else []


def _context(study: Study, offered: list[str], forms: dict[str, Any]) -> dict[str, Any]:
    made = [(change, amendment_words(amendment_of(change))) for change in study.amendments.all()]
    return {
        "study": study,
        "forms": [(name, *FORMS[name][:2], forms[name]) for name in FORMS if name in forms],
        "is_open": study.state in CAN_BE_AMENDED,
        "is_offered": bool(offered),
        "made": made,
    }
