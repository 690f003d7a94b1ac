"""The pages before the start: examples, and the answer to a practice pair."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from annotations.models import Rater
from annotations.services.rating.explaining import (
    ExampleGroup,
    ReasonExample,
    examples_of,
    explained_assignment,
    feedback_on,
)
from annotations.views.addresses import clip_addresses
from annotations.views.common import for_rater, rate_url


@never_cache
@require_GET
@for_rater
def examples(request: HttpRequest, rater: Rater) -> HttpResponse:
    """For each reason, pairs that were decided by it, with their answers."""
    groups = examples_of(rater.study)
    if not groups:
        return HttpResponseRedirect(rate_url(rater))
    shown = [(group, _with_addresses(group)) for group in groups]
    return render(request, "rater/examples.html", {"study": rater.study, "groups": shown})


@never_cache
@require_GET
@for_rater
def feedback(request: HttpRequest, rater: Rater, public_id: uuid.UUID) -> HttpResponse:
    """The answer to a practice pair, beside the rater's own."""
    assignment = explained_assignment(rater=rater, public_id=public_id)
    if assignment is None:
        return HttpResponseRedirect(rate_url(rater))
    feedback = feedback_on(assignment)
    context = {
        "study": rater.study,
        "feedback": feedback,
        "clips": clip_addresses(feedback.clips),
    }
    return render(request, "rater/feedback.html", context)


def _with_addresses(group: ExampleGroup) -> list[tuple[ReasonExample, dict[str, str]]]:
    return [(example, clip_addresses(example.clips)) for example in group.examples]
