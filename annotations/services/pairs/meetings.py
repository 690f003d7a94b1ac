"""Which clips of a study meet: those of two models for one prompt, by the study's rule."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import product

from annotations.enums import SamplePairing
from annotations.models import RosterEntry, Study
from annotations.services.studies.states import model_pairs

# Of one model and prompt, by their numbers.
Samples = Mapping[int, RosterEntry]
Meeting = tuple[RosterEntry, RosterEntry]


def meetings(
    study: Study, entries: Iterable[RosterEntry], known: Collection[tuple[int, int]]
) -> Iterator[Meeting]:
    """The entries to compare that are not compared yet, in the order a, b.

    Parameters
    ----------
    known
        The two clips, a and b, of each comparison that there is.
    """
    samples: defaultdict[tuple[int, int], dict[int, RosterEntry]] = defaultdict(dict)
    for entry in entries:
        samples[entry.model_id, entry.prompt_id][entry.sample] = entry
    met = _Met(known)
    prompts = list(dict.fromkeys(prompt for _, prompt in samples))
    for model_a, model_b in model_pairs(study):
        for prompt in prompts:
            ours, theirs = samples[model_a.pk, prompt], samples[model_b.pk, prompt]
            yield from _new_meetings(study, ours, theirs, met)


def possible_and_wanted(
    rule: str, ours: Collection[int], theirs: Collection[int], numbers: Collection[int]
) -> tuple[int, int]:
    """How many comparisons two models' samples of a prompt allow, and how many if none lacked.

    Parameters
    ----------
    numbers
        The numbers of all samples that some model has; at least one of them is wanted.
    """
    if rule == SamplePairing.CROSSED:
        return len(ours) * len(theirs), max(len(ours), 1) * max(len(theirs), 1)
    if rule == SamplePairing.RANDOM:
        return min(len(ours), len(theirs)), max(len(ours), len(theirs), 1)
    return len(set(ours) & set(theirs)), max(len(numbers), 1)


class _Met:
    """Who has met whom."""

    def __init__(self, known: Collection[tuple[int, int]]) -> None:
        self.pairs = set(known)
        self.partners: defaultdict[int, set[int]] = defaultdict(set)
        for first, second in self.pairs:
            self.partners[first].add(second)
            self.partners[second].add(first)

    def is_free(self, entry: RosterEntry, others: Samples) -> bool:
        """Whether it has met none of the other model's samples."""
        partners = self.partners[entry.stimulus_id]
        return partners.isdisjoint(other.stimulus_id for other in others.values())


def _new_meetings(study: Study, ours: Samples, theirs: Samples, met: _Met) -> Iterator[Meeting]:
    if study.sample_pairing == SamplePairing.RANDOM:
        yield from _by_lot(study, ours, theirs, met)
        return
    for first, second in _crossed_or_equal(study, ours, theirs):
        if (first.stimulus_id, second.stimulus_id) not in met.pairs:
            yield first, second


def _crossed_or_equal(study: Study, ours: Samples, theirs: Samples) -> Iterator[Meeting]:
    if study.sample_pairing == SamplePairing.CROSSED:
        yield from product(ours.values(), theirs.values())
        return
    for number, entry in ours.items():
        if number in theirs:
            yield entry, theirs[number]


def _by_lot(study: Study, ours: Samples, theirs: Samples, met: _Met) -> Iterator[Meeting]:
    """Samples that have met none of the other's, each side shuffled by the study's seed."""
    free_ours = [entry for entry in ours.values() if met.is_free(entry, theirs)]
    free_theirs = [entry for entry in theirs.values() if met.is_free(entry, ours)]
    yield from zip(
        sorted(free_ours, key=lambda entry: _lot(study, entry, free_theirs)),
        sorted(free_theirs, key=lambda entry: _lot(study, entry, free_ours)),
        strict=False,
    )


def _lot(study: Study, entry: RosterEntry, others: list[RosterEntry]) -> bytes:
    """A number that depends on nothing but the study's seed and who is to meet."""
    other = others[0].model_id if others else 0
    text = f"{study.order_seed}/{entry.prompt_id}/{entry.model_id}/{other}/{entry.sample}"
    return hashlib.sha256(text.encode()).digest()
