"""Rendition plans to and from the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from annotations.media.profiles import CropBox, MediaSpec, RenditionPlan
from annotations.models import Stimulus

FRACTIONS = ("fps", "start", "tolerance")


def spec_of(stimulus: Stimulus) -> MediaSpec:
    """What planning needs to know of a stimulus."""
    return MediaSpec(
        kind=stimulus.kind,
        width=stimulus.width,
        height=stimulus.height,
        fps=Fraction(stimulus.fps_numerator, stimulus.fps_denominator),
        frames=stimulus.frames,
        seconds=stimulus.seconds,
    )


def plan_to_json(plan: RenditionPlan) -> dict[str, Any]:
    """The plan with its exact fractions as text, and its filters in FFmpeg's words."""
    values = asdict(plan)
    exact = {name: str(values[name]) for name in FRACTIONS}
    return {**values, **exact, "filters": plan.filters}


def plan_from_json(values: Mapping[str, Any]) -> RenditionPlan:
    known = {key: value for key, value in values.items() if key != "filters"}
    exact = {name: Fraction(known[name]) for name in FRACTIONS}
    return RenditionPlan(**{**known, **exact, "crop": CropBox(**known["crop"])})
