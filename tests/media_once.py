"""For tests about what is done with clips: each is looked at, and each plan rendered, once."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from annotations.media.info import MediaInfo
from annotations.media.isolation import inspect_media, render
from annotations.media.profiles import RenditionPlan
from annotations.services.clips import importing, sources, stimuli
from annotations.services.pairs import rendering
from generation.jobs.steps import fetching


@contextmanager
def media_once(folder: Path) -> Iterator[None]:
    """The worker's process is asked the first time; its answers are kept here."""
    infos: dict[str, MediaInfo] = {}
    coarseness: dict[Path, int] = {}

    def inspect_once(path: Path) -> MediaInfo:
        content = sha256_of(path)
        if content not in infos:
            infos[content] = inspect_media(path)
        return infos[content]

    def render_once(source: Path, target: Path, plan: RenditionPlan) -> int:
        of_plan = hashlib.sha256(repr(plan).encode()).hexdigest()
        kept = folder / f"{sha256_of(source)}-{of_plan}{target.suffix}"
        if kept not in coarseness:
            coarseness[kept] = render(source, kept, plan)
        shutil.copy(kept, target)
        return coarseness[kept]

    with pytest.MonkeyPatch.context() as patch:
        for module in (stimuli, sources, importing, fetching):
            patch.setattr(module, "inspect_media", inspect_once)
        for module in (rendering, sources):
            patch.setattr(module, "render", render_once)
        yield


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
