"""What a report leaves out before its look is due, on a report in which nothing is empty."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from analysis.core.estimates import Estimate, Undefined
from analysis.core.interim import without_single_look
from analysis.core.results import StudyReport

AT_EVERY_LOOK = {"anytime", "stopping"}
OF_ONE_LOOK = {"se", "interval", "p_value", "holm_p_value", "best_rank", "worst_rank"}
PLAIN = {str: "text", int: 1, float: 0.25, bool: True}


def filled(kind: Any) -> Any:
    """A value of this type with one of everything: what may be `None` is not."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is types.UnionType:
        return filled(parts[0])
    if origin is tuple:
        return tuple(filled(part) for part in parts if part is not Ellipsis)
    if origin is Mapping:
        return {filled(parts[0]): filled(parts[1])}
    if issubclass(kind, Enum):
        return next(iter(kind))
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{one.name: filled(hints[one.name]) for one in dataclasses.fields(kind)})
    return PLAIN[kind]


def values_at(thing: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value of a report, with the names of the fields that lead to it."""
    yield path, thing
    if isinstance(thing, tuple):
        for one in thing:
            yield from values_at(one, path)
    elif dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            yield from values_at(getattr(thing, field.name), (*path, field.name))


@pytest.fixture
def full() -> StudyReport:
    return filled(StudyReport)


def test_nothing_of_a_single_look_is_left_anywhere(full):
    waiting = [path for path, _ in values_at(full) if path and path[-1] in OF_ONE_LOOK]
    assert len(waiting) > 60
    left = {path for path, value in values_at(without_single_look(full)) if value is not None}
    assert [path for path in waiting if path in left and not AT_EVERY_LOOK & {*path}] == []


def test_circles_are_left_out(full):
    assert full.rankings[0].cyclic_triples
    assert without_single_look(full).rankings[0].cyclic_triples == ()


def test_values_and_counts_and_what_holds_at_every_look_stay(full):
    hidden = {*OF_ONE_LOOK, "undefined", "cyclic_triples", "single_look"}

    def rest(report: StudyReport) -> list[Any]:
        return [
            (path, value)
            for path, value in values_at(report)
            if isinstance(value, str | int | float)
            and (AT_EVERY_LOOK & {*path} or not hidden & {*path})
        ]

    assert rest(without_single_look(full)) == rest(full)


def test_an_estimate_says_that_its_interval_comes_later_and_keeps_another_reason(full):
    nothing = Estimate(None, undefined=Undefined.NO_VOTES)
    side = full.sides[0]
    left = dataclasses.replace(side.left_choices, share=nothing)
    report = dataclasses.replace(full, sides=(dataclasses.replace(side, left_choices=left),))
    found = without_single_look(report).sides[0]
    assert found.left_choices.share.undefined is Undefined.NO_VOTES
    assert found.a_on_left.share.undefined is Undefined.INTERIM
