"""The owner's page of personal links, and the links as a file."""

from __future__ import annotations

import csv

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analysis.core.columns import guarded
from annotations.errors import InvitesNotMade
from annotations.services.raters.invites import invite_link, make_invites, revoke_invite
from annotations.tables.files import split_lines
from owner.lookup import get_study
from owner.recruitment.forms import InvitesForm


@require_http_methods(["GET", "POST"])
def invites(request: HttpRequest, slug: str) -> HttpResponse:
    """The personal links of a study, and the form that makes more."""
    study = get_study(slug)
    form = InvitesForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = make_invites(
                study=study,
                labels=split_lines(form.cleaned_data["names"]),
                unnamed=form.cleaned_data["unnamed"] or 0,
                is_reusable=form.cleaned_data["is_reusable"],
            )
            messages.success(request, f"{len(made)} links were made.")
            return redirect("owner-invites", slug=study.slug)
        except InvitesNotMade as error:
            form.add_error("names", str(error))
    lines = [
        (invite, invite_link(invite, base_url=settings.PUBLIC_URL))
        for invite in study.invites.select_related("rater", "study")
    ]
    context = {"study": study, "form": form, "lines": lines}
    return render(request, "owner/invites.html", context, status=400 if form.errors else 200)


@require_safe
def invites_file(request: HttpRequest, slug: str) -> HttpResponse:
    """The links in force as CSV, for a mail merge."""
    study = get_study(slug)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{study.slug}-invites.csv"'
    rows = csv.writer(response)
    rows.writerow(["name", "link"])
    rows.writerows(
        [guarded(invite.label), invite_link(invite, base_url=settings.PUBLIC_URL)]
        for invite in study.invites.filter(revoked_at=None).select_related("study")
    )
    return response


@require_POST
def invite_revoke(request: HttpRequest, slug: str, invite_id: int) -> HttpResponse:
    """Let a personal link open nothing any more."""
    study = get_study(slug)
    invite = get_object_or_404(study.invites, pk=invite_id)
    if revoke_invite(invite=invite, now=timezone.now()):
        messages.success(request, f"The link of {invite} opens nothing any more.")
    return redirect("owner-invites", slug=study.slug)
