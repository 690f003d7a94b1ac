"""Faults are told once when they begin and once when they end, whoever looks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from operation.alerts import ENDED_AFTER, TOLD_AFTER, Notice, settle_alerts
from operation.faults import Fault
from operation.models import Alert

pytestmark = pytest.mark.django_db

FULL = Fault("disk:media", "The disk is full.", "Make room.")
A_MINUTE = timedelta(minutes=1)


class Teller:
    """Keeps what it was told."""

    def __init__(self, *, is_deaf: bool = False) -> None:
        self.heard: list[tuple[str, bool]] = []
        self.is_deaf = is_deaf

    def __call__(self, notice: Notice) -> bool:
        if not self.is_deaf:
            self.heard.append((notice.fault.key, notice.has_ended))
        return not self.is_deaf


@pytest.fixture
def teller() -> Teller:
    return Teller()


def look(now, minutes: float, teller: Teller, *faults: Fault) -> None:
    settle_alerts(faults, now=now + minutes * A_MINUTE, tell=teller)


def test_what_has_just_begun_is_not_told(now, teller):
    look(now, 0, teller, FULL)
    assert teller.heard == []


def test_what_came_and_went_is_not_told_and_leaves_nothing(now, teller):
    look(now, 0, teller, FULL)
    for minute in range(1, 6):
        look(now, minute, teller)
    assert (teller.heard, Alert.objects.count()) == ([], 0)


def test_what_lasts_is_told_once_and_so_is_its_end(now, teller):
    for minute in range(5):
        look(now, minute, teller, FULL)
    assert teller.heard == [("disk:media", False)]
    for minute in range(5, 12):
        look(now, minute, teller)
    assert teller.heard == [("disk:media", False), ("disk:media", True)]
    assert Alert.objects.count() == 0


def test_several_beats_tell_it_once(now):
    beats = Teller(), Teller()
    for minute in range(12):
        for number, beat in enumerate(beats):
            look(now, minute + number / 3, beat, *([FULL] if minute < 5 else []))
    assert sorted(beats[0].heard + beats[1].heard) == [("disk:media", False), ("disk:media", True)]


def test_a_fault_that_comes_and_goes_is_one(now, teller):
    for minute in range(10):
        look(now, minute, teller, *([FULL] if minute % 3 == 0 else []))
    assert teller.heard == [("disk:media", False)]


def test_what_could_not_be_sent_is_told_the_next_time(now):
    teller = Teller(is_deaf=True)
    look(now, 0, teller, FULL)
    look(now, 1, teller, FULL)
    teller.is_deaf = False
    look(now, 2, teller, FULL)
    assert teller.heard == [("disk:media", False)]
    teller.is_deaf = True
    look(now, 6, teller)
    teller.is_deaf = False
    look(now, 7, teller)
    assert teller.heard[1:] == [("disk:media", True)]


def test_a_fault_that_begins_again_after_a_death_while_its_end_was_told_is_told(now, teller):
    Alert.objects.create(
        fault=FULL.key, words="", began_at=now, seen_at=now, told_at=now, ended_at=now
    )
    for minute in range(6):
        look(now, minute, teller, FULL)
    assert teller.heard == [("disk:media", False)]


def test_faults_do_not_hide_one_another(now, teller):
    other = Fault("redis", "Redis does not answer.", "Start it.")
    for minute in range(3):
        look(now, minute, teller, FULL, other)
    assert sorted(teller.heard) == [("disk:media", False), ("redis", False)]


def test_the_words_are_those_of_the_latest_look(now, teller):
    look(now, 0, teller, FULL)
    look(now, 0.5, teller, Fault(FULL.key, "1.9 GiB left.", "Make room."))
    assert Alert.objects.get().words == "1.9 GiB left."


def test_the_times_fit_a_look_each_minute():
    assert TOLD_AFTER < A_MINUTE < ENDED_AFTER
