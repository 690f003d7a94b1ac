"""One step back: the last comparison once more, to answer it anew."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotations.errors import (
    AnswersRefused,
    AssignmentNotFound,
    RevisionRefused,
    StudyNotOpen,
    SubmissionConflict,
)
from annotations.models import Rater
from annotations.services.rating.revising import revise_answers
from annotations.services.rating.stages import axes_of, previous_assignment, revisable_axes
from annotations.views.common import (
    for_rater,
    is_fetch,
    own_assignment,
    rate_url,
    refused_page,
    saved_answer,
    submission_id,
)
from annotations.views.rate_page import answers_from_form, revision_context


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@for_rater
def back(request: HttpRequest, rater: Rater) -> HttpResponse:
    """One step back: the last comparison with its answers, to change them."""
    assignment = previous_assignment(rater=rater, now=timezone.now())
    if request.method == "POST":
        return _take_revision(request, rater)
    if assignment is None:
        return HttpResponseRedirect(rate_url(rater))
    return render(request, "rater/rate.html", revision_context(assignment))


def _take_revision(request: HttpRequest, rater: Rater) -> HttpResponse:
    """Save the last comparison's answers anew."""
    assignment = own_assignment(request, rater)
    if assignment is None:
        return refused_page(request, rater, AssignmentNotFound(), status=404)
    axes = revisable_axes(assignment, axes_of(rater.study))
    answers = answers_from_form(axes, request.POST)
    try:
        revise_answers(
            rater=rater,
            public_id=assignment.public_id,
            submission_id=submission_id(request),
            answers=answers,
            now=timezone.now(),
        )
    except AnswersRefused as error:
        context = revision_context(assignment, given=answers, problems=error.by_axis)
        template = "rater/_questions.html" if is_fetch(request) else "rater/rate.html"
        return render(request, template, context, status=422)
    except (SubmissionConflict, RevisionRefused, StudyNotOpen) as error:
        return refused_page(request, rater, error, status=409)
    return saved_answer(request, rate_url(rater))
