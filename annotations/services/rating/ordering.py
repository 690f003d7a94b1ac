"""The order in which a rater gets comparisons: most open seats first, equally open ones at random.

Comparisons with as many open seats lie on a ring, each at a random place. A claim takes the first
one after a point that is drawn for it, and the comparison gets a new place with the seat. So the
order is the rater's own, and a comparison that comes early for one does not for the next; both
are look-ups in one index, however many comparisons there are.
"""

from __future__ import annotations

from random import Random

from annotations.models import Comparison, Rater
from annotations.models.comparison import ComparisonQuerySet
from annotations.models.prepared import Given, Prepared, given_id

PLACES = 2**56


MOST_OPEN_SEATS = Prepared(
    lambda: _free(given_id("study"), given_id("rater")).values_list("open_seats", flat=True)[:1]
)


def _free(study_id: int | Given, rater_id: int | Given) -> ComparisonQuerySet:
    return Comparison.objects.filter(study=study_id).with_free_seat().unseen_by(rater_id)


def in_order_of(rater: Rater, *, rng: Random) -> list[ComparisonQuerySet]:
    """Where to look for what the rater gets next, in turn: the first row of each.

    The ring from the point on, the ring up to the point, and last all there is. Both arcs name the
    number of open seats: a database that finds a row taken meanwhile looks at it again, and passes
    it by if it wants fewer raters now. They have two ends each, from which SQLite sees that the
    index of free seats leads to the fewest rows.
    """
    free = _free(rater.study_id, rater.pk)
    most = MOST_OPEN_SEATS.first(study=rater.study_id, rater=rater.pk)
    if most is None:
        return [free]
    point = new_place(rng=rng)
    arcs = (point, PLACES), (0, point)
    return [*(free.filter(open_seats=most, position__range=arc) for arc in arcs), free]


def new_place(*, rng: Random) -> int:
    """A random place on the ring."""
    return rng.randrange(PLACES)
