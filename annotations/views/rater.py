"""The rater's pages. The server alone knows which page a rater is on."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotations.enums import ENDED_AT_PANEL, STOPPED, CheckRole, RaterOutcome
from annotations.errors import (
    AnswersRefused,
    AssignmentNotFound,
    ConsentMissing,
    EntryRefused,
    InviteRefused,
    RevisionRefused,
    SeatGivenAway,
    StudyNotOpen,
    SubmissionConflict,
)
from annotations.framing import allow_panel_frame
from annotations.models import Assignment, Rater, Study
from annotations.rater_session import (
    panel_identity,
    panel_parameters,
    rater_in,
    remember_rater,
)
from annotations.services.claiming import claim_ahead, claim_assignment, renew_lease
from annotations.services.invites import find_invite
from annotations.services.raters import finish_rater, is_simulation, join_study
from annotations.services.recruiting import (
    PanelIdentity,
    has_worked,
    identity_of,
    is_full,
    recruitment_of,
    way_back,
    why_no_more,
)
from annotations.services.revising import previous_assignment, revise_answers
from annotations.services.skipping import skip_assignment
from annotations.services.submitting import (
    axes_of,
    open_axes,
    revisable_axes,
    save_draft,
    submit_answers,
)
from annotations.services.wording import own_text
from annotations.views.endings import ending, not_let_in, part_ended
from annotations.views.language import in_language_of_rater
from annotations.views.lesson_pages import examples_context, examples_of, feedback_context
from annotations.views.rate_page import (
    answers_from_form,
    clip_addresses,
    questions_context,
    rate_context,
    revision_context,
    revision_questions,
)

RNG = random.SystemRandom()
MAX_PLAYBACK_CHARACTERS = 10_000


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, slug: str) -> HttpResponse:
    """Instructions, and the button that takes a rater in."""
    study = get_object_or_404(Study.objects.select_related("recruitment"), slug=slug)
    answer = _take_in if request.method == "POST" else _show_welcome
    page = in_language_of_rater(request, study, lambda: answer(request, study))
    return allow_panel_frame(page, study)


def _show_welcome(request: HttpRequest, study: Study) -> HttpResponse:
    try:
        if invite := request.GET.get("invite", ""):
            find_invite(study=study, token=invite)
    except InviteRefused as error:
        return _cannot_enter(request, error)
    identity = panel_identity(study, request.GET.dict())
    return render(request, "rater/welcome.html", _welcome_context(request, study, identity))


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
        except EntryRefused as error:
            return not_let_in(request, study, error, identity) or _cannot_enter(request, error)
        except StudyNotOpen as error:
            page = not_let_in(request, study, error, identity)
            return page or _message(request, _("Not open"), str(error), status=409)
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


def _cannot_enter(request: HttpRequest, error: EntryRefused) -> HttpResponse:
    title = _("You cannot enter by this link")
    return _message(request, title, str(error), has_action=False, status=403)


def first_page(rater: Rater) -> str:
    """The examples, where the study has some and the rater has not begun; else the work."""
    has_begun = rater.assignments.exists()
    return "rater-examples" if not has_begun and examples_of(rater.study) else "rater-rate"


RaterView = Callable[..., HttpResponse]


def for_rater(view: RaterView) -> Callable[..., HttpResponse]:
    """Give the view the rater, in their language; send others to the study's first page."""

    @wraps(view)
    def wrapper(request: HttpRequest, slug: str, **values: Any) -> HttpResponse:
        study = get_object_or_404(Study.objects.select_related("recruitment"), slug=slug)
        page = in_language_of_rater(
            request, study, lambda: _with_rater(request, study, view, **values)
        )
        return allow_panel_frame(page, study)

    return wrapper


def _with_rater(request: HttpRequest, study: Study, view: RaterView, **values: Any) -> HttpResponse:
    rater = rater_in(request, study)
    if rater is None:
        return redirect("rater-welcome", slug=study.slug)
    return view(request, rater, **values)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@for_rater
