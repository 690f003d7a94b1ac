"""The rate of a clip from when its frames appear; what its header says is only a proposal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
import numpy.typing as npt

SLACK = 0.249
"""Ticks by which a frame may lie beside its tick: just under what `SELECTION_TOLERANCE` bears."""
EXACT = 0.05
"""Ticks by which clocks of a millisecond and their like are off; of rates that fit as well, one
that somebody may have meant is taken."""
NEAR = 0.02
"""How far such a rate may be from the measured one."""
WINDOW = 1.1
"""A rate up to so many times the lowest is taken if it fits better."""
LATEST = 1.0 + SLACK
"""Ticks by which a frame that comes almost at once with another may be late."""
DENOMINATOR = 1_000_000

Seconds = npt.NDArray[np.float64]
Misfit = Callable[[Seconds, float], float]


@dataclass(frozen=True)
class Timing:
    """A steady rate at which every frame of a clip is shown, and its length."""

    fps: Fraction
    seconds: Fraction


def timing_of(
    times: Sequence[Fraction],
    last_seconds: Fraction,
    *,
    proposed: Sequence[Fraction],
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
    span = times[-1] - times[0]
    seconds = span + max(last_seconds, Fraction(0))
    fps = steady_rate(appears, span, (*proposed, len(times) / seconds), max_fps)
    if abs(seconds - stated_seconds) <= 1 / fps:
        seconds = stated_seconds
    return Timing(fps, whole_ticks(seconds, fps, last_tick=last_tick(appears, fps)))


def last_tick(appears: Seconds, fps: Fraction) -> int:
    """On which the last frame is shown, where none is passed over."""
    return int(in_turn(np.ceil(appears * float(fps) - SLACK))[-1])


def whole_ticks(seconds: Fraction, fps: Fraction, *, last_tick: int) -> Fraction:
    """The length; where it is about a whole number of frames, exactly that.

    The last frame gets a tick, however short the file says it is.
    """
    ticks = max(seconds * fps, Fraction(last_tick + 1))
    nearest = round(ticks)
    return Fraction(nearest if abs(ticks - nearest) <= SLACK else ticks) / fps


def steady_rate(
    appears: Seconds, span: Fraction, proposed: Sequence[Fraction], max_fps: int
) -> Fraction:
    """The lowest rate with a tick for each frame, near the moment when it appears.

    A pause takes more ticks and changes no rate. Where frames lie at no rate's ticks, the rate of
    the two that are closest; where these are closer than screens show, the lowest at which the
    second of them is not too late.
    """
    fewest, most = len(appears) - 1, floor(max_fps * span)
    rate, misfit = best_rate(appears, fewest / span, proposed, misfit_of, SLACK)
    if misfit <= SLACK:
        return rate
    lowest = next((n for n in range(fewest, most + 1) if fits(appears, n, span)), None)
    if lowest is not None:
        near = range(lowest, min(floor(lowest * WINDOW), most) + 1)
        ticks = min(near, key=lambda n: misfit_of(appears, n / float(span)))
        return best_rate(appears, ticks / span, proposed, misfit_of, SLACK)[0]
    shortest = float(np.diff(appears).min())
    if shortest * max_fps >= 1:
        return Fraction(1 / shortest).limit_denominator(DENOMINATOR)
    crowded = (n for n in range(fewest, most + 1) if lateness(appears, n / float(span)) <= LATEST)
    return best_rate(appears, next(crowded, most) / span, proposed, lateness, LATEST)[0]


def fits(appears: Seconds, ticks: int, span: Fraction) -> bool:
    return misfit_of(appears, ticks / float(span)) <= SLACK


def best_rate(
    appears: Seconds,
    measured: Fraction,
    proposed: Sequence[Fraction],
    misfit: Misfit,
    limit: float,
) -> tuple[Fraction, float]:
    """Of the measured rate and those near it that somebody may have meant, the one that fits best.

    The measured one must fit plainly better, or alone keep within the limit. Also by how much
    the rate misfits.
    """
    found = misfit(appears, float(measured))
    whole = Fraction(round(measured))
    broadcast = Fraction(round(measured * Fraction(1001, 1000)) * 1000, 1001)
    meant = [
        (misfit(appears, float(rate)), rate)
        for rate in (*proposed, whole, broadcast)
        if rate > 0 and abs(measured / rate - 1) <= NEAR
    ]
    best, rate = min(meant, key=lambda one: one[0], default=(float("inf"), measured))
    if best <= found + EXACT and best <= max(found, limit):
        return rate, best
    simple = measured.limit_denominator(1001)
    is_exact = misfit(appears, float(simple)) <= min(found + EXACT / 10, max(found, limit))
    return (simple if is_exact else measured.limit_denominator(DENOMINATOR)), found


def misfit_of(appears: Seconds, fps: float) -> float:
    """The most that a frame lies beside its tick, in ticks; infinite if two have the same one."""
    places = appears * fps
    ticks = np.rint(places)
    if (np.diff(ticks) < 1).any():
        return float("inf")
    return float(np.abs(places - ticks).max())


def lateness(appears: Seconds, fps: float) -> float:
    """The most ticks by which a frame is late, or early, if each waits for the one before it."""
    places = appears * fps
    return float(np.abs(in_turn(np.rint(places)) - places).max())


def in_turn(ticks: Seconds) -> Seconds:
    """The ticks, each at least one after the one before it."""
    ranks = np.arange(len(ticks))
    return np.maximum.accumulate(ticks - ranks) + ranks
