"""The order in which a rater gets comparisons: most open seats first, equally open ones at random.

Comparisons with as many open seats lie on a ring, each at a random place. A claim takes the first
one after a point that is drawn for it, and the comparison gets a new place with the seat. So the
order is the rater's own, and a comparison that comes early for one does not for the next; both
are look-ups in one index, however many comparisons there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from random import Random

from django.db.models import Subquery

from annotations.models import Comparison, Rater
from annotations.models.comparison import SHOWN_WITH, ComparisonQuerySet
from annotations.models.prepared import Given, Prepared, given_id, given_moment, given_number
from annotations.services.rating.sides import with_leads

PLACES = 2**56
LookUp = Callable[[], Comparison | None]


def free_for(study_id: int | Given, rater_id: int | Given) -> ComparisonQuerySet:
    return Comparison.objects.filter(study=study_id).with_free_seat().unseen_by(rater_id)


def on_arc(
    study_id: int | Given, rater_id: int | Given, arc: tuple[int | Given, int | Given]
) -> ComparisonQuerySet:
    """Those that want most raters and lie on this arc of the ring, in order.

    They are named by the number of their open seats: a database that finds a row taken meanwhile
    looks at it again, and passes it by if it wants fewer raters now. The arc has two ends, from
    which SQLite sees that the index of free seats leads to the fewest rows.
    """
    free = free_for(study_id, rater_id)
    most = free.values("open_seats")[:1]
    return free.filter(open_seats=Subquery(most), position__range=arc)


def _to_take(free: ComparisonQuerySet) -> ComparisonQuerySet:
    """The first of these that nobody has locked, locked, with all that is asked about it."""
    locked = free.select_for_update(of=("self",), skip_locked=True, no_key=True)
    given = locked.select_related(*SHOWN_WITH)
    return with_leads(given, rater=given_id("rater"), now=given_moment("now"))[:1]


FIRST_ON_ARC = Prepared(
    lambda: _to_take(
        on_arc(given_id("study"), given_id("rater"), (given_number("low"), given_number("high")))
    )
)
FIRST_OF_ALL = Prepared(lambda: _to_take(free_for(given_id("study"), given_id("rater"))))


def in_order_of(rater: Rater, *, now: datetime, rng: Random) -> Iterator[LookUp]:
    """Where to look for what the rater gets next, in turn.

    The ring from a point on, the ring up to the point, and last all there is.
    """
    given = {"study": rater.study_id, "rater": rater.pk, "now": now}
    point = new_place(rng=rng)
    for low, high in ((point, PLACES), (0, point)):
        yield partial(FIRST_ON_ARC.first, **given, low=low, high=high)
    yield partial(FIRST_OF_ALL.first, **given)


def new_place(*, rng: Random) -> int:
    """A random place on the ring."""
    return rng.randrange(PLACES)
