"""The owner's page of examples, practice, tests and checks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from annotations.enums import CheckRole
from annotations.errors import ImportRefused, JuiceError
from annotations.inputs import read_file
from annotations.models import GenerativeModel, Reason, Study
from annotations.models.quality import OF_ONE_CLIP
from annotations.services.checks.defining import example_coverage, quality_of, remove_check
from annotations.services.checks.files import CheckRow, create_check, import_checks
from annotations.services.studies.protocol import is_frozen

CHECKS_SHOWN = 500
WINNERS = [("", "either, or not asked"), ("a", "model A's"), ("b", "model B's")]


class CheckForm(forms.Form):
    """A pair whose answer is known."""

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


@require_http_methods(["GET", "POST"])
@staff_member_required
def study_checks(request: HttpRequest, slug: str) -> HttpResponse:
    """The checks there are, how well the examples teach, and a form for one more."""
    study = get_object_or_404(Study, slug=slug)
    form = CheckForm(request.POST or None, study=study)
    if request.method == "POST" and form.is_valid():
        try:
            create_check(study=study, row=form.row())
            messages.success(request, "The pair is there; its clips are prepared with the others.")
            return redirect("owner-checks", slug=study.slug)
        except JuiceError as error:
            form.add_error(None, str(error))
    return _show(request, study, form=form, status=400 if form.errors else 200)


@require_POST
@staff_member_required
def import_study_checks(request: HttpRequest, slug: str) -> HttpResponse:
    """Add the checks of a table."""
    study = get_object_or_404(Study, slug=slug)
    file = request.FILES.get("file")
    try:
        text = read_file(file.read(), name="The file") if file else ""
        added = import_checks(study=study, text=text)
        messages.success(request, f"{added} pairs are there.")
    except ImportRefused as error:
        return _show(request, study, problems=error.problems, status=400)
    except JuiceError as error:
        messages.error(request, str(error))
    return redirect("owner-checks", slug=study.slug)


@require_POST
@staff_member_required
def remove_study_check(request: HttpRequest, slug: str, check_id: int) -> HttpResponse:
    """Take one out."""
    study = get_object_or_404(Study, slug=slug)
    check = get_object_or_404(study.checks, pk=check_id)
    try:
        remove_check(check=check)
        messages.success(request, "The pair is taken out.")
    except JuiceError as error:
        messages.error(request, str(error))
    return redirect("owner-checks", slug=study.slug)


def _show(
    request: HttpRequest,
    study: Study,
    *,
    form: CheckForm | None = None,
    problems: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    checks = study.checks.select_related(
        "stimulus_a__model", "stimulus_b__model", "stimulus_a__prompt", "reason", "comparison"
    )
    context = {
        "study": study,
        "plan": quality_of(study),
        "checks": checks[:CHECKS_SHOWN],
        "check_count": checks.count(),
        "coverage": example_coverage(study),
        "has_examples": checks.filter(role=CheckRole.EXAMPLE).exists(),
        "is_frozen": is_frozen(study),
        "form": form or CheckForm(study=study),
        "problems": problems or [],
        "winner_columns": [f"winner_{key}" for key in study.axes.values_list("key", flat=True)],
    }
    return render(request, "owner/checks.html", context, status=status)
