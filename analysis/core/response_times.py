"""Votes that came too fast or too slow, from the seconds that raters took."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import pi, sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]

CUTOFF = 3.5
MOST_FAST = 0.2
NO_SPREAD = 1e-12


class Pace(StrEnum):
    TOO_SHORT = "too_short"
    """Shorter than the clips themselves: they cannot have been seen."""
    FAST = "fast"
    SLOW = "slow"


@dataclass(frozen=True, slots=True, eq=False)
class ResponseTimes:
    """Votes of one axis by their time.

    Attributes
    ----------
    modified_z
        0.67449 (ln seconds - median) / MAD per vote; NaN for votes without a time, and for all
        where times do not vary.
    paces
        The flag of each vote, or `None`.
    median_log, mad_log
        Of ln seconds; `None` without times.
    without_time
        Votes with a time of 0 or none, which are left out.
    """

    modified_z: Floats
    paces: tuple[Pace | None, ...]
    median_log: float | None
    mad_log: float | None
    without_time: int


@dataclass(frozen=True, slots=True)
class RaterPace:
    """How fast one rater is. `fast` counts votes that were fast or too short."""

    rater: str
    votes: int
    fast: int
    median_z: float | None
    flag: bool


def flag_response_times(
    seconds: ArrayLike, *, shortest: ArrayLike | None = None, cutoff: float = CUTOFF
) -> ResponseTimes:
    """Modified z scores of ln seconds (Iglewicz & Hoaglin 1993), beyond -+ `cutoff` an outlier.

    Where half of the votes took the same time, so that MAD is 0, the mean absolute deviation
    times sqrt(pi / 2) takes its place; if that is 0 too, no vote is an outlier.

    Parameters
    ----------
    seconds
        One per vote; 0 or NaN if unknown.
    shortest
        Seconds of the longer clip of the pair, one per vote or one for all; NaN if unknown. A
        vote below is too short whatever its score.
    """
    times = np.asarray(seconds, dtype=float)
    if (times < 0).any() or np.isinf(times).any():
        raise ValueError("seconds are finite and not negative")
    known = times > 0
    z = np.full(times.shape, np.nan)
    median, mad = None, None
    if known.any():
        x = np.log(times[known])
        median = float(np.median(x))
        mad = float(np.median(np.abs(x - median)))
        z[known] = _scores(x - median, mad)
    least = np.full(times.shape, np.nan) if shortest is None else np.asarray(shortest, dtype=float)
    paces = np.select(
        [known & (times < least), z < -cutoff, z > cutoff],
        [Pace.TOO_SHORT.value, Pace.FAST.value, Pace.SLOW.value],
        default="",
    )
    flags = tuple(Pace(pace) if pace else None for pace in paces)
    return ResponseTimes(z, flags, median, mad, int((~known).sum()))


def rater_paces(
    times: ResponseTimes, raters: ArrayLike, cutoff: float = CUTOFF
) -> tuple[RaterPace, ...]:
    """Raters by name; flagged with more than 20% fast votes or a median z below -`cutoff`."""
    fast = [pace in (Pace.FAST, Pace.TOO_SHORT) for pace in times.paces]
    votes = pd.DataFrame({"rater": np.asarray(raters), "fast": fast, "z": times.modified_z})
    found = []
    for rater, own in votes.groupby("rater", sort=True):
        median = own["z"].median()
        slow_enough = pd.isna(median) or median >= -cutoff
        count = int(own["fast"].sum())
        flag = count > MOST_FAST * len(own) or not slow_enough
        shown = None if pd.isna(median) else float(median)
        found.append(RaterPace(str(rater), len(own), count, shown, flag))
    return tuple(found)


def _scores(gaps: Floats, mad: float) -> Floats:
    if mad > NO_SPREAD:
        return np.asarray(gaps * norm.ppf(0.75) / mad)
    mean = float(np.abs(gaps).mean())
    return gaps / (sqrt(pi / 2) * mean) if mean > NO_SPREAD else np.full_like(gaps, np.nan)
