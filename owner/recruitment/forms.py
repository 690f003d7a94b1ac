"""The forms of recruitment: panel, codes, and personal invites."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MinValueValidator

from annotations.models import Recruitment, Study
from annotations.models.panel import CODE_FIELDS, code_letters

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
            ("completion_code", *CODE_FIELDS.values()),
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
