"""The owner's page of raters: what their votes tell, the rule, and leaving one out by hand."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from annotations.errors import JuiceError
from annotations.services.checks.defining import check_plan_of
from annotations.services.raters.endings import exclude_rater
from annotations.services.rating.conduct import exclude_by_rule, raters_under_rule
from owner.lookup import get_study


@require_safe
def rater_list(request: HttpRequest, slug: str) -> HttpResponse:
    """What each rater's votes tell about the rater."""
    # Loaded when somebody looks: few pages of the web process need what counts.
    from owner.raters.flags import flagged_raters

    study = get_study(slug)
    context = {
        "study": study,
        "raters": flagged_raters(study),
        "plan": check_plan_of(study),
        "under_rule": raters_under_rule(study),
    }
    return render(request, "owner/raters.html", context)


@require_POST
def rater_rule(request: HttpRequest, slug: str) -> HttpResponse:
    """Apply the rule for leaving raters out that was fixed before the start."""
    study = get_study(slug)
    raters = exclude_by_rule(study=study, now=timezone.now())
    messages.success(request, f"Raters left out by the rule: {raters}. Their seats are open.")
    return redirect("owner-raters", slug=study.slug)


@require_POST
def rater_exclude(request: HttpRequest, slug: str, rater_id: int) -> HttpResponse:
    """Leave a rater's judgments out and open their seats."""
    study = get_study(slug)
    rater = get_object_or_404(study.raters, pk=rater_id)
    try:
        seats = exclude_rater(rater=rater, why=request.POST.get("why", ""), now=timezone.now())
        messages.success(request, f"{rater} is excluded; {seats} seats are open for others.")
    except JuiceError as error:
        messages.error(request, str(error))
    return redirect("owner-study", slug=study.slug)
