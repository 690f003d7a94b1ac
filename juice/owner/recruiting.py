"""The owner's pages about where raters come from: panel, codes, files, and personal invites."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.validators import MinValueValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analysis.files.csv import RUN_BY_SPREADSHEETS
from annotations.errors import InvitesNotMade, StudyFileRefused
from annotations.models import Recruitment, Study
from annotations.models.panel import code_letters
from annotations.panels import Panel
from annotations.services.raters.entry import recruitment_of
from annotations.services.raters.invites import invite_link, make_invites, revoke_invite
from annotations.services.raters.panel_files import mturk_question, panel_link, prolific_study_yaml

MOMENT = "%Y-%m-%dT%H:%M"


class RecruitmentForm(forms.ModelForm):
    """The recruitment of a study, with the two settings of the study that belong to it."""

    completion_code = forms.CharField(
        max_length=40,
        label="Done",
        validators=[code_letters],
        help_text="For people who judged all that they were given; shown after the last answer "
        "is saved.",
    )
    max_per_rater = forms.IntegerField(
        required=False,
        label="Comparisons per rater",
        validators=[MinValueValidator(1)],
        help_text="A rater is done after so many; empty: as many as there are.",
    )
    SECTIONS = (
        ("Where they come from", ("panel", "id_parameter", "return_link")),
        ("Who may enter, and when", ("entry", "refused_studies", "opens_at", "closes_at")),
        ("How much one person judges", ("max_per_rater", "max_share")),
        (
            "Completion codes",
            (
                "completion_code",
                "screened_out_code",
                "failed_check_code",
                "no_consent_code",
                "over_quota_code",
                "nothing_judged_code",
                "skip_limit_code",
                "excluded_code",
            ),
        ),
        (
            "Prolific: the study file",
            ("description", "places", "estimated_minutes", "maximum_minutes", "reward"),
        ),
        ("Prolific: people who return", ("webhook_secret_env", "keeps_returned")),
    )

    class Meta:
        model = Recruitment
        exclude = ("study",)
        labels = {
            "screened_out_code": "Screened out",
            "failed_check_code": "Failed a check",
            "no_consent_code": "No consent",
            "over_quota_code": "Study full or closed",
            "nothing_judged_code": "Nothing judged",
            "skip_limit_code": "Skipped too many",
            "excluded_code": "Excluded while at work",
        }
        widgets = {
            "opens_at": forms.DateTimeInput({"type": "datetime-local"}, format=MOMENT),
            "closes_at": forms.DateTimeInput({"type": "datetime-local"}, format=MOMENT),
            "refused_studies": forms.CheckboxSelectMultiple,
            "description": forms.Textarea({"rows": 3}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        study = self.instance.study
        self.initial["completion_code"] = study.completion_code
        self.initial["max_per_rater"] = study.max_per_rater
        others: Any = self.fields["refused_studies"]
        others.queryset = Study.objects.exclude(pk=study.pk)
        for name in ("opens_at", "closes_at"):
            self.fields[name].help_text += f" Time zone: {settings.TIME_ZONE}."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        # The row's own check compares the other codes with it.
        self.instance.study.completion_code = cleaned.get("completion_code", "")
        return cleaned

    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        return [(title, [self[name] for name in names]) for title, names in self.SECTIONS]


class InvitesForm(forms.Form):
    names = forms.CharField(
        required=False,
        label="For whom",
        widget=forms.Textarea({"rows": 4}),
        help_text="One name or address per line. Raters' names stay here: the export has none.",
    )
    unnamed = forms.IntegerField(
        required=False, min_value=0, max_value=1000, label="And without a name"
    )
    is_reusable = forms.BooleanField(
        required=False, label="The links open more than once, on any device"
    )


@require_http_methods(["GET", "POST"])
@staff_member_required
def recruitment(request: HttpRequest, slug: str) -> HttpResponse:
    """Where raters come from: settings, the link to send, and the panel's files."""
    study = get_object_or_404(Study, slug=slug)
    current = recruitment_of(study)
    form = RecruitmentForm(request.POST or None, instance=current)
    if request.method == "POST" and form.is_valid():
        _save(study, form)
        messages.success(request, "Saved.")
        return redirect("owner-recruitment", slug=study.slug)
    if form.errors:
        current.refresh_from_db()
        study.refresh_from_db()
    context = {
        "study": study,
        "form": form,
        "panel": current.get_panel_display(),
        "has_study_file": current.panel == Panel.PROLIFIC,
        "has_question_file": current.panel == Panel.MTURK,
        "link": panel_link(study, base_url=settings.PUBLIC_URL),
        "webhook": settings.PUBLIC_URL + reverse("prolific-webhook", args=[study.slug]),
    }
    status = 400 if form.errors else 200
    return render(request, "owner/recruitment.html", context, status=status)


@require_safe
@staff_member_required
def prolific_file(request: HttpRequest, slug: str) -> HttpResponse:
    """The study file for Prolific's command line tool."""
    return _download(request, slug, prolific_study_yaml, "application/yaml", "yaml")


@require_safe
@staff_member_required
def mturk_file(request: HttpRequest, slug: str) -> HttpResponse:
    """The ExternalQuestion for Mechanical Turk."""
    return _download(request, slug, mturk_question, "application/xml", "xml")


@require_http_methods(["GET", "POST"])
@staff_member_required
def invites(request: HttpRequest, slug: str) -> HttpResponse:
    """The personal links of a study, and the form that makes more."""
    study = get_object_or_404(Study, slug=slug)
    form = InvitesForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = make_invites(
                study=study,
                labels=form.cleaned_data["names"].splitlines(),
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
@staff_member_required
def invites_file(request: HttpRequest, slug: str) -> HttpResponse:
    """The links in force as CSV, for a mail merge."""
    study = get_object_or_404(Study, slug=slug)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{study.slug}-invites.csv"'
    rows = csv.writer(response)
    rows.writerow(["name", "link"])
    rows.writerows(
        [_safe_cell(invite.label), invite_link(invite, base_url=settings.PUBLIC_URL)]
        for invite in study.invites.filter(revoked_at=None).select_related("study")
    )
    return response


@require_POST
@staff_member_required
def invite_revoke(request: HttpRequest, slug: str, invite_id: int) -> HttpResponse:
    """Let a personal link open nothing any more."""
    study = get_object_or_404(Study, slug=slug)
    invite = get_object_or_404(study.invites, pk=invite_id)
    if revoke_invite(invite=invite, now=timezone.now()):
        messages.success(request, f"The link of {invite} opens nothing any more.")
    return redirect("owner-invites", slug=study.slug)


def _save(study: Study, form: RecruitmentForm) -> None:
    with transaction.atomic():
        form.save()
        Study.objects.filter(pk=study.pk).update(
            completion_code=form.cleaned_data["completion_code"],
            max_per_rater=form.cleaned_data["max_per_rater"],
        )


def _download(
    request: HttpRequest, slug: str, make: Callable[..., str], content_type: str, ending: str
) -> HttpResponse:
    study = get_object_or_404(Study, slug=slug)
    try:
        text = make(study, base_url=settings.PUBLIC_URL)
    except StudyFileRefused as error:
        messages.error(request, str(error))
        return redirect("owner-recruitment", slug=study.slug)
    name = f'attachment; filename="{study.slug}.{ending}"'
    return HttpResponse(
        text, content_type=f"{content_type}; charset=utf-8", headers={"Content-Disposition": name}
    )


def _safe_cell(text: str) -> str:
    return f"'{text}" if text.startswith(RUN_BY_SPREADSHEETS) else text
