"""How many comparisons of a study are ready: counted now and then, not for every answer."""

from __future__ import annotations

import time
from functools import lru_cache

from django.conf import settings

from annotations.models import Comparison

STUDIES_KEPT = 64


def ready_count(study_id: int) -> int:
    """As of the last `READY_COUNT_SECONDS`; 0 of these: as of now.

    The number changes while a study is prepared or amended, and counting reads all of them.
    """
    seconds = settings.READY_COUNT_SECONDS
    return _counted(study_id, int(time.monotonic() // seconds)) if seconds else _count(study_id)


@lru_cache(maxsize=STUDIES_KEPT)
def _counted(study_id: int, period: int) -> int:
    return _count(study_id)


def _count(study_id: int) -> int:
    return Comparison.objects.filter(study=study_id).counted().ready().count()
