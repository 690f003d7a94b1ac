"""Work in the background, guarded: what fails for one study is told to its owner and stops nobody.

A failure is kept until the same work succeeds for the study; the next sweep tries again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import OperationalError
from django.db.models import F

from annotations.enums import SweepWork
from annotations.errors import JuiceError
from annotations.media.errors import MediaError
from annotations.models import Study, Trouble

logger = logging.getLogger(__name__)


def guard(study: Study, work: SweepWork, do: Callable[[], object], *, now: datetime) -> bool:
    """Do a study's share of a sweep, which sees to its own transactions; whether it was done."""
    try:
        do()
    except Exception as error:
        logger.exception("%s failed for the study %s", work.label, study.slug)
        _note(study, work, words_for(error), now)
        return False
    earlier = Trouble.objects.filter(study=study, work=work)
    # Asked first: on SQLite a DELETE waits for the one writer, though there is nothing to delete.
    if earlier.exists():
        earlier.delete()
    return True


def run_every(steps: Iterable[Callable[[], object]]) -> None:
    """Run each step whatever becomes of the others; then raise what the first of them raised."""
    errors = []
    for step in steps:
        try:
            step()
        except Exception as error:
            logger.exception("a step of the sweep failed")
            errors.append(error)
    if errors:
        raise errors[0]


def words_for(error: Exception) -> str:
    """A refusal in its own words; anything else with its kind, which an operator can look up."""
    if isinstance(error, JuiceError | MediaError):
        return str(error)
    if isinstance(error, OperationalError):
        return f"The database did not answer: {error}"
    return f"An error in the software ({type(error).__name__}): {error}"


def _note(study: Study, work: SweepWork, words: str, now: datetime) -> None:
    trouble, is_new = Trouble.objects.get_or_create(
        study=study, work=work, defaults={"error": words, "since": now, "last_at": now}
    )
    if not is_new:
        Trouble.objects.filter(pk=trouble.pk).update(error=words, times=F("times") + 1, last_at=now)
