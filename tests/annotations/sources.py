"""Prompts with the picture or clip that a model starts from."""

from __future__ import annotations

from pathlib import Path

from annotations.models import (
    Prompt,
)
from annotations.services.clips.manifests import PromptText
from annotations.services.clips.prompts import get_or_create_prompt_with_source
from tests.annotations.factories import (
    make_prompt,
)
from tests.media.clips import make_clip, make_still


def make_prompt_from(folder: Path, number: int, *, needed: bool, moving: bool) -> Prompt:
    """A prompt, with the picture or clip that its kind of study needs."""
    if not needed:
        return make_prompt()
    path = folder / f"start{number}.{'mp4' if moving else 'png'}"
    source = (
        make_clip(path, width=64, height=64, fps=16, frames=32)
        if moving
        else make_still(path, width=64, height=48)
    )
    text = PromptText(f"start{number}", f"The boat {number} sails away")
    return get_or_create_prompt_with_source(text=text, source=source)
