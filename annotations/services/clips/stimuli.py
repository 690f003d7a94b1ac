"""Register clips and images as stimuli."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from annotations.errors import StimulusRefused
from annotations.media.errors import MediaError
from annotations.media.info import MediaInfo
from annotations.media.isolation import inspect_media
from annotations.models import GenerativeModel, Prompt, Stimulus


def register_stimulus(
    *,
    model: GenerativeModel,
    prompt: Prompt,
    seed: int,
    path: Path,
    source: str,
    provenance: Mapping[str, Any] | None = None,
) -> Stimulus:
    """Inspect a file and keep it as the model's output for the prompt.

    The same bytes for the same model, prompt and seed give the stimulus that is already there.

    Raises
    ------
    StimulusRefused
        The file is broken or of a kind that cannot be judged.
    """
    try:
        info = inspect_media(path)
    except MediaError as error:
        raise StimulusRefused(str(error)) from error
    name = store_original(path, info)
    return create_stimulus(
        model=model,
        prompt=prompt,
        seed=seed,
        info=info,
        name=name,
        source=source,
        provenance=provenance or {},
    )


def store_original(path: Path, info: MediaInfo) -> str:
    """Copy a file into the store under its content's hash; an existing copy is kept.

    Returns
    -------
    str
        The name in the default storage.
    """
    name = f"originals/{info.sha256[:2]}/{info.sha256}.{info.container}"
    if not default_storage.exists(name):
        with path.open("rb") as content:
            return default_storage.save(name, File(content))
    return name


def create_stimulus(
    *,
    model: GenerativeModel,
    prompt: Prompt,
    seed: int,
    info: MediaInfo,
    name: str,
    source: str,
    provenance: Mapping[str, Any],
) -> Stimulus:
    """Write the row for an inspected and stored file; see `register_stimulus`."""
    values = {
        **facts_of(info),
        "file": name,
        "source": source[:500],
        "provenance": dict(provenance),
    }
    try:
        with transaction.atomic():
            return Stimulus.objects.get_or_create(
                model=model, prompt=prompt, seed=seed, sha256=info.sha256, defaults=values
            )[0]
    except IntegrityError as error:
        raise StimulusRefused(f"The clip of {model} could not be registered: {error}") from error


def facts_of(info: MediaInfo) -> dict[str, Any]:
    """What a stimulus's row says about its file; plain values that JSON can hold."""
    return {
        "kind": str(info.kind),
        "sha256": info.sha256,
        "frames_sha256": info.frames_sha256,
        "container": info.container,
        "codec": info.codec,
        "width": info.width,
        "height": info.height,
        "fps_numerator": info.fps.numerator,
        "fps_denominator": info.fps.denominator,
        "frames": info.frames,
        "seconds": float(info.seconds),
        "has_audio": info.has_audio,
        "bytes": info.bytes,
        "warnings": list(info.warnings),
    }
