"""What every statistic answers with: a value, its interval, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Undefined(StrEnum):
    """Why a quantity has no value (or a value no interval)."""

    NO_VOTES = "no_votes"
    NO_VARIATION = "no_variation"
    FEWER_THAN_TWO_VOTES = "fewer_than_two_votes"
    TOO_FEW_CLUSTERS = "too_few_clusters"


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval and the name of the method that made it."""

    lower: float
    upper: float
    method: str

    def mapped(self, scale: float, shift: float) -> Interval:
        """The interval of `scale * x + shift`; `scale` is positive."""
        return Interval(self.lower * scale + shift, self.upper * scale + shift, self.method)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A point estimate with its standard error and interval, each `None` where undefined."""

    value: float | None
    se: float | None = None
    interval: Interval | None = None
    undefined: Undefined | None = None
