"""What models start from beside the text: kept as it came, and made anew for raters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage

from annotations.media.info import MediaInfo
from annotations.media.isolation import inspect_media, render
from annotations.media.profiles import NATIVE, MediaSpec, plan_rendition
from annotations.scratch import scratch_folder
from annotations.services.clips.stimuli import store_original


def keep_source(source: Path, stored: list[str]) -> dict[str, Any]:
    """What a prompt's row says of its source; the names of files in the store are noted.

    Raises
    ------
    MediaError
        The source is broken, or of a kind that cannot be shown.
    """
    info = inspect_media(source)
    original = store_original(source, info)
    stored.append(original)
    shown = _store_shown(source, info)
    stored.append(shown)
    return {
        "source": original,
        "source_kind": str(info.kind),
        "source_sha256": info.sha256,
        "source_seconds": float(info.seconds),
        "shown_source": shown,
    }


def files_of(kept: Mapping[str, Any]) -> set[str]:
    """The names in the store of a source that was kept."""
    return {str(kept[name]) for name in ("source", "shown_source") if kept.get(name)}


def _store_shown(source: Path, info: MediaInfo) -> str:
    """Re-encode the source as it is, so that nothing of its file but the pictures is left."""
    spec = MediaSpec(
        kind=info.kind,
        width=info.width,
        height=info.height,
        fps=info.fps,
        frames=info.frames,
        seconds=info.seconds,
    )
    plan = plan_rendition(spec, spec, NATIVE)
    name = f"sources/{info.sha256[:2]}/{info.sha256}{plan.suffix}"
    if default_storage.exists(name):
        return name
    with scratch_folder("source") as folder:
        target = folder / f"shown{plan.suffix}"
        render(source, target, plan)
        with target.open("rb") as made:
            return default_storage.save(name, File(made))
