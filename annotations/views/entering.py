"""The first page of a study, and who is let in by it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotations.errors import (
    ConsentMissing,
    EntryRefused,
    StudyNotOpen,
)
from annotations.framing import allow_panel_frame
from annotations.models import Rater, Study
from annotations.rater_session import (
    panel_identity,
    panel_parameters,
    rater_in,
    remember_rater,
)
from annotations.services.raters.entry import PanelIdentity, ensure_comes_by_link
from annotations.services.raters.invites import find_invite
from annotations.services.raters.joining import is_simulation, join_study
from annotations.services.raters.ways_out import why_not_let_in
from annotations.services.rating.submitting import (
    axes_of,
)
from annotations.services.studies.texts import own_text
from annotations.views.common import UNKNOWN_BROWSER, message_page
from annotations.views.endings import ending_page
from annotations.views.language import in_language_of_rater
from annotations.views.lesson_pages import examples_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, slug: str) -> HttpResponse:
    """Instructions, and the button that takes a rater in."""
    study = get_object_or_404(Study.objects.select_related("recruitment"), slug=slug)
    answer = _take_in if request.method == "POST" else _show_welcome
    page = in_language_of_rater(request, study, lambda: answer(request, study))
    return allow_panel_frame(page, study)


def _show_welcome(request: HttpRequest, study: Study) -> HttpResponse:
    identity = panel_identity(study, request.GET.dict())
    try:
        _ensure_link_opens(request, study, identity)
    except EntryRefused as error:
        return _cannot_enter(request, error)
    return render(request, "rater/welcome.html", _welcome_context(request, study, identity))


def _ensure_link_opens(request: HttpRequest, study: Study, identity: PanelIdentity) -> None:
    """Raise EntryRefused for a link that lets nobody in, before anything is asked."""
    if invite := request.GET.get("invite", ""):
        find_invite(study=study, token=invite)
        return
    is_simulated = is_simulation(study, request.GET.get("simulation", ""))
    if not is_simulated and not identity.is_preview and rater_in(request, study) is None:
        ensure_comes_by_link(study, identity)


def _take_in(request: HttpRequest, study: Study) -> HttpResponse:
    identity = panel_identity(study, request.POST.dict())
    rater = rater_in(request, study)
    invite = request.POST.get("invite", "")
    if rater is None or _is_somebody_else(rater, identity, invite):
        now = timezone.now()
        try:
            rater = join_study(
                study=study,
                identity=identity,
                is_simulated=is_simulation(study, request.POST.get("simulation", "")),
                consented_at=now if request.POST.get("consent") else None,
                invite=invite,
                now=now,
            )
        except ConsentMissing as error:
            context = {**_welcome_context(request, study, identity), "error": str(error)}
            return render(request, "rater/welcome.html", context, status=422)
        except (EntryRefused, StudyNotOpen) as error:
            return _not_let_in(request, study, error, identity) or _cannot_enter(request, error)
    response = redirect(first_page(rater), slug=study.slug)
    remember_rater(response, rater)
    return response


def _is_somebody_else(rater: Rater, identity: PanelIdentity, invite: str) -> bool:
    """Whether the link is another person's, or another submission's, than the browser's rater."""
    if invite:
        own = getattr(rater, "invite", None)
        return own is None or own.token != invite
    ids = (identity.external_id, identity.external_session_id)
    is_known_as = (rater.external_id, rater.external_session_id)
    return identity.is_preview or (identity.is_known and ids != is_known_as)


def _not_let_in(
    request: HttpRequest, study: Study, error: EntryRefused | StudyNotOpen, identity: PanelIdentity
) -> HttpResponse | None:
    ending = why_not_let_in(study, error, identity)
    if ending is None:
        return None
    again = f"{request.path}?{urlencode(_link_fields(request, study, identity))}"
    return ending_page(request, study, ending, again_url=again, status=409)


def _cannot_enter(request: HttpRequest, error: Exception) -> HttpResponse:
    title = _("You cannot enter by this link")
    return message_page(request, title, str(error), has_action=False, status=403)


def first_page(rater: Rater) -> str:
    """The examples, where the study has some and the rater has not begun; else the work."""
    has_begun = rater.assignments.exists()
    return "rater-examples" if not has_begun and examples_of(rater.study) else "rater-rate"


def _welcome_context(request: HttpRequest, study: Study, identity: PanelIdentity) -> dict[str, Any]:
    axes = axes_of(study)
    prompt_shown = {axis.shows_prompt for axis in axes}
    return {
        "study": study,
        "axes": axes,
        "instructions": own_text(study, "instructions"),
        "hides_text_first": prompt_shown == {False, True},
        "form_fields": _link_fields(request, study, identity),
        "resume": rater_in(request, study) is not None,
        "is_preview": identity.is_preview,
        "has_examples": bool(examples_of(study)),
        "is_unknown": UNKNOWN_BROWSER in request.GET,
        "error": "",
    }


def _link_fields(request: HttpRequest, study: Study, identity: PanelIdentity) -> dict[str, str]:
    """What the link said of the person, by the names of its parameters."""
    sent = request.POST or request.GET
    fields = {name: getattr(identity, field) for field, name in panel_parameters(study).items()}
    fields |= {name: sent.get(name, "") for name in ("invite", "simulation")}
    return {name: value for name, value in fields.items() if name and value}
