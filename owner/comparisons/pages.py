"""The owner's pages of single comparisons: where raters disagree, and every vote with its clips."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from analysis.core.disagreement import Split, most_disagreement, widest_lead
from analysis.votes.judged import rater_names
from annotations.enums import ComparisonState, Doubt
from annotations.errors import JuiceError
from annotations.models import Assignment, Comparison, Judgment, Prompt, Study
from annotations.services.pairs.withdrawing import withdraw_comparison
from annotations.services.studies.amendments import CAN_BE_AMENDED, LONGEST_REASON
from annotations.views.media import serve_file
from owner.comparisons.matrix import matrix_of
from owner.comparisons.splits import vote_counts
from owner.lookup import get_study
from owner.parts import live_part

PER_PAGE = 50
ORDERS = {"disagreement": most_disagreement, "lead": widest_lead}


@require_safe
def comparison_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Judged comparisons: those that raters disagree on most first, or the clearest ones."""
    study = get_study(slug)
    order = request.GET.get("order", "disagreement")
    axis, category = request.GET.get("axis", ""), request.GET.get("category", "")
    splits = ORDERS.get(order, most_disagreement)(vote_counts(study, axis, category))
    page = Paginator(splits, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "study": study,
        "page": page,
        "rows": _with_prompts(page),
        "order": order if order in ORDERS else "disagreement",
        "axis": axis,
        "category": category,
        "axes": list(study.axes.all()),
        "categories": _categories(study),
    }
    return render(request, "owner/comparisons.html", context)


@require_safe
def comparison_page(request: HttpRequest, slug: str, comparison_id: int) -> HttpResponse:
    """One comparison: its clips, which model is which, and what every rater said."""
    study = get_study(slug)
    own = study.comparisons.counted().select_related(
        "prompt",
        "stimulus_a__model",
        "stimulus_b__model",
        "rendition_a",
        "rendition_b",
        "withdrawn_by",
    )
    comparison = get_object_or_404(own, pk=comparison_id)
    names = rater_names(study)
    is_withdrawn = comparison.state == ComparisonState.WITHDRAWN
    every = Judgment.objects.set_aside if is_withdrawn else Judgment.objects.for_study
    votes = (
        every(study.pk)
        .filter(assignment__comparison=comparison)
        .select_related("axis", "assignment__rater")
        .prefetch_related("reasons")
        .order_by("axis__position", "axis", "assignment__submitted_at")
    )
    skips = Assignment.objects.skipped().filter(comparison=comparison).select_related("rater")
    context = {
        "study": study,
        "comparison": comparison,
        "votes": [_vote(vote, comparison, names) for vote in votes],
        "skips": [(names[skip.rater_id], skip) for skip in skips],
        "earlier": _neighbour(study, comparison, -1),
        "later": _neighbour(study, comparison, 1),
        "can_withdraw": study.state in CAN_BE_AMENDED and not is_withdrawn,
        "longest_reason": LONGEST_REASON,
    }
    return render(request, "owner/comparison.html", context)


@require_POST
def withdraw(request: HttpRequest, slug: str, comparison_id: int) -> HttpResponse:
    """Take a comparison out of an open study; it stays here with its votes."""
    study = get_study(slug)
    comparison = get_object_or_404(study.comparisons.counted(), pk=comparison_id)
    reason = request.POST.get("reason", "")
    try:
        change = withdraw_comparison(
            study=study, comparison=comparison, reason=reason, now=timezone.now()
        )
    except JuiceError as error:
        messages.error(request, str(error))
    else:
        votes = change.votes_set_aside
        messages.success(request, f"Withdrawn. Votes set aside: {votes}; they are kept.")
    return redirect("owner-comparison", slug=study.slug, comparison_id=comparison_id)


@require_safe
def comparison_clip(
    request: HttpRequest, slug: str, comparison_id: int, which: str
) -> HttpResponseBase:
    """A clip as raters saw it."""
    own = Comparison.objects.filter(study__slug=slug).select_related("rendition_a", "rendition_b")
    comparison = get_object_or_404(own, pk=comparison_id)
    rendition = comparison.rendition_a if which == "a" else comparison.rendition_b
    if rendition is None or not rendition.file:
        raise Http404
    return serve_file(request, str(rendition.file.name), etag=rendition.key)


def _with_prompts(page: Page[Split]) -> list[tuple[Split, Prompt]]:
    ids = {int(split.comparison_id) for split in page}
    prompts = {
        comparison.pk: comparison.prompt
        for comparison in Comparison.objects.filter(pk__in=ids).select_related("prompt")
    }
    return [(split, prompts[int(split.comparison_id)]) for split in page]


def _categories(study: Study) -> list[str]:
    named = study.prompts.exclude(category="").order_by("category")
    return list(named.values_list("category", flat=True).distinct())


def _vote(vote: Judgment, comparison: Comparison, names: dict[int, str]) -> dict[str, Any]:
    assignment = vote.assignment
    models = {
        "a": comparison.stimulus_a.model.name,
        "b": comparison.stimulus_b.model.name,
        "tie": "no difference",
    }
    shown_at = assignment.shown_at or assignment.leased_at
    return {
        "axis": vote.axis,
        "rater": names[assignment.rater_id],
        "excluded": assignment.rater.excluded_why,
        "chosen": models[vote.choice],
        "side": assignment.side_of_choice(vote.choice),
        "reasons": [reason.label for reason in vote.reasons.all()],
        "note": vote.note,
        "seconds": (assignment.submitted_at - shown_at).total_seconds()
        if assignment.submitted_at
        else None,
        "doubts": [str(Doubt(doubt).label) for doubt in assignment.doubts],
    }


def _neighbour(study: Study, comparison: Comparison, step: int) -> int | None:
    """The comparison before or after it by disagreement; None at the ends."""
    splits = most_disagreement(vote_counts(study))
    order = list(dict.fromkeys(int(split.comparison_id) for split in splits))
    if comparison.pk not in order:
        return None
    place = order.index(comparison.pk) + step
    return order[place] if 0 <= place < len(order) else None


@live_part
def comparison_matrix(request: HttpRequest, slug: str) -> HttpResponse:
    """The tiles by themselves; not sent again while they are the same."""
    study = get_study(slug)
    matrix = matrix_of(study, request.GET.get("prompts"))
    return render(request, "owner/_tiles.html", {"study": study, "matrix": matrix})
