"""Import finished clips: every row is checked first, and all are written or none."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.text import slugify

from annotations.enums import StudyKind, StudyState
from annotations.errors import ImportRefused, StimulusRefused
from annotations.media.errors import MediaError
from annotations.media.inspection import MediaInfo, inspect_media
from annotations.models import GenerativeModel, Prompt, Stimulus, Study
from annotations.services.manifests import ClipRow, PromptText, read_clips
from annotations.services.stimuli import create_stimulus, store_original
from annotations.services.studies import create_study, set_models, set_prompts

MAX_UPLOAD_BYTES = 2 * 1024**3
MAX_UPLOAD_FILES = 20_000


@dataclass(frozen=True)
class ImportResult:
    added: int
    already_there: int
    models: tuple[GenerativeModel, ...]
    prompts: tuple[Prompt, ...]
    kinds: frozenset[str]


def import_clips(
    *,
    rows: Sequence[ClipRow],
    inside: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> ImportResult:
    """Check every clip by decoding it, then register all of them.

    Parameters
    ----------
    rows
        See `annotations.services.manifests.read_clips`.
    inside
        Refuse files outside of this folder (for uploads).
    on_progress
        Called with (clips checked, clips in all).

    Raises
    ------
    ImportRefused
        With one sentence per bad row; nothing was written.
    """
    infos = _inspect_all(rows, inside, on_progress)
    problems = _taken_places(rows, infos)
    if problems:
        raise ImportRefused(problems)
    before = {row.where: _is_stored(info) for row, info in zip(rows, infos, strict=True)}
    names = [store_original(row.path, info) for row, info in zip(rows, infos, strict=True)]
    try:
        return _register_all(rows, infos, names)
    except Exception:
        for row, name in zip(rows, names, strict=True):
            if not before[row.where]:
                default_storage.delete(name)
        raise


def import_upload(*, archive: Path, study: Study) -> ImportResult:
    """Import an uploaded zip into a study; see `import_clips`.

    Its clips may be a folder per model, named by the study's prompt ids, or come with a manifest.
    Once the study has left its draft, only clips of its own models and prompts are taken.

    Raises
    ------
    ImportRefused
        With one sentence per bad row; nothing was written.
    """
    with tempfile.TemporaryDirectory(prefix="unpacked-") as folder:
        root = unpack_upload(archive, Path(folder))
        rows = read_clips(root, prompts=prompt_texts(study))
        _ensure_fits(rows, study)
        result = import_clips(rows=rows, inside=root)
    if study.state == StudyState.DRAFT:
        import_into_study(result=result, slug=study.slug)
    return result


def prompt_texts(study: Study) -> dict[str, PromptText]:
    """The study's prompts by id, for clips that are named by it."""
    return {
        prompt.key: PromptText(prompt.key, prompt.text, prompt.category)
        for prompt in study.prompts.all()
    }


def _ensure_fits(rows: Sequence[ClipRow], study: Study) -> None:
    """Refuse clips that contradict the study's prompts, or that it can no longer take."""
    is_draft = study.state == StudyState.DRAFT
    models = set(study.generative_models.values_list("name", flat=True))
    texts = {key: prompt.text for key, prompt in prompt_texts(study).items()}
    problems = []
    for row in rows:
        if texts.get(row.prompt.key, row.prompt.text) != row.prompt.text:
            problems.append(f"{row.where}: prompt {row.prompt.key} has another text in this study.")
        elif not is_draft and row.prompt.key not in texts:
            problems.append(f"{row.where}: prompt {row.prompt.key} is not in this study.")
        elif not is_draft and row.model not in models:
            problems.append(f"{row.where}: {row.model} is not a model of this study.")
    if problems:
        raise ImportRefused(problems)


def import_into_study(*, result: ImportResult, slug: str, title: str = "") -> Study:
    """Add the imported models and prompts to a draft, made if there is none of this name."""
    with transaction.atomic():
        study = Study.objects.filter(slug=slug).first()
        if study is None:
            kind = StudyKind.TEXT_TO_IMAGE if result.kinds == {"image"} else StudyKind.TEXT_TO_VIDEO
            return create_study(
                title=title or "Comparison of clips",
                slug=slug,
                kind=kind,
                models=result.models,
                prompts=result.prompts,
            )
        models = [row.model for row in study.study_models.select_related("model")]
        prompts = [row.prompt for row in study.study_prompts.select_related("prompt")]
        set_models(study=study, models=[*models, *result.models])
        set_prompts(study=study, prompts=[*prompts, *result.prompts])
        return study


def get_or_create_model(name: str) -> GenerativeModel:
    """The model of this name; a new one gets a slug of its own."""
    found = GenerativeModel.objects.filter(name=name).first()
    if found is not None:
        return found
    return GenerativeModel.objects.create(name=name, slug=_free_slug(name))


def _free_slug(name: str) -> str:
    base = slugify(name)[:100] or "model"
    like_it = GenerativeModel.objects.filter(slug__startswith=base)
    taken = set(like_it.values_list("slug", flat=True))
    numbered = (f"{base}-{number}" for number in itertools.count(2))
    return next(slug for slug in itertools.chain([base], numbered) if slug not in taken)