def rate(request: HttpRequest, rater: Rater) -> HttpResponse:
    """The comparison that the rater judges now."""
    return _take(request, rater) if request.method == "POST" else _show_comparison(request, rater)


@never_cache
@require_GET
@for_rater
def examples(request: HttpRequest, rater: Rater) -> HttpResponse:
    """For each reason, pairs that were decided by it, with their answers."""
    shown = examples_of(rater.study)
    if not shown:
        return HttpResponseRedirect(_rate_url(rater))
    context = {"study": rater.study, "examples": examples_context(shown)}
    return render(request, "rater/examples.html", context)


@never_cache
@require_GET
@for_rater
def feedback(request: HttpRequest, rater: Rater, public_id: uuid.UUID) -> HttpResponse:
    """The answer to a practice pair, beside the rater's own."""
    own = Assignment.objects.with_stimuli().for_rater(rater.pk).submitted()
    practice = own.filter(comparison__of_check__role=CheckRole.PRACTICE)
    assignment = practice.filter(public_id=public_id).first()
    if assignment is None:
        return HttpResponseRedirect(_rate_url(rater))
    return render(request, "rater/feedback.html", feedback_context(assignment))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@for_rater
def back(request: HttpRequest, rater: Rater) -> HttpResponse:
    """One step back: the last comparison with its answers, to change them."""
    assignment = previous_assignment(rater=rater, now=timezone.now())
    if request.method == "POST":
        return _take_revision(request, rater)
    if assignment is None:
        return HttpResponseRedirect(_rate_url(rater))
    return render(request, "rater/rate.html", revision_context(assignment))


@never_cache
@require_POST
@for_rater
def ahead(request: HttpRequest, rater: Rater) -> HttpResponse:
    """The addresses of the next comparison's clips, for the browser to load meanwhile."""
    try:
        assignment = claim_ahead(rater=rater, now=timezone.now(), rng=RNG)
    except StudyNotOpen:
        assignment = None
    if assignment is None:
        return HttpResponse(status=204)
    return JsonResponse({"clips": clip_addresses(assignment)})


@never_cache
@require_POST
@for_rater
def renew(request: HttpRequest, rater: Rater) -> HttpResponse:
    """Keep the comparison for a rater whose page is still open."""
    try:
        public_id = uuid.UUID(request.POST.get("assignment", ""))
        renew_lease(rater=rater, public_id=public_id, now=timezone.now())
    except (ValueError, AssignmentNotFound):
        return JsonResponse({"error": str(AssignmentNotFound())}, status=404)
    except SeatGivenAway as error:
        return JsonResponse({"error": str(error), "next": _rate_url(rater)}, status=409)
    return HttpResponse(status=204)


@never_cache
@require_POST
@for_rater
def skip(request: HttpRequest, rater: Rater) -> HttpResponse:
    """Pass the comparison by, with a reason, and go on with the next one."""
    try:
        skip_assignment(
            rater=rater,
            public_id=uuid.UUID(request.POST.get("assignment", "")),
            reason=request.POST.get("reason", ""),
            note=request.POST.get("note", ""),
            now=timezone.now(),
        )
    except AnswersRefused as error:
        return _message(
            request, _("Not skipped"), str(error), action_url=_rate_url(rater), status=422
        )
    except (ValueError, AssignmentNotFound):
        return _refused(request, rater, AssignmentNotFound(), status=404)
    except (SubmissionConflict, StudyNotOpen) as error:
        return _refused(request, rater, error, status=409)
    return redirect("rater-rate", slug=rater.study.slug)


@never_cache
@require_GET
@for_rater
def done(request: HttpRequest, rater: Rater) -> HttpResponse:
    """Thanks and the completion code, for a rater who has nothing left to judge."""
    if rater.finished_at is None or rater.outcome in ENDED_AT_PANEL:
        return HttpResponseRedirect(_rate_url(rater))
    is_stopped = rater.outcome in STOPPED
    outcome = RaterOutcome(rater.outcome) if is_stopped else RaterOutcome.DONE
    identity = identity_of(rater)
    context = {
        "study": rater.study,
        "outcome": rater.outcome,
        "way_back": way_back(study=rater.study, outcome=outcome, identity=identity),
        "shows_code": not is_stopped or identity.is_known,
        "is_to_return": is_stopped and recruitment_of(rater.study).is_framed,
        "note": "" if is_stopped else why_no_more(rater, now=timezone.now()),
        "judged": rater.assignments.judged_at_work().count(),
    }
    return render(request, "rater/done.html", context)


