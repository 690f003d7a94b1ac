"""A comparison whose answer is known, as a form."""

from __future__ import annotations

from typing import Any

from django import forms

from annotations.enums import CheckRole
from annotations.models import GenerativeModel, Reason, Study
from annotations.models.checks import OF_ONE_CLIP
from annotations.services.checks.files import CheckRow

WINNERS = [("", "either, or not asked"), ("a", "model A's"), ("b", "model B's")]


class CheckForm(forms.Form):
    """A comparison whose answer is known."""

    role = forms.ChoiceField(
        choices=[choice for choice in CheckRole.choices if choice[0] not in OF_ONE_CLIP]
    )
    prompt_id = forms.CharField(max_length=120, label="Prompt id")
    model_a = forms.ModelChoiceField(GenerativeModel.objects.all(), label="Model A")
    model_b = forms.ModelChoiceField(GenerativeModel.objects.all(), label="Model B")
    explanation = forms.CharField(
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Raters read it with the answer. Name no model.",
    )

    def __init__(self, *args: Any, study: Study, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.axes = list(study.axes.all())
        for axis in self.axes:
            self.fields[f"winner-{axis.key}"] = forms.ChoiceField(
                choices=WINNERS, required=False, label=f"Better clip: {axis.question}"
            )
        self.fields["reason"] = forms.ModelChoiceField(
            Reason.objects.filter(axis__study=study),
            required=False,
            label="Reason that an example teaches",
        )
        self.order_fields(
            ["role", "prompt_id", "model_a", "model_b", *self._winner_names, "reason"]
        )

    @property
    def _winner_names(self) -> list[str]:
        return [f"winner-{axis.key}" for axis in self.axes]

    def row(self) -> CheckRow:
        values = self.cleaned_data
        return CheckRow(
            role=values["role"],
            prompt_id=values["prompt_id"],
            model_a=values["model_a"].slug,
            model_b=values["model_b"].slug,
            winners={axis.key: values[f"winner-{axis.key}"] for axis in self.axes},
            reason=values["reason"].key if values["reason"] else "",
            explanation=values["explanation"],
        )
