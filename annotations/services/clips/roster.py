"""Put clips into a study: the one place that writes rosters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count

from django.db import transaction

from annotations.batches import in_batches
from annotations.enums import AmendmentKindChoice, RosterOrigin, StudyState
from annotations.errors import StimulusRefused, TransitionRefused
from annotations.models import RosterEntry, Stimulus, Study
from annotations.services.pairs.withdrawing import withdraw_clips
from annotations.services.studies.amendments import amending
from annotations.services.studies.protocol import ensure_not_frozen
from annotations.services.studies.states import ensure_draft, prompts_as_corrected

BATCH = 500
CLOSED = StudyState.CLOSED
FIRST_SAMPLE = 1


def put_in(*, study: Study, clips: Iterable[Stimulus], origin: RosterOrigin) -> int:
    """Give clips their places on a study's roster; how many were not there yet.

    A clip whose seed another model has for the prompt gets the number of that one's sample; else
    the lowest that is free.

    Raises
    ------
    StimulusRefused
        The study has another clip of this model, prompt and seed. Nothing is put in.
    TransitionRefused
        The study is closed.
    """
    with transaction.atomic():
        # One at a time, so that no two take one place.
        if Study.objects.select_for_update(no_key=True).get(pk=study.pk).state == CLOSED:
            raise TransitionRefused("The study is closed: nothing more comes into it.")
        places = _Places(study, clips)
        entries = [
            RosterEntry(
                study=study,
                model_id=clip.model_id,
                prompt_id=places.prompt_of(clip),
                stimulus=clip,
                sample=sample,
                origin=origin,
            )
            for clip, sample in places.of_new()
        ]
        RosterEntry.objects.bulk_create(entries, batch_size=BATCH)
        return len(entries)


def put_in_place(
    *, study: Study, clips: Iterable[Stimulus], origin: RosterOrigin, reason: str, now: datetime
) -> int:
    """Put clips in, each in the place of the one that has its model, prompt and seed, if there is.

    In a draft, and while nobody was given a comparison, the other is simply gone. In an open or
    paused study its comparisons are withdrawn, with their votes and the reason, and made anew with
    the new clip and all their seats.

    Returns
    -------
    int
        How many clips were not there yet.

    Raises
    ------
    TransitionRefused
        The study is closed, or open and no reason is given.
    """
    wanted = list(clips)
    with transaction.atomic():
        locked = Study.objects.select_for_update(no_key=True).get(pk=study.pk)
        others = _others_in_place(locked, wanted)
        if others and locked.state in (StudyState.DRAFT, StudyState.PREPARING):
            ensure_not_frozen(locked)
            for some in in_batches([entry.stimulus_id for entry, _ in others]):
                locked.comparisons.showing(some).delete()
            _swap(others, origin)
        elif others:
            kind = AmendmentKindChoice.REPLACED
            with amending(study=study, kind=kind, reason=reason, now=now) as (_, change):
                _ensure_never_withdrawn(locked, [clip for _, clip in others])
                places = [[e.prompt.key, e.model.name, e.sample] for e, _ in others]
                withdraw_clips(locked, [entry.stimulus_id for entry, _ in others], by=change)
                change.facts = {**change.facts, "clips": places}
                _swap(others, origin)
        return len(others) + put_in(study=study, clips=wanted, origin=origin)


def _ensure_never_withdrawn(study: Study, clips: Iterable[Stimulus]) -> None:
    """A comparison that was withdrawn is not made again: its votes would be two studies'."""
    by_key = {clip.pk: clip for clip in clips}
    for some in in_batches(list(by_key)):
        withdrawn = study.comparisons.filter(withdrawn_by__isnull=False).showing(some)
        shown = withdrawn.values_list("stimulus_a", "stimulus_b").first()
        if shown is not None:
            clip = next(by_key[key] for key in shown if key in by_key)
            raise StimulusRefused(
                f"This clip of {clip.model} for prompt {clip.prompt.key} was in the study before, "
                "and its comparisons were withdrawn. Bring another one."
            )


def _others_in_place(study: Study, clips: Iterable[Stimulus]) -> list[tuple[RosterEntry, Stimulus]]:
    """Entries with another clip of the model, prompt and seed of one of these, each with that."""
    corrected = prompts_as_corrected(study)
    wanted = {
        (clip.model_id, corrected.get(clip.prompt_id, clip.prompt_id), clip.seed): clip
        for clip in clips
    }
    entries = study.roster.select_related("model", "prompt", "stimulus")
    found = []
    for entry in entries.iterator():
        clip = wanted.get((entry.model_id, entry.prompt_id, entry.stimulus.seed))
        if clip is not None and clip.sha256 != entry.stimulus.sha256:
            found.append((entry, clip))
    return found


