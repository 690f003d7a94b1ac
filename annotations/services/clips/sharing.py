"""Use the clips of another study, or of an import, in a study: only ever by an owner's choice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from annotations.enums import ImportState, RosterOrigin
from annotations.models import ClipImport, RosterEntry, Stimulus, Study
from annotations.services.clips.importing import result_of
from annotations.services.clips.roster import put_in
from annotations.services.studies.states import add_to_draft

SHOWN, IMPORTS_SHOWN = 50, 10


@dataclass(frozen=True)
class Offer:
    """What a study would get of some clips, by number.

    Attributes
    ----------
    clips
        All of them.
    fitting
        Those of the study's models and prompts; each of these is new, there or taken.
    there
        Already on the study's roster.
    taken
        Left out: the study has another clip of the model, prompt and seed.
    models, prompts
        How many the clips are of.
    """

    clips: int
    fitting: int
    there: int
    taken: int
    models: int
    prompts: int

    @property
    def new(self) -> int:
        return self.fitting - self.there - self.taken

    @property
    def strange(self) -> int:
        """Clips of models or prompts that are not the study's."""
        return self.clips - self.fitting


def clips_of_study(source: Study) -> QuerySet[Stimulus]:
    return Stimulus.objects.for_study(source.pk)


def clips_of_import(source: ClipImport) -> QuerySet[Stimulus]:
    return Stimulus.objects.filter(pk__in=result_of(source).clips)


def studies_to_share_from(study: Study) -> QuerySet[Study]:
    """Other studies that have clips, the latest first."""
    has_clips = Exists(RosterEntry.objects.filter(study=OuterRef("pk")))
    return Study.objects.filter(has_clips).exclude(pk=study.pk).order_by("-pk")[:SHOWN]


def imports_to_share_from() -> QuerySet[ClipImport]:
    """Imports that went into no study: sets of clips kept for later, the latest first."""
    done = ClipImport.objects.filter(study=None, state=ImportState.DONE)
    return done.order_by("-pk")[:IMPORTS_SHOWN]


def offer_of(study: Study, clips: QuerySet[Stimulus]) -> Offer:
    """Counted in one query."""
    own = study.roster.order_by()
    same_place = own.filter(
        model=OuterRef("model"), prompt=OuterRef("prompt"), stimulus__seed=OuterRef("seed")
    )
    fits = Q(
        model__in=study.study_models.order_by().values("model"),
        prompt__in=study.study_prompts.order_by().values("prompt"),
    )
    is_there = Q(pk__in=own.values("stimulus"))
    # By primary key: how they were found may have joined rows that would be counted, too.
    rows = Stimulus.objects.filter(pk__in=clips.order_by().values("pk"))
    counted = rows.aggregate(
        clips=Count("pk"),
        fitting=Count("pk", filter=fits),
        there=Count("pk", filter=fits & is_there),
        taken=Count("pk", filter=fits & ~is_there & Q(Exists(same_place))),
        models=Count("model", distinct=True),
        prompts=Count("prompt", distinct=True),
    )
    return Offer(**counted)


def share_clips(*, study: Study, clips: QuerySet[Stimulus], widen: bool = False) -> int:
    """Put clips on a study's roster too; how many were not there yet.

    Those of other models and prompts are left out, as are those whose model, prompt and seed the
    study has another clip of.

    Parameters
    ----------
    widen
        Add the clips' models and prompts to those of a draft first.

    Raises
    ------
    TransitionRefused, ProtocolFrozen
        The study is closed; or to be widened, it is no draft, or one prompt id would stand for two
        texts.
    """
    with transaction.atomic():
        # Whoever deletes them waits, and keeps what is taken over.
        rows = Stimulus.objects.filter(pk__in=clips.order_by().values("pk"))
        locked = rows.select_for_update(no_key=True, of=("self",))
        chosen = list(locked.select_related("model", "prompt").order_by("pk"))
        if widen:
            add_to_draft(
                study=study,
                models=[clip.model for clip in chosen],
                prompts=[clip.prompt for clip in chosen],
            )
        models = set(study.study_models.values_list("model", flat=True))
        prompts = set(study.study_prompts.values_list("prompt", flat=True))
        places = study.roster.order_by().values_list("model", "prompt", "stimulus__seed")
        taken = set(places)
        fitting = [
            clip
            for clip in chosen
            if clip.model_id in models
            and clip.prompt_id in prompts
            and (clip.model_id, clip.prompt_id, clip.seed) not in taken
        ]
        return put_in(study=study, clips=_first_of_each(fitting), origin=RosterOrigin.SHARED)


def _first_of_each(clips: Iterable[Stimulus]) -> list[Stimulus]:
    """One clip for each model, prompt and seed."""
    first: dict[tuple[int, int, int], Stimulus] = {}
    for clip in clips:
        first.setdefault((clip.model_id, clip.prompt_id, clip.seed), clip)
    return list(first.values())
