"""Prompts that come with an image or a clip: what the models start from, and raters see."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage

from annotations.enums import StimulusKind
from annotations.errors import BadInput, ImportRefused
from annotations.inputs import csv_records
from annotations.media.errors import MediaError
from annotations.media.info import MediaInfo
from annotations.media.isolation import inspect_media, render
from annotations.media.profiles import NATIVE, MediaSpec, plan_rendition
from annotations.models import GenerativeModel, Prompt, Stimulus, Study
from annotations.scratch import scratch_folder
from annotations.services.clips.manifests import (
    PromptText,
    is_there,
    key_of,
    prompt_text,
    text_of,
)
from annotations.services.clips.stimuli import store_original
from annotations.services.studies.states import ensure_draft, set_prompts

# Names that files of prompts have for the same thing; Emu Edit's test set says instruction,
# image, task and idx.
TEXT = ("prompt", "text", "instruction")
SOURCE = ("source", "image", "video")
KEY = ("prompt_id", "idx", "hash", "id")
CATEGORY = ("category", "task")


def import_prompts(*, study: Study, path: Path) -> int:
    """Add the prompts of a CSV with their sources to a draft; how many.

    Paths of sources are relative to the file. All or none are added.

    Raises
    ------
    ImportRefused
        With one sentence per bad row.
    TransitionRefused
        The study is no draft.
    """
    ensure_draft(study)
    prompts: list[Prompt] = []
    problems: list[str] = []
    for where, row, problem in csv_records(text_of(path)):
        try:
            if problem:
                raise ValueError(problem)
            prompts.append(_prompt_of(row, path.parent))
        except (BadInput, MediaError, ValueError) as error:
            problems.append(f"{where}: {error}")
    if problems or not prompts:
        raise ImportRefused(problems or [f"{path.name}: there is no row in it."])
    earlier = [row.prompt for row in study.study_prompts.select_related("prompt")]
    set_prompts(study=study, prompts=[*earlier, *prompts])
    return len(prompts)


def start_from_pictures(*, study: Study, model: GenerativeModel) -> int:
    """Let each prompt of a draft start from the picture that a model made for its text; how many.

    Raises
    ------
    ImportRefused
        With one sentence per prompt without a picture.
    TransitionRefused
        The study is no draft.
    """
    ensure_draft(study)
    prompts = [row.prompt for row in study.study_prompts.select_related("prompt")]
    pictures = Stimulus.objects.filter(model=model, kind=StimulusKind.IMAGE)
    found = {one.prompt_id: one for one in pictures.filter(prompt__in=prompts).order_by("-seed")}
    missing = [prompt.key for prompt in prompts if prompt.pk not in found]
    if missing or not prompts:
        problems = [f"{key}: {model} has made no picture for it." for key in missing]
        raise ImportRefused(problems or ["The study has no prompts yet."])
    set_prompts(
        study=study, prompts=[_from_picture(prompt, found[prompt.pk]) for prompt in prompts]
    )
    return len(prompts)


def _from_picture(prompt: Prompt, picture: Stimulus) -> Prompt:
    text = PromptText(prompt.key, prompt.text, prompt.category)
    with scratch_folder("source") as folder:
        source = folder / f"picture{Path(str(picture.file.name)).suffix}"
        with picture.file.open("rb") as stored:
            source.write_bytes(stored.read())
        return get_or_create_prompt_with_source(text=text, source=source)


def get_or_create_prompt_with_source(*, text: PromptText, source: Path) -> Prompt:
    """The prompt of this id, text and source; its source is kept, and made anew for raters.

    Raises
    ------
    MediaError
        The source is broken, or of a kind that cannot be shown.
    """
    info = inspect_media(source)
    digest = Prompt.digest_of(text.text, info.sha256)
    found = Prompt.objects.filter(key=text.key, digest=digest).first()
    if found is not None:
        return found
    return Prompt.objects.get_or_create(
        key=text.key,
        digest=digest,
        defaults={
            "text": text.text,
            "category": text.category,
            "source": store_original(source, info),
            "source_kind": info.kind,
            "source_sha256": info.sha256,
            "source_seconds": float(info.seconds),
            "shown_source": _store_shown(source, info),
        },
    )[0]


def _prompt_of(row: Mapping[str, str], folder: Path) -> Prompt:
    text, source = _first(row, TEXT), _first(row, SOURCE)
    if not text:
        raise ValueError(f"the prompt is missing (column {' or '.join(TEXT)}).")
    if not source:
        raise ValueError(f"the source is missing (column {' or '.join(SOURCE)}).")
    path = (folder / source).resolve()
    if not path.is_relative_to(folder.resolve()) or not is_there(path):
        raise ValueError(f"there is no file {source} beside the table.")
    prompt = prompt_text(_first(row, KEY) or key_of(text), text, _first(row, CATEGORY))
    return get_or_create_prompt_with_source(text=prompt, source=path)


def _first(row: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((row[name] for name in names if row.get(name)), "")


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
