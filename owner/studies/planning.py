"""The planning page: how many prompts and raters a wanted answer takes, and what that costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from analysis.core.intervals import wilson
from analysis.core.planning import (
    PromptsToDetect,
    inflated,
    majority_accuracy,
    prompts_for_half_width,
    prompts_to_detect,
    sign_test_power,
)

SINGLE_VOTES = (0.55, 0.60, 0.65, 0.70, 0.80, 0.90)
CURVE_STEPS = 24
# Nearer to one half, the prompts that would tell are beyond any study.
LEAST_DIFFERENCE = 0.005
WIDTH, HEIGHT = 560, 220
MARGIN_LEFT, MARGIN_BOTTOM, MARGIN_TOP, MARGIN_RIGHT = 44, 36, 12, 16


@dataclass(frozen=True)
class StudyPlanCurve:
    """A line of a chart, as an SVG path, with the table behind it."""

    name: str
    path: str
    marks: list[tuple[float, str]]
    lines: list[tuple[float, str]]
    rows: list[tuple[int, float]]
    here: tuple[float, float]


@dataclass(frozen=True)
class StudyPlan:
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
    width_curve: StudyPlanCurve
    power_curve: StudyPlanCurve | None


def make_plan(values: dict[str, Any]) -> StudyPlan:
    """Everything from `analysis.core.planning`; only the money is added up here."""
    rate, prompts, raters = values["win_rate"] / 100, values["prompts"], values["raters"]
    rates = {"tie_rate": values["ties"] / 100, "incomplete_rate": values["incomplete"] / 100}
    differs = abs(rate - 0.5) >= LEAST_DIFFERENCE
    detect = prompts_to_detect(rate, values["power"] / 100) if differs else None
    width = prompts_for_half_width(values["half_width"] / 100, rate).wilson
    comparisons = prompts * values["model_pairs"]
    hours = comparisons * raters * values["seconds"] / 3600
    decided = max(1, int(prompts * (1 - rates["tie_rate"]) * (1 - rates["incomplete_rate"])))
    counts = _counts(prompts, width, detect.exact_safe if detect else 0)
    return StudyPlan(
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
) -> StudyPlanCurve:
    rows = [(n, value_of(n)) for n in counts]
    highest = top or max(value for _, value in rows)
    x = _scale(counts[-1], MARGIN_LEFT, WIDTH - MARGIN_RIGHT)
    y = _scale(highest, HEIGHT - MARGIN_BOTTOM, MARGIN_TOP)
    points = [f"{x(n):.1f},{y(value):.1f}" for n, value in rows]
    return StudyPlanCurve(
        name=name,
        path="M" + " L".join(points),
        marks=[(x(n), f"{n:,}") for n in counts[5::6]],
        lines=[(y(highest * part / 4), f"{highest * part / 4:.0f}") for part in range(5)],
        rows=rows[2::3],
        here=(x(min(prompts, counts[-1])), y(min(value_of(prompts), highest))),
    )


def _scale(highest: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (end - start) * value / highest
