"""What every statistic answers with: a value, its interval, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Undefined(StrEnum):
    """Why a quantity has no value (or a value no interval)."""

    NO_VOTES = "no_votes"
    NO_VARIATION = "no_variation"
    FEWER_THAN_TWO_VOTES = "fewer_than_two_votes"
    TOO_FEW_CLUSTERS = "too_few_clusters"
    NOT_CONNECTED = "not_connected"
    SEPARATED = "separated"
    UNKNOWN_RATERS = "unknown_raters"
    INTERIM = "interim"
    """An interval of a single look, before that look."""


class Population(StrEnum):
    """What an interval generalises to."""

    PROMPTS = "prompts"
    """New prompts, judged by this panel."""
    PROMPTS_AND_RATERS = "prompts+raters"
    """New prompts, judged by new raters."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval, the name of the method that made it, and what it speaks of.

    `population` is `None` where neither prompts nor raters were sampled, as in one rater's share.
    """

    lower: float
    upper: float
    method: str
    population: Population | None = None

    def mapped(self, scale: float, shift: float) -> Interval:
        """The interval of `scale * x + shift`; `scale` is positive."""
        bounds = self.lower * scale + shift, self.upper * scale + shift
        return Interval(*bounds, self.method, self.population)

    def about(self, population: Population) -> Interval:
        return replace(self, population=population)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A point estimate with its standard error and interval, each `None` where undefined.

    `skipped_draws` counts the resamples in which the quantity had no value; the interval is that
    of the others.
    """

    value: float | None
    se: float | None = None
    interval: Interval | None = None
    undefined: Undefined | None = None
    skipped_draws: int = 0

    def mapped(self, scale: float, shift: float) -> Estimate:
        """The estimate of `scale * x + shift`, with all that hangs on it; `scale` is positive."""
        return Estimate(
            value=None if self.value is None else self.value * scale + shift,
            se=None if self.se is None else self.se * scale,
            interval=self.interval.mapped(scale, shift) if self.interval else None,
            undefined=self.undefined,
            skipped_draws=self.skipped_draws,
        )
