"""What comes next for a rater: a pair, a wait, or the end. The one rule for page and API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from random import Random

from django.utils.translation import gettext as _

from annotations.enums import RaterOutcome
from annotations.errors import PartEnded, ShareReached, StudyNotOpen, StudyOver
from annotations.models import Assignment, Rater
from annotations.services.raters.endings import end_part
from annotations.services.raters.ways_out import (
    WITH_OTHERS,
    Ending,
    ending_of,
    has_judged,
    may_get_more,
    outcome_without_more,
    wait,
    without_invite,
)
from annotations.services.rating.claiming import claim_assignment


class TurnKind(StrEnum):
    PAIR = "pair"
    WAIT = "wait"
    DONE = "done"
    OVER = "over"


@dataclass(frozen=True)
class Turn:
    """A pair to judge, or what is said to a rater who is given none.

    `done` is the end of a rater who judged all that one may; `over` any other end.
    """

    kind: TurnKind
    assignment: Assignment | None = None
    ending: Ending | None = None


def next_turn(*, rater: Rater, now: datetime, rng: Random) -> Turn:
    """Give the rater the pair to judge now, or end their part when nothing is left for them."""
    try:
        assignment = claim_assignment(rater=rater, now=now, rng=rng)
    except StudyNotOpen as why:
        return _without_comparison(rater, why, now=now)
    if assignment is not None:
        return Turn(TurnKind.PAIR, assignment)
    rater.refresh_from_db()
    if not has_judged(rater) and may_get_more(rater):
        return Turn(TurnKind.WAIT, ending=wait(str(WITH_OTHERS)))
    return _end(rater, now=now)


def ended(rater: Rater, *, now: datetime) -> Turn | None:
    """The turn of a rater whose part has ended; None while it goes on."""
    ending = ending_of(rater, now=now)
    if ending is None:
        return None
    is_done = rater.outcome == RaterOutcome.DONE
    return Turn(TurnKind.DONE if is_done else TurnKind.OVER, ending=ending)


def _without_comparison(rater: Rater, why: StudyNotOpen, *, now: datetime) -> Turn:
    """For a rater whom the study gives nothing: for good, or for now."""
    rater.refresh_from_db()
    if isinstance(why, StudyOver | ShareReached):
        return _end(rater, now=now)
    if isinstance(why, PartEnded) or rater.outcome == RaterOutcome.DONE:
        return ended(rater, now=now) or Turn(TurnKind.OVER, ending=without_invite(str(why)))
    return Turn(TurnKind.WAIT, ending=wait(str(why), title=_("Not open")))


def _end(rater: Rater, *, now: datetime) -> Turn:
    end_part(rater=rater, outcome=outcome_without_more(rater), now=now)
    turn = ended(rater, now=now)
    assert turn is not None  # noqa: S101
    return turn