def _show_comparison(request: HttpRequest, rater: Rater) -> HttpResponse:
    try:
        assignment = claim_assignment(rater=rater, now=timezone.now(), rng=RNG)
    except StudyNotOpen as error:
        page = part_ended(request, rater, error)
        return page or _message(request, _("Not open"), str(error), action_url=_rate_url(rater))
    if assignment is None:
        return _nothing_left(request, rater)
    context = rate_context(_with_stimuli(assignment), now=timezone.now())
    return render(request, "rater/rate.html", context)


def _nothing_left(request: HttpRequest, rater: Rater) -> HttpResponse:
    rater.refresh_from_db(fields=["outcome"])
    if rater.outcome in STOPPED:
        return redirect("rater-done", slug=rater.study.slug)
    if not has_worked(rater):
        if is_full(rater.study):
            text = _("Every comparison has all the answers that it needs. Thank you for coming.")
            identity = identity_of(rater)
            outcome = RaterOutcome.OVER_QUOTA
            return ending(request, rater.study, outcome, identity=identity, text=text)
        text = _("All comparisons are with other raters at the moment. Please try again later.")
        return _message(request, _("Nothing to judge now"), text, action_url=_rate_url(rater))
    finish_rater(rater=rater, now=timezone.now())
    return redirect("rater-done", slug=rater.study.slug)


def _take(request: HttpRequest, rater: Rater) -> HttpResponse:
    """Save the answers of the stage that the page showed."""
    assignment = _own_assignment(request, rater)
    if assignment is None:
        return _refused(request, rater, AssignmentNotFound(), status=404)
    try:
        saved = _save_stage(request, rater, assignment)
    except AnswersRefused as error:
        return _show_problems(request, rater, assignment, error)
    except (SubmissionConflict, SeatGivenAway, StudyNotOpen) as error:
        return _refused(request, rater, error, status=409)
    if not saved:
        return _show_next_stage(request, rater, assignment)
    return _saved(request, _after(rater, assignment))


def _take_revision(request: HttpRequest, rater: Rater) -> HttpResponse:
    """Save the last comparison's answers anew."""
    assignment = _own_assignment(request, rater)
    if assignment is None:
        return _refused(request, rater, AssignmentNotFound(), status=404)
    axes = revisable_axes(assignment, axes_of(rater.study))
    answers = answers_from_form(axes, request.POST)
    try:
        revise_answers(
            rater=rater,
            public_id=assignment.public_id,
            submission_id=_submission_id(request),
            answers=answers,
            now=timezone.now(),
        )
    except AnswersRefused as error:
        context = revision_context(assignment)
        context |= revision_questions(assignment, answers=answers, problems=error.by_axis)
        template = "rater/_questions.html" if _is_fetch(request) else "rater/rate.html"
        return render(request, template, context, status=422)
    except (SubmissionConflict, RevisionRefused, StudyNotOpen) as error:
        return _refused(request, rater, error, status=409)
    return _saved(request, _rate_url(rater))


def _saved(request: HttpRequest, next_url: str) -> HttpResponse:
    if _is_fetch(request):
        return JsonResponse({"saved": True, "next": next_url})
    return HttpResponseRedirect(next_url)


def _after(rater: Rater, assignment: Assignment) -> str:
    """Where the rater goes from here: a practice pair is explained first."""
    check = assignment.comparison.of_check
    if check is not None and check.role == CheckRole.PRACTICE:
        return reverse("rater-feedback", args=[rater.study.slug, assignment.public_id])
    return _rate_url(rater)


