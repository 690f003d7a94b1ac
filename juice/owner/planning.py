"""The planning page: how many prompts and raters a wanted answer takes, and what that costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.views.decorators import staff_member_required
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

if TYPE_CHECKING:
    from analysis.core.planning import PromptsToDetect

SINGLE_VOTES = (0.55, 0.60, 0.65, 0.70, 0.80, 0.90)
CURVE_STEPS = 24
# Nearer to one half, the prompts that would tell are beyond any study.
LEAST_DIFFERENCE = 0.005
WIDTH, HEIGHT = 560, 220
MARGIN_LEFT, MARGIN_BOTTOM, MARGIN_TOP, MARGIN_RIGHT = 44, 36, 12, 16


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


class PlanForm(forms.Form):
    """What is expected and wanted; every field has a start value."""

    prompts = whole("Prompts", 200, 2, 20_000, "Each prompt is one comparison per pair of models.")
    raters = whole("Raters per comparison", 5, 1, 99)
    pairs = whole("Pairs of models", 1, 1, 500)
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


@dataclass(frozen=True)
class Curve:
    """A line of a chart, as an SVG path, with the table behind it."""

    name: str
    path: str
    marks: list[tuple[float, str]]
    lines: list[tuple[float, str]]
    rows: list[tuple[int, float]]
    here: tuple[float, float]


@dataclass(frozen=True)
class Plan:
    """What the entries come to. Shares are in per cent."""

    half_width: float
    power: float | None
    for_width: int
    to_detect: PromptsToDetect | None
    to_detect_planned: int | None
    comparisons: int
    votes: int
    hours: float
    pay: float
    cost: float
    panel: int
    majority: list[tuple[float, float]]
    width_curve: Curve
    power_curve: Curve | None


@require_safe
@staff_member_required
def planning(request: HttpRequest) -> HttpResponse:
    """A form that is filled in already, and what follows from it."""
    defaults = {name: field.initial for name, field in PlanForm.base_fields.items()}
    form = PlanForm({**defaults, **request.GET.dict()})
    plan = make_plan(form.cleaned_data) if form.is_valid() else None
    context = {"form": form, "plan": plan, "width": WIDTH, "height": HEIGHT}
    return render(request, "owner/plan.html", context, status=200 if plan else 400)


def make_plan(values: dict[str, Any]) -> Plan:
    """Everything from `analysis.core.planning`; only the money is added up here."""
    # Loaded when somebody plans: no other page of the web process needs scipy.
    from analysis.core.planning import (
        inflated,
        majority_accuracy,
        prompts_for_half_width,
        prompts_to_detect,
        sign_test_power,
    )

    rate, prompts, raters = values["win_rate"] / 100, values["prompts"], values["raters"]
    rates = {"tie_rate": values["ties"] / 100, "incomplete_rate": values["incomplete"] / 100}
    differs = abs(rate - 0.5) >= LEAST_DIFFERENCE
    detect = prompts_to_detect(rate, values["power"] / 100) if differs else None
    width = prompts_for_half_width(values["half_width"] / 100, rate).wilson
    comparisons = prompts * values["pairs"]
    hours = comparisons * raters * values["seconds"] / 3600
    decided = max(1, int(prompts * (1 - rates["tie_rate"]) * (1 - rates["incomplete_rate"])))
    counts = _counts(prompts, width, detect.exact_safe if detect else 0)
    return Plan(
        half_width=100 * _half_width(decided, rate),
        power=100 * float(sign_test_power(decided, rate)) if differs else None,
        for_width=inflated(width, incomplete_rate=rates["incomplete_rate"]),
        to_detect=detect,
        to_detect_planned=inflated(detect.exact_safe, **rates) if detect else None,
        comparisons=comparisons,
        votes=comparisons * raters,
        hours=hours,
        pay=hours * values["pay"],
        cost=hours * values["pay"] * (1 + values["fee"] / 100),
        panel=max(raters, ceil(comparisons * raters / values["per_rater"])),
        majority=[(100 * p, 100 * majority_accuracy(raters, p)) for p in SINGLE_VOTES],
        width_curve=_curve(
            "Half width in points", counts, lambda n: 100 * _half_width(n, rate), prompts
        ),
        power_curve=_curve(
            "Power in per cent",
            counts,
            lambda n: 100 * float(sign_test_power(n, rate)),
            prompts,
            top=100,
        )
        if differs
        else None,
    )


def _half_width(prompts: int, rate: float) -> float:
    from analysis.core.intervals import wilson

    interval = wilson(rate * prompts, prompts)
    return (interval.upper - interval.lower) / 2


def _counts(prompts: int, *wanted: int) -> list[int]:
    """Numbers of prompts for the curves, evenly spaced up to what is wanted and a little more."""
    most = max(60, int(1.3 * max(prompts, *wanted)))
    return [max(5, round(most * step / CURVE_STEPS)) for step in range(1, CURVE_STEPS + 1)]


def _curve(
    name: str,
    counts: Sequence[int],
    value_of: Callable[[int], float],
    prompts: int,
    top: float | None = None,
) -> Curve:
    rows = [(n, value_of(n)) for n in counts]
    highest = top or max(value for _, value in rows)
    x = _scale(counts[-1], MARGIN_LEFT, WIDTH - MARGIN_RIGHT)
    y = _scale(highest, HEIGHT - MARGIN_BOTTOM, MARGIN_TOP)
    points = [f"{x(n):.1f},{y(value):.1f}" for n, value in rows]
    return Curve(
        name=name,
        path="M" + " L".join(points),
        marks=[(x(n), f"{n:,}") for n in counts[5::6]],
        lines=[(y(highest * part / 4), f"{highest * part / 4:.0f}") for part in range(5)],
        rows=rows[2::3],
        here=(x(min(prompts, counts[-1])), y(min(value_of(prompts), highest))),
    )


def _scale(highest: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (end - start) * value / highest
