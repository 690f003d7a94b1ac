"""Plans and findings as plain values that JSON can hold, exact fractions as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from annotations.media.info import MediaInfo
from annotations.media.profiles import Box, RenditionPlan

PLAN_FRACTIONS = ("fps", "start", "tolerance")
INFO_FRACTIONS = ("fps", "seconds")


def plan_to_json(plan: RenditionPlan) -> dict[str, Any]:
    """The plan, and its filters in FFmpeg's words."""
    values = asdict(plan)
    exact = {name: str(values[name]) for name in PLAN_FRACTIONS}
    return {**values, **exact, "filters": plan.filters}


def plan_from_json(values: Mapping[str, Any]) -> RenditionPlan:
    known = {key: value for key, value in values.items() if key != "filters"}
    exact = {name: Fraction(known[name]) for name in PLAN_FRACTIONS}
    boxes = {
        "crop": Box(**known["crop"]),
        "picture": Box(**known["picture"]),
        "masks": tuple(Box(**mask) for mask in known["masks"]),
    }
    return RenditionPlan(**{**known, **exact, **boxes})


def info_to_json(info: MediaInfo) -> dict[str, Any]:
    values = asdict(info)
    return {**values, **{name: str(values[name]) for name in INFO_FRACTIONS}}


def info_from_json(values: Mapping[str, Any]) -> MediaInfo:
    exact = {name: Fraction(values[name]) for name in INFO_FRACTIONS}
    return MediaInfo(**{**values, **exact, "warnings": tuple(values["warnings"])})