def _save_stage(request: HttpRequest, rater: Rater, assignment: Assignment) -> bool:
    """Save what was answered; whether the comparison is complete with it."""
    axes = axes_of(rater.study)
    now = timezone.now()
    stage_is_blind = request.POST.get("stage") == "blind"
    if stage_is_blind:
        asked = [axis for axis in axes if not axis.shows_prompt]
        answers = answers_from_form(asked, request.POST)
        if len(asked) < len(axes):
            save_draft(rater=rater, public_id=assignment.public_id, answers=answers, now=now)
            return False
    else:
        answers = answers_from_form([axis for axis in axes if axis.shows_prompt], request.POST)
    submit_answers(
        rater=rater,
        public_id=assignment.public_id,
        submission_id=_submission_id(request),
        answers=answers,
        playback=_playback(request),
        now=now,
    )
    return True


def _show_next_stage(request: HttpRequest, rater: Rater, assignment: Assignment) -> HttpResponse:
    if not _is_fetch(request):
        return redirect("rater-rate", slug=rater.study.slug)
    assignment.refresh_from_db()
    return render(request, "rater/_questions.html", rate_context(assignment, now=timezone.now()))


def _show_problems(
    request: HttpRequest, rater: Rater, assignment: Assignment, error: AnswersRefused
) -> HttpResponse:
    assignment.refresh_from_db()
    context = rate_context(assignment, now=timezone.now())
    axes = open_axes(assignment, axes_of(rater.study))
    answers = answers_from_form(axes, request.POST)
    context |= questions_context(assignment, answers=answers, problems=error.by_axis)
    template = "rater/_questions.html" if _is_fetch(request) else "rater/rate.html"
    return render(request, template, context, status=422)


def _own_assignment(request: HttpRequest, rater: Rater) -> Assignment | None:
    try:
        public_id = uuid.UUID(request.POST.get("assignment", ""))
    except ValueError:
        return None
    own = Assignment.objects.with_stimuli().for_rater(rater.pk)
    return own.filter(public_id=public_id).first()


def _with_stimuli(assignment: Assignment) -> Assignment:
    return Assignment.objects.with_stimuli().get(pk=assignment.pk)


def _submission_id(request: HttpRequest) -> uuid.UUID:
    try:
        return uuid.UUID(request.POST.get("submission_id", ""))
    except ValueError as error:
        raise AnswersRefused({"": [_("The page is out of date. Please load it again.")]}) from error


def _playback(request: HttpRequest) -> dict[str, Any]:
    """What the browser says about playing; anything that is not a small JSON object is dropped."""
    text = request.POST.get("playback", "")
    if len(text) > MAX_PLAYBACK_CHARACTERS:
        return {}
    try:
        facts = json.loads(text or "{}")
    except json.JSONDecodeError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _refused(request: HttpRequest, rater: Rater, error: Exception, *, status: int) -> HttpResponse:
    if _is_fetch(request):
        body = {"error": str(error), "next": _rate_url(rater)}
        return JsonResponse(body, status=status)
    return _message(
        request,
        _("Not saved"),
        str(error),
        action_url=_rate_url(rater),
        action_label=_("Go on"),
        status=status,
    )


def _message(
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


def _welcome_context(request: HttpRequest, study: Study, identity: PanelIdentity) -> dict[str, Any]:
    sent = request.POST or request.GET
    fields = {name: getattr(identity, field) for field, name in panel_parameters(study).items()}
    fields |= {name: sent.get(name, "") for name in ("invite", "simulation")}
    axes = axes_of(study)
    prompt_shown = {axis.shows_prompt for axis in axes}
    return {
        "study": study,
        "axes": axes,
        "instructions": own_text(study, "instructions"),
        "hides_text_first": prompt_shown == {False, True},
        "form_fields": {name: value for name, value in fields.items() if value},
        "resume": rater_in(request, study) is not None,
        "is_preview": identity.is_preview,
        "has_examples": bool(examples_of(study)),
        "error": "",
    }


def _is_fetch(request: HttpRequest) -> bool:
    return request.headers.get("X-Requested-With") == "fetch"


def _rate_url(rater: Rater) -> str:
    return reverse("rater-rate", args=[rater.study.slug])
