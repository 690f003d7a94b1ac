"""Which operations meet in which variants, and the tries of each."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations_with_replacement

from django.db import connection

from bench.races.invariants import Outcome, Problem, problems_after
from bench.races.operations import EVERY, OPERATIONS
from bench.races.scenario import Cast, Scenario, Variant, Wanted, make_scenario

TABS, RATERS = "two tabs", "two raters"
LEASES = {
    "nothing": ["running"],
    "ordinary": ["running", "run out", "given back", "taken"],
    "two": ["running", "run out", "given back"],
    "repeat": ["running", "run out", "given back"],
    "gold": ["running", "run out", "given back"],
}
# Who begins earlier, by so many seconds: an overlap is looked for at several places.
HEAD_STARTS = [0.0, *(sign * ms / 1000 for ms in (1, 3, 6, 12, 25, 50) for sign in (1, -1))]
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Race:
    """Two operations that meet, in one variant."""

    first: str
    second: str
    variant: Variant

    def __str__(self) -> str:
        return f"{self.first} / {self.second} ({self.variant})"

    @property
    def wanted(self) -> Wanted:
        both = EVERY[self.first], EVERY[self.second]
        return Wanted(
            names=(self.first, self.second),
            variant=self.variant,
            are_of_raters=(both[0].is_of_rater, both[1].is_of_rater),
            hold=(both[0].holds, both[1].holds),
        )


def every_pair() -> list[tuple[str, str]]:
    return list(combinations_with_replacement(OPERATIONS, 2))


def races_of(first: str, second: str) -> Iterator[Race]:
    """The pair in every variant that says something."""
    both = EVERY[first], EVERY[second]
    subjects = [TABS, RATERS] if all(one.is_of_rater for one in both) else [TABS]
    for subject in subjects:
        for hand, leases in LEASES.items():
            if hand == "nothing" and any(one.needs_hand for one in both):
                continue
            if hand != "nothing" and subject == RATERS and not any(one.holds for one in both):
                continue
            for lease in leases:
                yield Race(first, second, Variant(subject, hand, lease))


def named(first: str, second: str, *variants: tuple[str, str, str]) -> list[Race]:
    return [Race(first, second, Variant(*variant)) for variant in variants]


_RUNNING = (TABS, "ordinary", "running")
_LATE = [(TABS, "ordinary", lease) for lease in ("run out", "given back")]
# The races that the instrument once lost; tried more often, and through the real doors.
ONCE_LOST = [
    *named("submit", "claim", *_LATE),
    *named("submit by page", "claim by page", *_LATE),
    *named("submit by API", "claim by API", *_LATE),
    *named("skip", "claim", _RUNNING, *_LATE),
    *named("skip by page", "claim by page", *_LATE),
    *named("skip by API", "claim by API", *_LATE),
    *named("claim", "ahead", (TABS, "two", "run out"), (RATERS, "two", "run out")),
    *named("exclude", "submit", _RUNNING, *_LATE),
    *named("exclude", "submit by page", _RUNNING),
    *named("exclude", "submit by API", _RUNNING),
    *named("rule", "submit", _RUNNING),
    *named("returned", "submit", _RUNNING),
    *named("submit", "pause", _RUNNING),
    *named("submit by page", "pause", _RUNNING),
    *named("submit", "close", _RUNNING),
    *named("submit by API", "close", _RUNNING),
    *named("exclude", "sweep", (TABS, "ordinary", "run out"), (TABS, "two", "run out")),
    *named("timed out", "claim", (TABS, "repeat", "running"), (TABS, "gold", "running")),
    *named("timed out", "renew", (TABS, "repeat", "running"), (TABS, "gold", "running")),
    *named("resend", "resend", _RUNNING, *_LATE),
]


def run_tries(cast: Cast, tries: Sequence[tuple[Race, int]]) -> list[list[Problem]]:
    """Make the rows of each, let the two meet, and see what does not hold.

    A try is a race and a number, which says who begins earlier.
    """
    met = []
    for race, number in tries:
        scenario = make_scenario(cast, race.wanted)
        met.append((scenario, meet(scenario, race, HEAD_STARTS[number % len(HEAD_STARTS)])))
    return problems_after(met)


def meet(scenario: Scenario, race: Race, head_start: float) -> list[Outcome]:
    barrier = threading.Barrier(2, timeout=PATIENCE_SECONDS)
    waits = [max(0.0, -head_start), max(0.0, head_start)]

    def act(place: int, name: str) -> Outcome:
        try:
            connection.ensure_connection()
            barrier.wait()
            time.sleep(waits[place])
            return Outcome(name, EVERY[name].act(scenario, scenario.people[place]))
        except Exception as error:
            return Outcome(name, error)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(act, range(2), [race.first, race.second]))