def get_or_create_prompt(prompt: PromptText) -> Prompt:
    return Prompt.objects.get_or_create(
        key=prompt.key,
        digest=Prompt.digest_of(prompt.text),
        defaults={"text": prompt.text, "category": prompt.category},
    )[0]


def unpack_upload(archive: Path, target: Path) -> Path:
    """Unpack an uploaded zip, and give the folder that holds the manifest or the models.

    Raises
    ------
    ImportRefused
        It is no zip, too large when unpacked, or has names that point outside of it.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [info for info in packed.infolist() if not _is_clutter(info.filename)]
            _check_members(members, target)
            packed.extractall(target, members=[info.filename for info in members])
    except (zipfile.BadZipFile, RuntimeError, OSError) as error:
        raise ImportRefused([f"The upload cannot be unpacked as a zip file: {error}."]) from error
    return _content_root(target)


def _inspect_all(
    rows: Sequence[ClipRow], inside: Path | None, on_progress: Callable[[int, int], None]
) -> list[MediaInfo]:
    infos = []
    problems = []
    for number, row in enumerate(rows, start=1):
        if inside is not None and not row.path.resolve().is_relative_to(inside.resolve()):
            problems.append(f"{row.where}: the file lies outside of the upload.")
            continue
        try:
            infos.append(inspect_media(row.path))
        except MediaError as error:
            problems.append(f"{row.where}: {row.path.name}: {error}")
        on_progress(number, len(rows))
    if problems:
        raise ImportRefused(problems)
    return infos


def _taken_places(rows: Sequence[ClipRow], infos: Sequence[MediaInfo]) -> list[str]:
    """Rows whose model already has other bytes for the prompt and seed."""
    stored = {
        (stimulus.model.name, stimulus.prompt.key, stimulus.prompt.text, stimulus.seed): stimulus
        for stimulus in Stimulus.objects.filter(
            model__name__in={row.model for row in rows}
        ).select_related("model", "prompt")
    }
    problems = []
    for row, info in zip(rows, infos, strict=True):
        there = stored.get((row.model, row.prompt.key, row.prompt.text, row.seed))
        if there is not None and there.sha256 != info.sha256:
            problems.append(
                f"{row.where}: {row.model} already has another clip for prompt {row.prompt.key}, "
                f"seed {row.seed}. Give this one another seed."
            )
    return problems


def _register_all(
    rows: Sequence[ClipRow], infos: Sequence[MediaInfo], names: Sequence[str]
) -> ImportResult:
    with transaction.atomic():
        models = {row.model: get_or_create_model(row.model) for row in rows}
        prompts = {row.prompt.key: get_or_create_prompt(row.prompt) for row in rows}
        before = Stimulus.objects.count()
        for row, info, name in zip(rows, infos, names, strict=True):
            try:
                create_stimulus(
                    model=models[row.model],
                    prompt=prompts[row.prompt.key],
                    seed=row.seed,
                    info=info,
                    name=name,
                    source=f"import: {row.path.name}",
                    provenance={"imported_from": row.where},
                )
            except StimulusRefused as error:
                raise ImportRefused([f"{row.where}: {error}"]) from error
        added = Stimulus.objects.count() - before
    return ImportResult(
        added=added,
        already_there=len(rows) - added,
        models=tuple(models.values()),
        prompts=tuple(prompts.values()),
        kinds=frozenset(str(info.kind) for info in infos),
    )


def _is_stored(info: MediaInfo) -> bool:
    return Stimulus.objects.filter(sha256=info.sha256).exists()


def _is_clutter(name: str) -> bool:
    """What file managers add to archives."""
    return name.startswith("__MACOSX/") or Path(name).name.startswith(".")


def _check_members(members: Iterable[zipfile.ZipInfo], target: Path) -> None:
    members = list(members)
    total = sum(info.file_size for info in members)
    free = shutil.disk_usage(target).free
    if len(members) > MAX_UPLOAD_FILES or total > min(MAX_UPLOAD_BYTES, free // 2):
        raise ImportRefused(
            [
                f"The upload has {len(members)} files of {total / 1024**2:.0f} MB in all; that is "
                "too much for one upload. Use `manage.py import_clips` on the server."
            ]
        )
    for info in members:
        if not (target / info.filename).resolve().is_relative_to(target.resolve()):
            raise ImportRefused([f"{info.filename}: the name points outside of the archive."])


def _content_root(folder: Path) -> Path:
    """Step into a single wrapping folder, as archives often have one."""
    entries = list(folder.iterdir())
    if len(entries) == 1 and entries[0].is_dir() and not _has_media(entries[0]):
        return entries[0]
    return folder


def _has_media(folder: Path) -> bool:
    return any(path.is_file() for path in folder.iterdir()) and not any(
        path.name.startswith(("manifest.", "prompts.")) for path in folder.iterdir()
    )
