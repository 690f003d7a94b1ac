"""Rates from the times of frames. Expected rates are those by which the times were made."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from annotations.media.timing import timing_of


def timing(gaps, *, proposed=(), stated=Fraction(0), max_fps=120):
    """Of frames that stay so many milliseconds each."""
    times = [Fraction(0)]
    for gap in gaps[:-1]:
        times.append(times[-1] + Fraction(gap) / 1000)
    last = Fraction(gaps[-1]) / 1000
    return timing_of(times, last, proposed=proposed, stated_seconds=stated, max_fps=max_fps)


RATES = [5, Fraction(100, 13), 8, 12, Fraction(25, 2), 15, 16, Fraction(24000, 1001), 24, 25]
RATES += [Fraction(30000, 1001), 30, 50, Fraction(60000, 1001), 60, 120]


@pytest.mark.parametrize("rate", RATES)
def test_a_clock_of_milliseconds_does_not_hide_a_rate(rate):
    at = [round(1000 * n / Fraction(rate)) for n in range(98)]
    found = timing([int(gap) for gap in np.diff(at)])
    assert (found.fps, found.seconds) == (rate, Fraction(97) / rate)


@pytest.mark.parametrize(
    ("gaps", "fps", "seconds"),
    [
        ([120] * 15 + [2000], Fraction(25, 3), Fraction(38, 10)),
        ([100, 300, 100, 300, 200, 2000], 10, 3),
        ([100, 200] * 6, 10, Fraction(18, 10)),
        ([40] * 10 + [2000] + [40] * 10, 25, Fraction(28, 10)),
        ([2000] + [40] * 10, 25, Fraction(24, 10)),
    ],
    ids=["at the end", "unequal", "by turns", "in the middle", "at the start"],
)
def test_a_pause_changes_no_rate(gaps, fps, seconds):
    found = timing(gaps)
    assert (found.fps, found.seconds) == (fps, seconds)


@pytest.mark.parametrize("bogus", [1000, 1, 90000, 25])
def test_a_bogus_rate_is_not_believed(bogus):
    found = timing([50] * 40, proposed=[Fraction(bogus)])
    assert (found.fps, found.seconds) == (20, 2)


@pytest.mark.parametrize("seed", range(4))
def test_a_recorders_clock_does_not_hide_a_rate(seed):
    rng = np.random.default_rng(seed)
    at = [0, *(round(1000 * n / 24) + int(rng.integers(-4, 5)) for n in range(1, 48)), 2000]
    found = timing([int(gap) for gap in np.diff(at)], proposed=[Fraction(1000)])
    assert float(found.fps) == pytest.approx(24, rel=0.005)
    assert found.seconds * found.fps == 48


def test_a_last_frame_without_a_length_gets_a_tick():
    assert timing([125] * 15 + [0]).seconds == 2


@given(st.lists(st.integers(9, 400), min_size=2, max_size=40))
@example([197, 214, 286, 321, 36, 232, 9])  # 14 a second, near by, would pass over the fifth
def test_every_frame_has_a_tick(gaps):
    """A frame is on its tick if it appears by then, a quarter of a tick of tolerance given."""
    found = timing(gaps)
    appears = np.cumsum([0, *gaps[:-1]]) / 1000
    ticks = np.arange(int(found.seconds * found.fps + Fraction(1, 1000)))
    now = (ticks + 0.25) / float(found.fps)
    shown = np.searchsorted(appears, now + 1e-9, side="right") - 1
    assert set(shown) == set(range(len(gaps)))
