"""Lookups that Django's own forms and admin make with the numbers that a browser sent.

Django's `exact` on a column of whole numbers finds nothing for one that no column can hold; `in`,
and both of a foreign key, fail on SQLite, and so does the page. These find nothing either.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import ForeignObject, IntegerField
from django.db.models.fields.related_lookups import RelatedExact, RelatedIn
from django.db.models.lookups import In

from annotations.inputs import LEAST_NUMBER, MOST_NUMBER


class WithinRange:
    rhs: Any

    def process_rhs(self, *args: Any) -> Any:
        if isinstance(self.rhs, list):
            self.rhs = [one for one in self.rhs if _fits(one)]
        elif not _fits(self.rhs):
            raise EmptyResultSet
        return super().process_rhs(*args)  # type: ignore[misc]


class InWithinRange(WithinRange, In):
    pass


class RelatedExactWithinRange(WithinRange, RelatedExact):
    pass


class RelatedInWithinRange(WithinRange, RelatedIn):
    pass


def register() -> None:
    IntegerField.register_lookup(InWithinRange)
    ForeignObject.register_lookup(RelatedExactWithinRange)
    ForeignObject.register_lookup(RelatedInWithinRange)


def _fits(value: Any) -> bool:
    return not isinstance(value, int) or LEAST_NUMBER <= value <= MOST_NUMBER
