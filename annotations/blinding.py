"""Prove that nothing a rater receives names a model, or links what one model made.

Two raters walk whole sessions through the real pages, and two through the JSON API. Everything
that comes down the wire is kept and searched. The walk happens inside a transaction that is rolled
back: no rater, assignment or vote of it stays.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from django.db import transaction

from annotations.enums import StudyState
from annotations.errors import TransitionRefused
from annotations.models import Recruitment, Rendition, Stimulus, Study
from annotations.panels import Entry
from annotations.walks import ApiWalk, PageWalk, Received

SESSIONS = 2
MAX_COMPARISONS = 20
"""Of each session; enough for any pattern to show."""
SHORTEST_SECRET = 4
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PRINTABLE = re.compile(rb"[\x20-\x7e]{8,}")
TELL_THE_SIZE = {"Content-Length", "Content-Range"}
"""Sizes differ by content, and the page shows no clip before both are there."""


@dataclass(frozen=True)
class BlindingCheck:
    """What was looked at, and what was found."""

    comparisons: int
    answers: dict[str, int]
    """How many of each kind."""
    bytes: int
    searched_for: dict[str, int]
    """How many names, hashes... of each kind."""
    findings: list[str]


def check_blinding(
    *, study: Study, secrets: Mapping[str, Iterable[str]] | None = None
) -> BlindingCheck:
    """Walk the study as raters by page and by API, and search all that they receive.

    Parameters
    ----------
    secrets
        Further words that must not appear, by what they are, such as hosts of endpoints.

    Raises
    ------
    TransitionRefused
        No comparison is ready.
    """
    if not study.comparisons.counted().ready().exists():
        raise TransitionRefused("No pair is ready yet, so there is nothing to look at.")
    with transaction.atomic():
        try:
            received, stimuli = _walk(study)
        finally:
            transaction.set_rollback(True)
    wanted = {
        **secrets_of(study, stimuli),
        **{what: set(words) for what, words in (secrets or {}).items()},
    }
    return BlindingCheck(
        comparisons=len({one.prompt_id for one in stimuli}),
        answers=dict(Counter(one.what for one in received)),
        bytes=sum(len(one.head) + len(one.body) for one in received),
        searched_for={what: len(words) for what, words in wanted.items()},
        findings=[*_words_found(received, wanted), *_links_found(received)],
    )


def secrets_of(study: Study, stimuli: Iterable[Stimulus]) -> dict[str, set[str]]:
    """Words that would tell a model, by what they are."""
    models = list(study.generative_models.all())
    stimuli = list(stimuli)
    renditions = Rendition.objects.filter(stimulus__in=stimuli)
    return {
        "model names": {model.name for model in models},
        "model slugs": {model.slug for model in models},
        "source files": {
            name
            for stimulus in stimuli
            for name in (_last(stimulus.file.name), _last(stimulus.source.partition(": ")[2]))
            if name
        },
        "hashes of clips": {value for one in stimuli for value in (one.sha256, one.frames_sha256)},
        "hashes of renditions": {
            value for one in renditions for value in (one.key, one.sha256) if value
        },
    }


def _last(path: str | None) -> str:
    return (path or "").rpartition("/")[2]


def _walk(study: Study) -> tuple[list[Received], list[Stimulus]]:
    Study.objects.filter(pk=study.pk).update(state=StudyState.OPEN, max_per_rater=MAX_COMPARISONS)
    Recruitment.objects.filter(study=study).update(
        entry=Entry.ANYONE, opens_at=None, closes_at=None, max_share=None
    )
    received: list[Received] = []
    for walk in (PageWalk, ApiWalk) * SESSIONS:
        # Each meets the study as if it were the first, however few seats there are.
        with transaction.atomic():
            walk(study, received).walk()
            transaction.set_rollback(True)
    seen: dict[int, Stimulus] = {}
    for one in received:
        if one.stimulus is not None:
            seen[one.stimulus.pk] = one.stimulus
    return received, list(seen.values())


def _words_found(received: list[Received], wanted: Mapping[str, set[str]]) -> list[str]:
    """Each secret that is in an answer, with the kinds of answers that it is in."""
    haystacks: defaultdict[str, list[bytes]] = defaultdict(list)
    for one in received:
        haystacks[one.what].append(one.head.lower() + b"\n" + one.body.lower())
    joined = {what: b"\n".join(parts) for what, parts in haystacks.items()}
    findings = []
    for kind, words in wanted.items():
        for word in sorted(words):
            if len(word) < SHORTEST_SECRET:
                continue
            forms = {word.lower().encode(), quote(word).lower().encode()}
            places = [what for what, text in joined.items() if any(one in text for one in forms)]
            if places:
                findings.append(f"{kind}: “{word}” is in {' and '.join(map(_one, places))}.")
    return findings


def _one(what: str) -> str:
    return f"{'an' if what[0] in 'AEIO' else 'a'} {what}"


def _links_found(received: list[Received]) -> list[str]:
    """Values that come with several clips of one model and with no clip of another."""
    places: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in received:
        if one.stimulus is None:
            continue
        model = one.stimulus.model.name
        for name, value in one.headers.items():
            if name not in TELL_THE_SIZE:
                places[f"header “{name}: {value}”"][model].add(one.address)
        for text in PRINTABLE.findall(without_pictures(one.body)):
            places[f"text “{text.decode()}” in the file"][model].add(one.stimulus.sha256)
    models = {one.stimulus.model.name for one in received if one.stimulus is not None}
    return [
        f"Only clips of {model} come with the {value}."
        for value, by_model in places.items()
        for model, clips in by_model.items()
        if len(by_model) == 1 and len(models) > 1 and len(clips) > 1
    ]


def without_pictures(body: bytes) -> bytes:
    """A file but for its coded pictures and sound, whose bytes repeat by nature.

    The top-level boxes of MP4 but `mdat`, the chunks of PNG but `IDAT`; another file as it is.
    """
    if body.startswith(PNG_SIGNATURE):
        return _kept(body, start=len(PNG_SIGNATURE), name_at=4, overhead=12, leave_out=b"IDAT")
    if body[4:8] == b"ftyp":
        return _kept(body, start=0, name_at=4, overhead=0, leave_out=b"mdat")
    return body


def _kept(body: bytes, *, start: int, name_at: int, overhead: int, leave_out: bytes) -> bytes:
    """The parts of a file of parts that begin with their length."""
    kept, place = [], start
    while place + 8 <= len(body):
        length = int.from_bytes(body[place : place + 4]) + overhead
        if length < 8:
            break
        part = body[place : place + length]
        if part[name_at : name_at + 4] != leave_out:
            kept.append(part)
        place += length
    return b"".join(kept)
