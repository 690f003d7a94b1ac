"""The clips of a report's examples put into its page, for a file that plays offline."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.core.files.storage import default_storage
from django.template.loader import render_to_string

from annotations.models import Comparison, Rendition, Study
from annotations.views.media import CONTENT_TYPES

MOST_BYTES = 40_000_000
_NOTE = re.compile(r'<p class="soft" data-clips-note>.*?</p>', re.DOTALL)
_SLOT = re.compile(r'<div class="example__clips" data-comparison="(\d+)"></div>')


@dataclass(frozen=True, slots=True)
class _Clip:
    caption: str
    name: str
    bytes: int
    is_source: bool

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[PurePosixPath(self.name).suffix]


def page_with_clips(page: str, study: Study, *, most_bytes: int = MOST_BYTES) -> Iterator[str]:
    """The page in pieces, each example's slot filled with its two clips as raters saw them.

    An example whose clips would take all of them over `most_bytes`, as they stand in the file, is
    left without, and says so.
    """
    clips = _clips(study, _SLOT.findall(page))
    left = most_bytes
    *pieces, rest = _SLOT.split(_NOTE.sub(_note(), page, count=1))
    for text, comparison in zip(pieces[::2], pieces[1::2], strict=True):
        yield text
        found = clips.get(int(comparison), [])
        size = sum(clip.bytes for clip in found)
        yield from _filled(found, fits=size <= left)
        left -= size if size <= left else 0
    yield rest


def _clips(study: Study, ids: list[str]) -> dict[int, list[_Clip]]:
    """Both clips of each comparison, and what its models started from; none where one is lost."""
    own = study.comparisons.filter(pk__in=map(int, ids)).select_related(
        "prompt", "stimulus_a__model", "stimulus_b__model", "rendition_a", "rendition_b"
    )
    found = {one.pk: list(_clips_of(one)) for one in own}
    return {pk: [clip for clip in clips if clip] for pk, clips in found.items() if all(clips)}


def _clips_of(comparison: Comparison) -> Iterator[_Clip | None]:
    if comparison.prompt.shown_source:
        name = str(comparison.prompt.shown_source.name)
        yield _clip("What the models started from", name, is_source=True)
    for stimulus, rendition in (
        (comparison.stimulus_a, comparison.rendition_a),
        (comparison.stimulus_b, comparison.rendition_b),
    ):
        yield _clip(stimulus.model.name, _name(rendition))


def _name(rendition: Rendition | None) -> str:
    return str(rendition.file.name) if rendition and rendition.file else ""


def _clip(caption: str, name: str, *, is_source: bool = False) -> _Clip | None:
    if not name or not default_storage.exists(name):
        return None
    return _Clip(caption, name, _encoded(default_storage.size(name)), is_source)


def _encoded(size: int) -> int:
    """Bytes of a file of so many bytes in base64."""
    return 4 * -(-size // 3)


def _filled(clips: list[_Clip], *, fits: bool) -> Iterator[str]:
    """One element at a time, so that one clip is in memory and not all."""
    if not clips or not fits:
        why = "The file would be too large with these clips." if clips else "These clips are gone."
        yield f'<p class="soft">{why}</p>'
        return
    yield '<div class="example__clips">'
    for clip in clips:
        with default_storage.open(clip.name) as file:
            content = base64.b64encode(file.read()).decode()
        yield render_to_string("analysis/report/clip.html", {"clip": clip, "content": content})
    yield "</div>"


def _note() -> str:
    return (
        '<p class="soft">The clips are in this file as raters saw them, made alike by the rule '
        "under “What raters saw”; here they carry the names of their models.</p>"
    )
