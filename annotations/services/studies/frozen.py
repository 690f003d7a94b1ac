"""What raters are asked, kept in memory while it cannot change.

A study gets a random stamp whenever it leaves the draft, and loses it when it goes back. Axes,
reasons and translations change only in the draft, so whoever has read a stamp with the study has
read which of them hold. A stamp never comes back: what is kept under an old one is never asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import prefetch_related_objects

from annotations.models import Axis, Study, StudyText

STUDIES_KEPT = 64


@dataclass(frozen=True)
class Wording:
    """The questions of a study with their reasons, and its texts by language and key."""

    axes: tuple[Axis, ...]
    translations: Mapping[tuple[str, str], str]


def wording_of(study: Study) -> Wording:
    """Read once in a process; of a draft at each call, its texts once for each instance."""
    return _kept(study.pk, study.frozen_as) if study.frozen_as else _read(study)


@lru_cache(maxsize=STUDIES_KEPT)
def _kept(study_id: int, frozen_as: str) -> Wording:
    return _read(Study.objects.get(pk=study_id))


def _read(study: Study) -> Wording:
    prefetch_related_objects([study], "texts")
    texts: list[StudyText] = list(study.texts.all())
    axes = study.axes.prefetch_related("reasons")
    return Wording(tuple(axes), {(row.language, row.key): row.text for row in texts})