def _swap(others: list[tuple[RosterEntry, Stimulus]], origin: RosterOrigin) -> None:
    for entry, clip in others:
        entry.stimulus, entry.origin, entry.is_new = clip, origin, True
    RosterEntry.objects.bulk_update(
        [entry for entry, _ in others], ["stimulus", "origin", "is_new"], batch_size=BATCH
    )


def take_out(*, entry: RosterEntry) -> None:
    """Remove a clip from a draft. The clip itself stays, for other studies and for later.

    Raises
    ------
    TransitionRefused, ProtocolFrozen
        The study is no draft any more.
    """
    with transaction.atomic():
        study = Study.objects.select_for_update().get(pk=entry.study_id)
        ensure_draft(study)
        entry.delete()


class _Places:
    """Which samples of a study's roster are taken, and by which seeds."""

    def __init__(self, study: Study, clips: Iterable[Stimulus]) -> None:
        self._clips = list({clip.pk: clip for clip in clips}.values())
        self._study = study
        self._there: set[int] = set()
        self._corrected = prompts_as_corrected(study)
        self._seeds: dict[tuple[int, int, int], str] = {}
        self._taken: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        self._sample_of_seed: dict[tuple[int, int], int] = {}
        rows = study.roster.order_by("pk").values_list(
            "stimulus", "model", "prompt", "sample", "stimulus__seed", "stimulus__sha256"
        )
        if len(self._clips) == 1:
            rows = rows.filter(prompt=self.prompt_of(self._clips[0]))
        for stimulus, model, prompt, sample, seed, sha256 in rows.iterator():
            self._there.add(stimulus)
            self._note(model, prompt, sample, seed, sha256)

    def prompt_of(self, clip: Stimulus) -> int:
        """The study's prompt that a clip is for: its own, or what that was corrected to."""
        return self._corrected.get(clip.prompt_id, clip.prompt_id)

    def of_new(self) -> Iterator[tuple[Stimulus, int]]:
        """The clips that are not there yet with their samples, in the order in which they came.

        Model by model and prompt by prompt, those first whose seed another model has: nobody else
        is to take their number.
        """
        new = [clip for clip in self._clips if not self._is_there(clip)]
        by_place: defaultdict[tuple[int, int], list[Stimulus]] = defaultdict(list)
        for clip in new:
            by_place[clip.model_id, self.prompt_of(clip)].append(clip)
        found: dict[int, int] = {}
        for (model, prompt), clips in by_place.items():
            ordered = sorted(clips, key=lambda clip: clip.seed)
            met = [clip for clip in ordered if (prompt, clip.seed) in self._sample_of_seed]
            for clip in [*met, *(clip for clip in ordered if clip not in met)]:
                if (model, prompt, clip.seed) in self._seeds:
                    raise StimulusRefused(taken_words(str(clip.model), clip.prompt.key, clip.seed))
                found[clip.pk] = sample = self._sample(model, prompt, clip.seed)
                self._note(model, prompt, sample, clip.seed, clip.sha256)
        return ((clip, found[clip.pk]) for clip in new)

    def _is_there(self, clip: Stimulus) -> bool:
        """Itself, or the same bytes in its place: what was brought once more after a correction."""
        place = (clip.model_id, self.prompt_of(clip), clip.seed)
        return clip.pk in self._there or self._seeds.get(place) == clip.sha256

    def _note(self, model: int, prompt: int, sample: int, seed: int, sha256: str) -> None:
        self._seeds[model, prompt, seed] = sha256
        self._taken[model, prompt].add(sample)
        self._sample_of_seed.setdefault((prompt, seed), sample)

    def _sample(self, model: int, prompt: int, seed: int) -> int:
        taken = self._taken[model, prompt]
        same = self._sample_of_seed.get((prompt, seed))
        if same is not None and same not in taken:
            return same
        return next(number for number in count(FIRST_SAMPLE) if number not in taken)


def taken_words(model: str, prompt_key: str, seed: int) -> str:
    """Why a second clip of one model, prompt and seed has no place in a study."""
    return (
        f"{model} already has another clip for prompt {prompt_key}, seed {seed} in this study. "
        "Give this one another seed, or import it as a replacement."
    )
