"""Prompts that come with an image or a clip: what the models start from, and raters see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from annotations.enums import StimulusKind
from annotations.errors import BadInput, ImportRefused
from annotations.media.errors import MediaError
from annotations.models import GenerativeModel, Prompt, Stimulus, Study
from annotations.scratch import scratch_folder
from annotations.services.clips.beside import file_beside
from annotations.services.clips.prompt_lists import PromptText, column_of, key_of, prompt_text
from annotations.services.clips.sources import keep_source
from annotations.services.clips.stored import taken_back_on_failure
from annotations.services.studies.states import ensure_draft, set_prompts
from annotations.tables.reading import read_table
from annotations.tables.table import Row, ensure_columns, texts_of

# Names that files of prompts have for the same thing; Emu Edit's test set says instruction,
# image, task and idx.
TEXT = ("prompt", "text", "instruction")
SOURCE = ("source", "image", "video")
KEY = ("prompt_id", "idx", "hash", "id")
CATEGORY = ("category", "task")
NAMES = {"prompt": TEXT, "source": SOURCE, "prompt_id": KEY, "category": CATEGORY}
COLUMNS = tuple(name for names in NAMES.values() for name in names)


@dataclass(frozen=True)
class WantedPrompt:
    """A prompt of a table with the file of its source; `where` names its row."""

    where: str
    text: PromptText
    source: Path


def import_prompts(
    *, study: Study, path: Path, on_note: Callable[[str], None] = lambda note: None
) -> int:
    """Add the prompts of a table with their sources to a draft; how many.

    Paths of sources are relative to the file. All or none are added. `on_note` is called with
    sentences about how the table was read.

    Raises
    ------
    ImportRefused
        With one sentence per bad row.
    TransitionRefused
        The study is no draft.
    """
    ensure_draft(study)
    wanted = _read_wanted(path, on_note)
    earlier = [row.prompt for row in study.study_prompts.select_related("prompt")]
    with _kept(wanted) as prompts:
        set_prompts(study=study, prompts=[*earlier, *prompts])
    return len(wanted)


def prompts_with_sources(
    path: Path, *, then: Callable[[list[Prompt]], object], on_note: Callable[[str], None]
) -> None:
    """The prompts of a table with their sources; `then` puts them where they belong.

    If it raises, nothing of them is kept.

    Raises
    ------
    ImportRefused
        With one sentence per bad row.
    """
    with _kept(_read_wanted(path, on_note)) as prompts:
        then(prompts)


def _read_wanted(path: Path, on_note: Callable[[str], None]) -> list[WantedPrompt]:
    try:
        table = read_table(path.read_bytes(), name=path.name, known=COLUMNS)
        names = {column: column_of(table, names) for column, names in NAMES.items()}
        ensure_columns(table, [names["prompt"], names["source"]], COLUMNS)
        wanted, problems = [], []
        for row in table.rows:
            try:
                wanted.append(_wanted(row, names, path.parent))
            except (BadInput, ValueError) as error:
                problems.append(f"{row.where}: {error}")
    except BadInput as error:
        raise ImportRefused([str(error)]) from error
    except OSError as error:
        raise ImportRefused([f"{path.name} cannot be read: {error.strerror}."]) from error
    if problems or not wanted:
        raise ImportRefused(problems or [f"{path.name}: there is no row in it."])
    for note in table.notes:
        on_note(note)
    return wanted


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
    with scratch_folder("source") as folder:
        wanted = [_from_picture(prompt, found[prompt.pk], folder) for prompt in prompts]
        with _kept(wanted) as started:
            set_prompts(study=study, prompts=started)
    return len(prompts)


def _from_picture(prompt: Prompt, picture: Stimulus, folder: Path) -> WantedPrompt:
    source = folder / f"{picture.pk}{Path(str(picture.file.name)).suffix}"
    with picture.file.open("rb") as stored:
        source.write_bytes(stored.read())
    return WantedPrompt(prompt.key, PromptText(prompt.key, prompt.text, prompt.category), source)


def get_or_create_prompt_with_source(*, text: PromptText, source: Path) -> Prompt:
    """The prompt of this id, text and source; its source is kept, and made anew for raters.

    Raises
    ------
    MediaError
        The source is broken, or of a kind that cannot be shown.
    """
    with taken_back_on_failure() as stored:
        return _get_or_create(text, keep_source(source, stored))


@contextmanager
def _kept(wanted: Sequence[WantedPrompt]) -> Iterator[list[Prompt]]:
    """Keep the sources, then write all prompts, or none of anything if what follows fails."""
    with taken_back_on_failure() as stored:
        kept, problems = [], []
        for one in wanted:
            try:
                kept.append((one.text, keep_source(one.source, stored)))
            except MediaError as error:
                problems.append(f"{one.where}: {error}")
        if problems:
            raise ImportRefused(problems)
        with transaction.atomic():
            yield [_get_or_create(text, values) for text, values in kept]


def _get_or_create(text: PromptText, source: Mapping[str, Any]) -> Prompt:
    return Prompt.objects.get_or_create(
        key=text.key,
        digest=Prompt.digest_of(text.text, source["source_sha256"]),
        defaults={"text": text.text, "category": text.category, **source},
    )[0]


def _wanted(row: Row, names: Mapping[str, str], folder: Path) -> WantedPrompt:
    cells = texts_of(row)
    told = {column: _first(row, cells, names[column], NAMES[column]) for column in NAMES}
    text, source = told["prompt"], told["source"]
    if not text:
        raise ValueError(f"the prompt is missing (column {' or '.join(TEXT)}).")
    if not source:
        raise ValueError(f"the source is missing (column {' or '.join(SOURCE)}).")
    path = file_beside(folder, source).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"there is no file {source} beside the table.")
    prompt = prompt_text(told["prompt_id"] or key_of(text), text, told["category"])
    return WantedPrompt(row.where, prompt, path)


def _first(row: Row, cells: Mapping[str, str], column: str, names: tuple[str, ...]) -> str:
    """The cell of the table's column; each object of JSON may use another name."""
    own = (name for name in names if name in cells) if row.names else iter(())
    return cells.get(next(own, column), "")
