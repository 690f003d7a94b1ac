"""The pages before the start: examples, and the answer to a practice pair."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from annotations.enums import CheckRole
from annotations.models import Assignment, Rater
from annotations.views.common import (
    for_rater,
    rate_url,
)
from annotations.views.lesson_pages import examples_context, examples_of, feedback_context


@never_cache
@require_GET
@for_rater
def examples(request: HttpRequest, rater: Rater) -> HttpResponse:
    """For each reason, pairs that were decided by it, with their answers."""
    shown = examples_of(rater.study)
    if not shown:
        return HttpResponseRedirect(rate_url(rater))
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
        return HttpResponseRedirect(rate_url(rater))
    return render(request, "rater/feedback.html", feedback_context(assignment))
