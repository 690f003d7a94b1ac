"""The last page of people whose part ends otherwise than by being done, with their own code."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from annotations.enums import RaterOutcome
from annotations.errors import EntryRefused, StudyNotOpen, StudyOver
from annotations.models import Rater, Study
from annotations.services.raters.entry import (
    PanelIdentity,
    identity_of,
    lasting_outcome,
    recruitment_of,
    way_back,
)
from annotations.services.raters.joining import finish_rater

TITLES = {
    RaterOutcome.SCREENED_OUT: _("You cannot take part"),
    RaterOutcome.NO_CONSENT: _("You do not take part"),
    RaterOutcome.OVER_QUOTA: _("This study takes no more people"),
}


def ending(
    request: HttpRequest,
    study: Study,
    outcome: RaterOutcome,
    *,
    identity: PanelIdentity,
    text: str,
    status: int = 200,
) -> HttpResponse:
    """What happened, and for people of a panel the code of this outcome."""
    context = {
        "study": study,
        "title": TITLES[outcome],
        "text": text,
        "way_back": way_back(study=study, outcome=outcome, identity=identity),
        "is_from_panel": identity.is_known,
        "is_framed": recruitment_of(study).is_framed,
    }
    return render(request, "rater/ended.html", context, status=status)


def not_let_in(
    request: HttpRequest,
    study: Study,
    error: EntryRefused | StudyNotOpen,
    identity: PanelIdentity,
) -> HttpResponse | None:
    """The last page of somebody who comes in vain; None if they may come back or try again."""
    if isinstance(error, StudyOver):
        outcome = RaterOutcome.OVER_QUOTA
    elif type(error) is EntryRefused and identity.is_known:
        outcome = RaterOutcome.SCREENED_OUT
    else:
        return None
    return ending(request, study, outcome, identity=identity, text=str(error), status=409)


def part_ended(request: HttpRequest, rater: Rater, error: StudyNotOpen) -> HttpResponse | None:
    """The last page of a rater who is given nothing more; None if they may come back."""
    outcome = lasting_outcome(rater, error)
    if outcome is None:
        return None
    if outcome is RaterOutcome.DONE:
        finish_rater(rater=rater, now=timezone.now())
        return redirect("rater-done", slug=rater.study.slug)
    identity = identity_of(rater)
    return ending(request, rater.study, outcome, identity=identity, text=str(error))
