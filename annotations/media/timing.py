"""The rate of a clip from when its frames appear; what its header says is only a proposal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
import numpy.typing as npt

SLACK = 0.249
"""Ticks by which a frame may lie beside its tick: just under what `SELECTION_TOLERANCE` bears."""
AS_GOOD = 0.05
"""Ticks by which a round rate may lie worse than the measured one: clocks of a millisecond."""
RATE_TOLERANCE = Fraction(1, 100)
"""How far a round rate may be from the measured one."""
DENOMINATOR = 1_000_000

Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Timing:
    """A steady rate at which every frame of a clip is shown, and its length."""

    fps: Fraction
    seconds: Fraction


def timing_of(
    times: Sequence[Fraction],
    last_seconds: Fraction,
    *,
    proposed: Iterable[Fraction],
    stated_seconds: Fraction,
    max_fps: int,
) -> Timing:
    """Measure a clip.

    Parameters
    ----------
    times
        When each frame appears; two or more, not all at once.
    last_seconds
        How long the last one stays; 0 where the file does not say.
    proposed
        Rates that the file's header names, the most believable first.
    stated_seconds
        The header's length, 0 where it does not say; believed within a frame of the measured one.
    """
    appears = np.array([float(at - times[0]) for at in times])
    fps = steady_rate(appears, times[-1] - times[0], proposed, max_fps)
    seconds = times[-1] - times[0] + max(last_seconds, Fraction(0))
    if abs(seconds - stated_seconds) <= 1 / fps:
        seconds = stated_seconds
    return Timing(fps, whole_ticks(seconds, fps, last_tick=round(appears[-1] * float(fps))))


def whole_ticks(seconds: Fraction, fps: Fraction, *, last_tick: int) -> Fraction:
    """The length; where it is about a whole number of frames, exactly that.

    The last frame gets a tick, however short the file says it is.
    """
    ticks = max(seconds * fps, Fraction(last_tick + 1))
    nearest = round(ticks)
    return Fraction(nearest if abs(ticks - nearest) <= SLACK else ticks) / fps


def steady_rate(
    appears: Seconds, span: Fraction, proposed: Iterable[Fraction], max_fps: int
) -> Fraction:
    """The lowest rate with a tick for each frame, near the moment when it appears.

    A pause takes more ticks and changes no rate. Where no rate has a tick for each frame, as two
    appear almost at once, the one that shows every frame that a screen can show.
    """
    for ticks in range(len(appears) - 1, floor(max_fps * span) + 1):
        misfit = misfit_of(appears, ticks / float(span))
        if misfit <= SLACK:
            return rounded(appears, ticks / span, misfit, proposed)
    gaps = np.diff(appears)
    shortest = float(gaps[gaps > 0].min())
    return min(Fraction(1 / shortest).limit_denominator(DENOMINATOR), Fraction(max_fps))


def misfit_of(appears: Seconds, fps: float) -> float:
    """The most that a frame lies beside its tick, in ticks; infinite if two have the same one."""
    places = appears * fps
    ticks = np.rint(places)
    if (np.diff(ticks) < 1).any():
        return float("inf")
    return float(np.abs(places - ticks).max())


def rounded(
    appears: Seconds, measured: Fraction, misfit: float, proposed: Iterable[Fraction]
) -> Fraction:
    """A rate that somebody may have meant, if it fits as well; else the measured one."""
    whole = Fraction(round(measured))
    for rate in (*proposed, whole, Fraction(round(measured * Fraction(1001, 1000)) * 1000, 1001)):
        is_near = rate > 0 and abs(measured / rate - 1) <= RATE_TOLERANCE
        if is_near and misfit_of(appears, float(rate)) <= min(misfit + AS_GOOD, SLACK):
            return rate
    for denominator in (1001, DENOMINATOR):
        rate = measured.limit_denominator(denominator)
        if misfit_of(appears, float(rate)) <= SLACK:
            return rate
    return measured
