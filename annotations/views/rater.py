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

from annotations.enums import AssignmentState, RaterOutcome
from annotations.errors import (
    AnswersRefused,
    AssignmentNotFound,
    SeatGivenAway,
    StudyNotOpen,
    SubmissionConflict,
)
from annotations.inputs import read_facts
from annotations.models import Assignment, Rater
from annotations.services.rating.asking import show, tell_ahead
from annotations.services.rating.claiming import claim_ahead, renew_lease
from annotations.services.rating.skipping import skip_assignment
from annotations.services.rating.stages import axes_of, is_explained, open_axes
from annotations.services.rating.submitting import save_draft, submit_answers
from annotations.services.rating.turns import ended, next_turn
from annotations.views.addresses import clip_addresses
from annotations.views.common import (
    for_rater,
    is_fetch,
    message_page,
    own_assignment,
    rate_url,
    refused_page,
    saved_answer,
    sent_assignment,
    submission_id,
)
from annotations.views.endings import ending_page
from annotations.views.rate_page import answers_from_form, rate_context

RNG = random.SystemRandom()


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@for_rater
def rate(request: HttpRequest, rater: Rater) -> HttpResponse:
    """The comparison that the rater judges now."""
    return _take(request, rater) if request.method == "POST" else _show_turn(request, rater)


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
    return JsonResponse({"clips": clip_addresses(tell_ahead(assignment).clips)})


@never_cache
@require_POST
@for_rater
def renew(request: HttpRequest, rater: Rater) -> HttpResponse:
    """Keep the comparison for a rater whose page is still open."""
    try:
        renew_lease(rater=rater, public_id=sent_assignment(request), now=timezone.now())
    except AssignmentNotFound as error:
        return JsonResponse({"error": str(error)}, status=404)
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
            public_id=sent_assignment(request),
            reason=request.POST.get("reason", ""),
            note=request.POST.get("note", ""),
            now=timezone.now(),
        )
    except AnswersRefused as error:
        return message_page(
            request, _("Not skipped"), str(error), action_url=rate_url(rater), status=422
        )
    except AssignmentNotFound as error:
        return refused_page(request, rater, error, status=404)
    except (SubmissionConflict, StudyNotOpen) as error:
        return refused_page(request, rater, error, status=409)
    return redirect("rater-rate", slug=rater.study.slug)


@never_cache
@require_GET
@for_rater
def done(request: HttpRequest, rater: Rater) -> HttpResponse:
    """How the rater's part ended, and the way back; the work, while it goes on."""
    turn = ended(rater, now=timezone.now())
    if turn is None or turn.ending is None:
        return HttpResponseRedirect(rate_url(rater))
    return ending_page(request, rater.study, turn.ending)


def _show_turn(request: HttpRequest, rater: Rater) -> HttpResponse:
    """The pair to judge now. An end has an address of its own, which stays good."""
    turn = next_turn(rater=rater, now=timezone.now(), rng=RNG)
    if turn.assignment is not None:
        context = rate_context(show(turn.assignment), now=timezone.now())
        return render(request, "rater/rate.html", context)
    if turn.ending is None or turn.ending.kind in RaterOutcome.values:
        return redirect("rater-done", slug=rater.study.slug)
    return ending_page(request, rater.study, turn.ending)


def _take(request: HttpRequest, rater: Rater) -> HttpResponse:
    """Save the answers of the stage that the page showed."""
    try:
        assignment = _save_stage(request, rater, sent_assignment(request))
    except AssignmentNotFound as error:
        return refused_page(request, rater, error, status=404)
    except AnswersRefused as error:
        return _show_problems(request, rater, error)
    except (SubmissionConflict, SeatGivenAway, StudyNotOpen) as error:
        return refused_page(request, rater, error, status=409)
    if assignment.state != AssignmentState.SUBMITTED:
        return _show_next_stage(request, assignment)
    return saved_answer(request, _after(rater, assignment))


def _after(rater: Rater, assignment: Assignment) -> str:
    """Where the rater goes from here: a practice pair is explained first."""
    if is_explained(assignment):
        return reverse("rater-feedback", args=[rater.study.slug, assignment.public_id])
    return rate_url(rater)


def _save_stage(request: HttpRequest, rater: Rater, public_id: uuid.UUID) -> Assignment:
    """Save what was answered: a draft, or with the last stage the whole."""
    axes = axes_of(rater.study)
    now = timezone.now()
    stage_is_blind = request.POST.get("stage") == "blind"
    if stage_is_blind:
        asked = [axis for axis in axes if not axis.shows_prompt]
        answers = answers_from_form(asked, request.POST)
        if len(asked) < len(axes):
            return save_draft(rater=rater, public_id=public_id, answers=answers, now=now)
    else:
        answers = answers_from_form([axis for axis in axes if axis.shows_prompt], request.POST)
    return submit_answers(
        rater=rater,
        public_id=public_id,
        submission_id=submission_id(request),
        answers=answers,
        playback=read_facts(request.POST.get("playback", "")),
        now=now,
    )


def _show_next_stage(request: HttpRequest, assignment: Assignment) -> HttpResponse:
    if not is_fetch(request):
        return HttpResponseRedirect(rate_url(assignment.rater))
    return render(request, "rater/_questions.html", rate_context(assignment, now=timezone.now()))


def _show_problems(request: HttpRequest, rater: Rater, error: AnswersRefused) -> HttpResponse:
    assignment = own_assignment(request, rater)
    if assignment is None:
        return refused_page(request, rater, AssignmentNotFound(), status=404)
    axes = open_axes(assignment, axes_of(rater.study))
    answers = answers_from_form(axes, request.POST)
    context = rate_context(assignment, now=timezone.now(), given=answers, problems=error.by_axis)
    template = "rater/_questions.html" if is_fetch(request) else "rater/rate.html"
    return render(request, template, context, status=422)
