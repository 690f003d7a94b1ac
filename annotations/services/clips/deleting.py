"""Put a study away, or delete it for good with all that is its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from annotations.enums import RosterOrigin, StudyState
from annotations.errors import TransitionRefused
from annotations.models import (
    Assignment,
    Check,
    Comparison,
    Judgment,
    Rendition,
    RosterEntry,
    Stimulus,
    Study,
)
from annotations.services.clips.stored import delete_unused

AT_WORK = (StudyState.OPEN, StudyState.PAUSED)
STUDIES_NAMED = 5
BATCH = 500


@dataclass(frozen=True)
class Losses:
    """What deleting a study takes away, and whose studies use its clips."""

    clips: int
    comparisons: int
    raters: int
    votes: int
    used_by: tuple[str, ...]


def archive_study(*, study: Study, now: datetime) -> None:
    """Leave a study out of the list of studies; nothing of it changes.

    Raises
    ------
    TransitionRefused
        Raters are, or may soon be, at work.
    """
    _ensure_nobody_is_at_work(study, "archived")
    Study.objects.filter(pk=study.pk).update(archived_at=now)
    study.refresh_from_db()


def bring_back_study(*, study: Study) -> None:
    """Show an archived study among the others again."""
    Study.objects.filter(pk=study.pk).update(archived_at=None)
    study.refresh_from_db()


def losses_of(study: Study) -> Losses:
    """Counted in a fixed number of queries."""
    others = RosterEntry.objects.filter(stimulus__in=_brought(study)).exclude(study=study)
    return Losses(
        clips=_brought(study).count(),
        comparisons=study.comparisons.counted().count(),
        raters=study.raters.count(),
        votes=Judgment.objects.filter(assignment__comparison__study=study).count(),
        used_by=tuple(others.order_by().values_list("study__title", flat=True).distinct()),
    )


def delete_study(*, study: Study) -> None:
    """Delete a study with its raters and votes, and the clips that came in for it.

    Prompts, models and what endpoints were paid stay. Files go once the rows are gone.

    Raises
    ------
    TransitionRefused
        Raters are, or may soon be, at work; or other studies use its clips.
    """
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        _ensure_nobody_is_at_work(locked, "deleted")
        _ensure_nobody_uses_its_clips(locked)
        clips = list(_brought(locked).values_list("pk", flat=True))
        # Votes first: what they hang on protects them.
        Judgment.objects.filter(assignment__comparison__study=locked).delete()
        Assignment.objects.filter(comparison__study=locked).delete()
        Comparison.objects.filter(study=locked).delete()
        locked.delete()
        files = _delete_clips(clips)
        transaction.on_commit(lambda: _delete_files(files))


def _brought(study: Study) -> QuerySet[Stimulus]:
    """Clips that came in for the study: imported into it, or made for it."""
    own = study.roster.exclude(origin=RosterOrigin.SHARED)
    return Stimulus.objects.filter(pk__in=own.order_by().values("stimulus"))


def _ensure_nobody_is_at_work(study: Study, what: str) -> None:
    if study.state in AT_WORK:
        raise TransitionRefused(
            f"The study is {study.get_state_display().lower()}: raters may be at work. Close it, "
            f"and it can be {what}."
        )


def _ensure_nobody_uses_its_clips(study: Study) -> None:
    used_by = losses_of(study).used_by
    if used_by:
        named = ", ".join(f"“{title}”" for title in used_by[:STUDIES_NAMED])
        more = len(used_by) - STUDIES_NAMED
        raise TransitionRefused(
            f"Its clips are used by {named}{f' and {more} more' if more > 0 else ''}. Delete those "
            "studies first, or archive this one instead."
        )


def _delete_clips(stimulus_ids: list[int]) -> set[str]:
    """Delete those of the clips that nothing else shows; the files that may go with them."""
    files: set[str] = set()
    for start in range(0, len(stimulus_ids), BATCH):
        some = Stimulus.objects.filter(pk__in=stimulus_ids[start : start + BATCH])
        free = some.filter(~Exists(_comparisons_showing()), ~Exists(_checks_showing()))
        renditions = Rendition.objects.filter(stimulus__in=free).exclude(file="")
        files.update(renditions.values_list("file", flat=True))
        files.update(free.values_list("file", flat=True))
        gone = list(free.values_list("pk", flat=True))
        Rendition.objects.filter(stimulus__in=gone).delete()
        Stimulus.objects.filter(pk__in=gone).delete()
    return files


def _comparisons_showing() -> QuerySet[Comparison]:
    """Comparisons of a clip, or of a rendition that was made of it for equal bytes."""
    sides = ("stimulus_a", "stimulus_b", "rendition_a__stimulus", "rendition_b__stimulus")
    shown = Q()
    for side in sides:
        shown |= Q(**{side: OuterRef("pk")})
    return Comparison.objects.filter(shown)


def _checks_showing() -> QuerySet[Check]:
    return Check.objects.filter(Q(stimulus_a=OuterRef("pk")) | Q(stimulus_b=OuterRef("pk")))


def _delete_files(names: set[str]) -> None:
    kept = set(Rendition.objects.filter(file__in=names).values_list("file", flat=True))
    renditions = {name for name in names - kept if name.startswith("renditions/")}
    for name in renditions:
        default_storage.delete(name)
    delete_unused(names - kept - renditions)
