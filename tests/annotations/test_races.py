"""Any two operations at the same moment, each in a thread with a connection of its own.

`python -m bench.races` tries every pair in every variant, 20 times each; here are a few of each.
"""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from bench.races import instrument
from bench.races.operations import EVERY, OPERATIONS
from bench.races.pairs import HEAD_STARTS, ONCE_LOST, meet, named, races_of, run_tries
from bench.races.scenario import make_cast, make_scenario

PATIENCE_SECONDS = 120
# A pair is tried in so many of its variants, which are spread over all that it has.
VARIANTS_EACH = 4

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Let a thread wait for SQLite's one writer rather than try again, which would hide a fault."""
    if connection.vendor == "sqlite":
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", PATIENCE_SECONDS)
        yield
        return
    yield
    connection.close_pool()


@pytest.fixture
def cast():
    return make_cast()


def problems_of(cast, races, *, tries: int = 1) -> list[str]:
    every = [(race, place + n) for place, race in enumerate(races) for n in range(tries)]
    found = zip(every, run_tries(cast, every), strict=True)
    return [
        f"{race}: {problem.kind}: {problem.text}"
        for (race, _), problems in found
        for problem in problems
    ]


def some_of(first: str, second: str) -> list:
    """A few of the pair's variants, others for each pair."""
    races = list(races_of(first, second))
    step = max(1, len(races) // VARIANTS_EACH)
    start = len(first + second) % step
    return races[start::step][:VARIANTS_EACH]


@pytest.mark.parametrize("first", list(OPERATIONS))
def test_whatever_happens_at_once_the_books_agree_and_nobody_is_stuck(cast, first):
    names = list(OPERATIONS)
    partners = names[names.index(first) :]
    races = [race for second in partners for race in some_of(first, second)]
    assert problems_of(cast, races) == []


PAIRS_ONCE_LOST = sorted({(race.first, race.second) for race in ONCE_LOST})


@pytest.mark.parametrize(("first", "second"), PAIRS_ONCE_LOST)
def test_what_was_lost_once_is_lost_no_more(cast, first, second):
    races = [race for race in ONCE_LOST if (race.first, race.second) == (first, second)]
    assert problems_of(cast, races, tries=len(HEAD_STARTS)) == []


# The harness itself: it does what it says, and it notices.


def test_every_operation_does_something_when_it_is_alone(cast):
    for name in EVERY:
        [race] = named(name, "sweep", ("two tabs", "ordinary", "running"))
        outcomes = meet(make_scenario(cast, race.wanted), race, 0.0)
        assert [one.result() for one in outcomes] == ["", ""], name


def test_an_answer_that_was_taken_and_not_stored_is_noticed(cast, monkeypatch):
    monkeypatch.setattr(instrument, "submit_answers", lambda **_: None)
    [race] = named("submit", "extend", ("two tabs", "ordinary", "running"))
    assert problems_of(cast, [race]) == [
        f"{race}: promise: submit: an acknowledged answer is stored 0 times"
    ]


def test_an_exception_that_is_no_refusal_is_noticed(cast, monkeypatch):
    def fail(**_):
        raise OperationalError("deadlock detected")

    monkeypatch.setattr(instrument, "skip_assignment", fail)
    [race] = named("skip", "extend", ("two tabs", "ordinary", "running"))
    assert problems_of(cast, [race]) == [
        f"{race}: deadlock: skip: OperationalError: deadlock detected"
    ]


def test_a_rater_who_cannot_go_on_is_noticed(cast, monkeypatch):
    monkeypatch.setattr(instrument, "claim_assignment", lambda **_: None)
    [race] = named("draft", "extend", ("two tabs", "ordinary", "running"))
    assert problems_of(cast, [race]) == [f"{race}: stuck: nothing is left, and a seat is free"]
