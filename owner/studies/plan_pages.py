"""The planning page: how many prompts and raters a wanted answer takes, and what that costs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


def number(label: str, initial: float, low: float, high: float, help_text: str = "") -> Any:
    return forms.FloatField(
        label=label,
        initial=initial,
        validators=[MinValueValidator(low), MaxValueValidator(high)],
        widget=forms.NumberInput(attrs={"step": "any"}),
        help_text=help_text,
    )


def whole(label: str, initial: int, low: int, high: int, help_text: str = "") -> Any:
    return forms.IntegerField(
        label=label,
        initial=initial,
        validators=[MinValueValidator(low), MaxValueValidator(high)],
        help_text=help_text,
    )


class StudyPlanForm(forms.Form):
    """What is expected and wanted; every field has a start value."""

    prompts = whole("Prompts", 200, 2, 20_000, "Each prompt is one comparison per model pair.")
    raters = whole("Raters per comparison", 5, 1, 99)
    model_pairs = whole("Model pairs", 1, 1, 500)
    win_rate = number(
        "Expected win rate, %", 60, 1, 99, "Of prompts, by majority. 50 is no difference at all."
    )
    half_width = number("Wanted half width, points", 5, 0.5, 40, "Of the 95 % interval.")
    power = number("Wanted power, %", 80, 50, 99, "Chance to tell the expected win rate from 50 %.")
    ties = number("Ties, %", 0, 0, 80, "Of comparisons that end in a tie; 0 for a forced choice.")
    incomplete = number("Incomplete, %", 3, 0, 80, "Of comparisons that never get all votes.")
    seconds = number("Seconds per comparison", 30, 1, 3600, "From a pilot: the median.")
    per_rater = whole("Comparisons per rater", 40, 1, 5000)
    pay = number("Pay per hour", 12, 0, 1000)
    fee = number("Panel's fee, %", 33, 0, 200)
    currency = forms.CharField(max_length=8, initial="USD")


@require_safe
def planning(request: HttpRequest) -> HttpResponse:
    """A form that is filled in already, and what follows from it."""
    # Loaded when somebody plans: few pages of the web process need what counts.
    from owner.studies.planning import HEIGHT, WIDTH, make_plan

    defaults = {name: field.initial for name, field in StudyPlanForm.base_fields.items()}
    form = StudyPlanForm({**defaults, **request.GET.dict()})
    plan = make_plan(form.cleaned_data) if form.is_valid() else None
    context = {"form": form, "plan": plan, "width": WIDTH, "height": HEIGHT}
    return render(request, "owner/plan.html", context, status=200 if plan else 400)
