"""What a running study may say: plain figures, and intervals that hold at every look.

Fixed-n intervals that are looked at again and again miss the truth at some look in about half of
all studies (docs/statistics.md), so that an interim report has none, and no p value of one look.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from analysis.core.estimates import Interval
from analysis.core.sequential import HEDGED, METHOD

EVERY_LOOK = (METHOD, HEDGED)
ONE_LOOK = ("best_rank", "worst_rank")


def without_single_looks(result: Any) -> Any:
    """The same result without the intervals, p values and ranks that hold for one look only."""
    if isinstance(result, tuple):
        return tuple(map(without_single_looks, result))
    if isinstance(result, Interval):
        return None
    if not _is_result(result) or _at_every_look(result):
        return result
    kept = {
        field.name: None
        if field.name.endswith("p_value") or field.name in ONE_LOOK
        else without_single_looks(getattr(result, field.name))
        for field in dataclasses.fields(result)
    }
    return type(result)(**kept)


def _is_result(result: Any) -> bool:
    return dataclasses.is_dataclass(result) and not isinstance(result, type)


def _at_every_look(result: Any) -> bool:
    interval = getattr(result, "interval", None)
    return isinstance(interval, Interval) and interval.method in EVERY_LOOK
