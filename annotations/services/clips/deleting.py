"""Put a study away, or delete it for good with all that is its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from annotations.batches import in_batches
from annotations.enums import ImportState, RosterOrigin, StudyState
from annotations.errors import TransitionRefused
from annotations.models import (
    Assignment,
    Check,
    ClipImport,
    Comparison,
    Judgment,
    Rendition,
    RosterEntry,
    Stimulus,
    Study,
)
from annotations.services.clips.importing import give_up_import
from annotations.services.clips.stored import delete_unused

AT_WORK = (StudyState.OPEN, StudyState.PAUSED)
STUDIES_NAMED = 5


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
    return Losses(
        clips=_own_clips(study).count(),
        comparisons=study.comparisons.counted().count(),
        raters=study.raters.count(),
        votes=Judgment.objects.filter(assignment__comparison__study=study).count(),
        used_by=tuple(_taken_over(study).values_list("study__title", flat=True).distinct()),
    )


def delete_study(*, study: Study, now: datetime, keep: QuerySet[Stimulus] | None = None) -> None:
    """Delete a study with its raters and votes, and the clips that nobody else has.

    Prompts, models and what endpoints were paid stay, and so do clips that are in another study or
    were imported for later. Files go once the rows are gone.

    Parameters
    ----------
    keep
        Clips that stay for another reason.

    Raises
    ------
    TransitionRefused
        Raters are, or may soon be, at work; or other studies have taken over its clips.
    """
    for clip_import in study.clip_imports.filter(state=ImportState.CHECKING):
        give_up_import(clip_import=clip_import, now=now)
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        _ensure_nobody_is_at_work(locked, "deleted")
        # Whoever takes a clip over meanwhile waits, and finds it gone or stays the reason.
        own = _own_clips(locked).order_by("pk").select_for_update(of=("self",))
        clips = list(own.values_list("pk", flat=True))
        _ensure_nobody_uses_its_clips(locked)
        # Votes first: what they hang on protects them.
        Judgment.objects.filter(assignment__comparison__study=locked).delete()
        Assignment.objects.filter(comparison__study=locked).delete()
        Comparison.objects.filter(study=locked).delete()
        locked.delete()
        stays = Stimulus.objects.none() if keep is None else keep.filter(pk__in=clips)
        kept = set(stays.values_list("pk", flat=True))
        files = _delete_clips([pk for pk in clips if pk not in kept])
        transaction.on_commit(lambda: _delete_files(files))


def _own_clips(study: Study) -> QuerySet[Stimulus]:
    """Clips that came in for the study and are in no other: replaced ones, too."""
    brought = study.roster.exclude(origin=RosterOrigin.SHARED).order_by().values("stimulus")
    withdrawn = study.comparisons.filter(withdrawn_by__isnull=False).order_by()
    came = Q(pk__in=brought)
    for side in ("stimulus_a", "stimulus_b"):
        came |= Q(pk__in=withdrawn.values(side))
    elsewhere = RosterEntry.objects.filter(stimulus=OuterRef("pk")).exclude(study=study)
    return (
        Stimulus.objects.filter(came).exclude(Exists(elsewhere)).exclude(pk__in=_kept_for_later())
    )


def _kept_for_later() -> QuerySet[Any, Any]:
    """Clips of imports that went into no study."""
    # As values: databases do not compare a key of JSON with a column.
    imports = list(ClipImport.objects.filter(study=None).values_list("pk", flat=True))
    return Stimulus.objects.filter(provenance__import__in=imports).order_by().values("pk")


def _taken_over(study: Study) -> QuerySet[RosterEntry]:
    """Places of other studies with clips that were taken over and came in for this one."""
    brought = study.roster.exclude(origin=RosterOrigin.SHARED).order_by().values("stimulus")
    shared = RosterEntry.objects.filter(stimulus__in=brought, origin=RosterOrigin.SHARED)
    return shared.exclude(study=study).order_by()


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
    for batch in in_batches(stimulus_ids):
        some = Stimulus.objects.filter(pk__in=batch)
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
