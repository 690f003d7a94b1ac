"""Whether the clips can have been watched, by the server's own clock.

What the browser says can be forged, so nothing is refused for it: an answer that cannot be true
keeps its doubts, which the owner sees and a rule may use.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from annotations.enums import Doubt, Viewing
from annotations.models import Assignment, Comparison

FASTEST = 2.0
"""The highest speed of the player."""
CLOCK_TOLERANCE_SECONDS = 5.0
UNSEEN_TOLERANCE_SECONDS = 0.3
SIDES = ("left", "right")


def doubts_about(
    assignment: Assignment, playback: Mapping[str, Any], *, now: datetime
) -> list[Doubt]:
    """What speaks against an answer given now; empty for a study that asks for no watching."""
    study = assignment.comparison.study
    needed = seconds_to_watch(assignment.comparison)
    if not study.must_watch or not needed:
        return []
    shown_at = assignment.shown_at or assignment.leased_at
    elapsed = (now - shown_at).total_seconds()
    found = {
        Doubt.TOO_SOON: elapsed < needed / FASTEST,
        Doubt.IMPOSSIBLE: _claimed_seconds(playback) > elapsed + CLOCK_TOLERANCE_SECONDS,
        Doubt.UNWATCHED: _is_unwatched(playback),
        Doubt.NO_FACTS: not playback,
    }
    return [doubt for doubt, holds in found.items() if holds]


def seconds_to_watch(comparison: Comparison) -> float:
    """How long it takes to see both clips once at normal speed; 0 for stills."""
    renditions = (comparison.rendition_a, comparison.rendition_b)
    lengths = [seconds_of(rendition.plan) for rendition in renditions if rendition is not None]
    if not lengths:
        return 0.0
    one_by_one = comparison.study.viewing == Viewing.SEQUENTIAL
    return sum(lengths) if one_by_one else max(lengths)


def seconds_of(plan: Mapping[str, Any]) -> float:
    """Length of a rendition by its plan; 0 for a still."""
    fps = Fraction(str(plan.get("fps", 0)))
    return float(int(plan.get("frames", 0)) / fps) if fps else 0.0


def _claimed_seconds(playback: Mapping[str, Any]) -> float:
    """The longest time that the browser says the rater spent on it."""
    watched = [_number(_side(playback, side).get("watched_seconds")) for side in SIDES]
    return max(max(watched) / FASTEST, _number(playback.get("visible_seconds")))


def _is_unwatched(playback: Mapping[str, Any]) -> bool:
    sides = [_side(playback, side) for side in SIDES]
    known = [side for side in sides if "seconds" in side]
    return any(
        _number(side.get("watched_seconds")) < _number(side["seconds"]) - UNSEEN_TOLERANCE_SECONDS
        for side in known
    )


def _side(playback: Mapping[str, Any], side: str) -> Mapping[str, Any]:
    facts = playback.get(side)
    return facts if isinstance(facts, dict) else {}


def _number(value: object) -> float:
    """A number of the browser's; what is none counts as 0."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(float(value)) < 1e9 else 0.0  # type: ignore[arg-type]
