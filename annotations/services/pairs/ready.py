"""How many comparisons of a study are ready: counted now and then, not for every answer."""

from __future__ import annotations

from annotations.kept_for import kept_for_seconds
from annotations.models import Comparison


@kept_for_seconds(most=64)
def ready_count(study_id: int) -> int:
    """The number changes while a study is prepared or amended, and counting reads all of them."""
    return Comparison.objects.filter(study=study_id).counted().ready().count()
