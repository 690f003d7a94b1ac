"""The rater's work, pair by pair. The server alone knows which page a rater is on."""

from __future__ import annotations

import random
import uuid

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotations.enums import ENDED_AT_PANEL, STOPPED, CheckRole, RaterOutcome
from annotations.errors import (
    AnswersRefused,
    AssignmentNotFound,
    SeatGivenAway,
    StudyNotOpen,
    SubmissionConflict,
)
from annotations.inputs import read_facts
from annotations.models import Assignment, Rater
from annotations.services.raters.entry import (
    has_worked,
    identity_of,
    is_full,
    recruitment_of,
    way_back,
    why_no_more,
)
from annotations.services.raters.joining import finish_rater
from annotations.services.rating.claiming import claim_ahead, claim_assignment, renew_lease
from annotations.services.rating.skipping import skip_assignment
from annotations.services.rating.submitting import (
    axes_of,
    open_axes,
    save_draft,
    submit_answers,
)
from annotations.views.common import (
    for_rater,
    is_fetch,
    message_page,
    own_assignment,
    rate_url,
    refused_page,
    saved_answer,
    submission_id,
)
from annotations.views.endings import ending, part_ended
from annotations.views.rate_page import (
    answers_from_form,
    clip_addresses,
    questions_context,
    rate_context,
)

RNG = random.SystemRandom()


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@for_rater
def rate(request: HttpRequest, rater: Rater) -> HttpResponse:
    """The comparison that the rater judges now."""
    return _take(request, rater) if request.method == "POST" else _show_comparison(request, rater)


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
        return JsonResponse({"error": str(error), "next": rate_url(rater)}, status=409)
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
        return message_page(
            request, _("Not skipped"), str(error), action_url=rate_url(rater), status=422
        )
    except (ValueError, AssignmentNotFound):
        return refused_page(request, rater, AssignmentNotFound(), status=404)
    except (SubmissionConflict, StudyNotOpen) as error:
        return refused_page(request, rater, error, status=409)
    return redirect("rater-rate", slug=rater.study.slug)


@never_cache
@require_GET
@for_rater
def done(request: HttpRequest, rater: Rater) -> HttpResponse:
    """Thanks and the completion code, for a rater who has nothing left to judge."""
    if rater.finished_at is None or rater.outcome in ENDED_AT_PANEL:
        return HttpResponseRedirect(rate_url(rater))
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
        return page or message_page(request, _("Not open"), str(error), action_url=rate_url(rater))
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
        return message_page(request, _("Nothing to judge now"), text, action_url=rate_url(rater))
    finish_rater(rater=rater, now=timezone.now())
    return redirect("rater-done", slug=rater.study.slug)


def _take(request: HttpRequest, rater: Rater) -> HttpResponse:
    """Save the answers of the stage that the page showed."""
    assignment = own_assignment(request, rater)
    if assignment is None:
        return refused_page(request, rater, AssignmentNotFound(), status=404)
    try:
        saved = _save_stage(request, rater, assignment)
    except AnswersRefused as error:
        return _show_problems(request, rater, assignment, error)
    except (SubmissionConflict, SeatGivenAway, StudyNotOpen) as error:
        return refused_page(request, rater, error, status=409)
    if not saved:
        return _show_next_stage(request, rater, assignment)
    return saved_answer(request, _after(rater, assignment))


def _after(rater: Rater, assignment: Assignment) -> str:
    """Where the rater goes from here: a practice pair is explained first."""
    check = assignment.comparison.of_check
    if check is not None and check.role == CheckRole.PRACTICE:
        return reverse("rater-feedback", args=[rater.study.slug, assignment.public_id])
    return rate_url(rater)


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
        submission_id=submission_id(request),
        answers=answers,
        playback=read_facts(request.POST.get("playback", "")),
        now=now,
    )
    return True


def _show_next_stage(request: HttpRequest, rater: Rater, assignment: Assignment) -> HttpResponse:
    if not is_fetch(request):
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
    template = "rater/_questions.html" if is_fetch(request) else "rater/rate.html"
    return render(request, template, context, status=422)


def _with_stimuli(assignment: Assignment) -> Assignment:
    return Assignment.objects.with_stimuli().get(pk=assignment.pk)
