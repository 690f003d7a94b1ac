"""Import finished clips: every row is checked first, and all are written or none.

An import is rows in the database. Workers check those of an upload, the command checks its own;
either way an import that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from annotations.enums import ImportRowState, ImportState, StudyState, SweepWork
from annotations.errors import ImportRefused, JuiceError
from annotations.media.errors import MediaError, TooSlow
from annotations.media.isolation import inspect_media
from annotations.media.patience import LONGEST_CHECK
from annotations.models import (
    ClipImport,
    GenerativeModel,
    ImportRow,
    Prompt,
    Stimulus,
    Study,
    Trouble,
)
from annotations.services.clips.clip_rows import Manifest
from annotations.services.clips.downloads import (
    STORED,
    DownloadFailed,
    DownloadRefused,
    local_copy,
)
from annotations.services.clips.prompt_lists import PromptText
from annotations.services.clips.registering import (
    ImportResult,
    Replacing,
    add_to_study,
    get_or_create_model,
    get_or_create_prompt,
    prompt_texts,
)
from annotations.services.clips.roster import taken_words
from annotations.services.clips.sources import files_of, keep_source
from annotations.services.clips.stimuli import facts_of, store_original
from annotations.services.clips.stored import delete_unused
from annotations.services.studies.troubles import guard

MAX_TRIES = 3
CHECK_LEASE = timedelta(seconds=LONGEST_CHECK) + timedelta(minutes=4)
"""Decoding at its longest, and fetching the file before it."""
QUIETER_AFTER = timedelta(minutes=5)
QUEUE_LEASE = timedelta(minutes=2)
ENQUEUE_AT_ONCE = 200
BATCH = 500

T = TypeVar("T", bound=Hashable)
# A model's name; a prompt's id, its text, and the SHA-256 of its source; a seed; that of the bytes.
Clip = tuple[str, str, str, str, int, str]


def import_clips(
    *,
    manifest: Manifest,
    source: str = "",
    study: Study | None = None,
    replaces: bool = False,
    replaces_why: str = "",
    keep_going: bool = False,
    is_dry_run: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    then: Callable[[ImportResult], Study | None] = lambda result: None,
) -> ImportResult:
    """Check every clip by decoding it, then register all of them, in this process.

    An import of the same rows that was interrupted goes on where it stopped.

    Parameters
    ----------
    manifest
        See `annotations.services.clips.manifests.read_clips`.
    study
        Whose roster the clips are put on; without one they are kept for studies to come.
    replaces
        Whether they take the places of those that are there; in an open study for a reason.
    keep_going
        Import the good rows even if there are bad ones.
    is_dry_run
        Check only; the result says what would be added.
    on_progress
        Called with (rows checked, rows in all).
    then
        What is done with the clips once they are registered; the study that it put them into, if
        any. If it raises, they are not registered.

    Raises
    ------
    ImportRefused
        With one sentence per bad row; nothing was written.
    """
    choices: dict[str, Any] = {
        "study": study,
        "replaces": replaces,
        "replaces_why": replaces_why,
        "keep_going": keep_going,
        "is_dry_run": is_dry_run,
    }
    clip_import = find_interrupted(manifest, **choices)
    if clip_import is None:
        clip_import = start_import(manifest=manifest, source=source, **choices)
    total = clip_import.rows.count()
    waiting = list(clip_import.rows.waiting().values_list("pk", flat=True))
    on_progress(total - len(waiting), total)
    while waiting:
        again: list[int] = []
        for place, row_id in enumerate(waiting):
            if not check_row(row_id=row_id, now=timezone.now()):
                again.append(row_id)
            on_progress(total - len(waiting) + place + 1 - len(again), total)
        waiting = again
    finish_import(import_id=clip_import.pk, now=timezone.now(), then=then)
    clip_import.refresh_from_db()
    if clip_import.state == ImportState.REFUSED:
        raise ImportRefused(problems_of(clip_import))
    return result_of(clip_import)


def start_import(
    *,
    manifest: Manifest,
    source: str,
    study: Study | None = None,
    replaces: bool = False,
    replaces_why: str = "",
    keep_going: bool = False,
    is_dry_run: bool = False,
    by_workers: bool = False,
) -> ClipImport:
    """Write down what is to be imported; nothing is looked at yet."""
    with transaction.atomic():
        clip_import = ClipImport.objects.create(
            study=study,
            source=source[:500],
            digest=_digest(manifest),
            model_pairs=manifest.model_pairs,
            notes=manifest.notes,
            replaces=replaces,
            replaces_why=replaces_why,
            keep_going=keep_going,
            is_dry_run=is_dry_run,
            by_workers=by_workers,
        )
        sources = _sources_in(study)
        good = [
            ImportRow(
                clip_import=clip_import,
                where=row.where,
                model=row.model,
                prompt_key=row.prompt.key,
                prompt_text=row.prompt.text,
                category=row.prompt.category,
                seed=row.seed,
                location=row.location,
                source=row.source,
                source_sha256=sources.get((row.prompt.key, row.prompt.text), ""),
            )
            for row in manifest.rows
        ]
        bad = [
            ImportRow(
                clip_import=clip_import,
                where=problem.where,
                state=ImportRowState.BAD,
                problem=problem.why,
            )
            for problem in manifest.problems
        ]
        ImportRow.objects.bulk_create([*good, *bad], batch_size=BATCH)
        return clip_import


def _sources_in(study: Study | None) -> dict[tuple[str, str], str]:
    """SHA-256 of the source of each prompt of a study that has one, by id and text."""
    texts = prompt_texts(study).values() if study else ()
    return {(one.key, one.text): one.source_sha256 for one in texts if one.source_sha256}


def find_interrupted(manifest: Manifest, **options: Any) -> ClipImport | None:
    """An import of the same rows into the same study that a command did not bring to its end."""
    unfinished = ClipImport.objects.filter(state=ImportState.CHECKING, by_workers=False)
    return unfinished.filter(digest=_digest(manifest), **options).first()


def lease_due_rows(*, now: datetime) -> list[int]:
    """Ids of rows to put into the queue now; each is handed out once until its lease ends."""
    due = ImportRow.objects.due(now=now)
    ids = list(due.order_by("pk").values_list("pk", flat=True)[:ENQUEUE_AT_ONCE])
    until = now + QUEUE_LEASE
    # By the row's own columns: what a join says is not looked at again after a wait for the row.
    free = ImportRow.objects.waiting().unleased(now=now)
    return [pk for pk in ids if free.filter(pk=pk).update(lease_expires_at=until)]


def check_row(*, row_id: int, now: datetime) -> bool:
    """Get and decode one clip, and keep its bytes; whether the row needs no further try."""
    waiting = ImportRow.objects.waiting().filter(pk=row_id)
    row = waiting.select_related("clip_import").first()
    if row is None:
        return True
    if row.tries >= MAX_TRIES:
        _mark_bad(row, f"It could not be checked in {MAX_TRIES} tries. {row.problem}")
        return True
    waiting.update(tries=F("tries") + 1, lease_expires_at=now + CHECK_LEASE)
    try:
        source = _source_of(row)
        with local_copy(row.location) as path:
            info = inspect_media(path)
            name = "" if row.clip_import.is_dry_run else store_original(path, info)
    except TooSlow as error:
        waiting.update(problem=str(error), lease_expires_at=now + QUIETER_AFTER)
        return False
    except (MediaError, DownloadRefused) as error:
        _mark_bad(row, f"{_file_name(row)}: {error}")
    except OSError as error:
        _mark_bad(row, f"{_file_name(row)}: it cannot be read: {error.strerror or error}.")
    except DownloadFailed as error:
        waiting.update(problem=str(error), lease_expires_at=None)
        return False
    else:
        waiting.update(
            state=ImportRowState.GOOD,
            facts=facts_of(info),
            file=name,
            problem="",
            lease_expires_at=None,
            **source,
        )
    return True


def _source_of(row: ImportRow) -> dict[str, Any]:
    """What a row is to say of its source, which is looked at once for all rows that have it."""
    if not row.source:
        return {}
    alike = ImportRow.objects.filter(clip_import=row.clip_import, source=row.source)
    known = alike.exclude(source_facts={}).values_list("source_facts", flat=True).first()
    if known:
        return {"source_sha256": known["source_sha256"], "source_facts": known}
    try:
        kept = _look_at_source(row)
    except (MediaError, DownloadRefused) as error:
        if isinstance(error, TooSlow):
            raise
        raise DownloadRefused(f"its source {Path(row.source).name}: {error}") from error
    except OSError as error:
        why = f"its source {Path(row.source).name} cannot be read: {error.strerror or error}."
        raise DownloadRefused(why) from error
    said = {"source_sha256": kept["source_sha256"], "source_facts": kept}
    # Said by all of them at once, so that whoever cleans up knows of its files.
    alike.update(**said)
    return said


def _look_at_source(row: ImportRow) -> dict[str, Any]:
    with local_copy(row.source) as path:
        if row.clip_import.is_dry_run:
            info = inspect_media(path)
            return {"source_sha256": info.sha256, "source_kind": str(info.kind)}
        return keep_source(path, [])


def finish_import(
    *,
    import_id: int,
    now: datetime,
    then: Callable[[ImportResult], Study | None] = lambda result: None,
) -> None:
    """Register the clips of an import whose rows are all checked; a second call does nothing.

    What `then` refuses is not registered, and the import is refused.
    """
    try:
        with transaction.atomic():
            clip_import = _checked_import(import_id)
            if clip_import is None:
                return
            _mark_taken_places(clip_import)
            _mark_strangers(clip_import)
            clip_import.state = _settle(clip_import, now)
            clip_import.finished_at = now
            if clip_import.state == ImportState.DONE:
                clip_import.study = then(result_of(clip_import)) or clip_import.study
            clip_import.save()
    except JuiceError as error:
        _refuse(import_id, str(error), now)
        raise
    _clean_up(clip_import)


def _checked_import(import_id: int) -> ClipImport | None:
    """An import that is not finished, locked, if no row of it waits to be checked."""
    under_way = ClipImport.objects.select_for_update().filter(state=ImportState.CHECKING)
    clip_import = under_way.filter(pk=import_id).first()
    if clip_import is None or clip_import.rows.waiting().exists():
        return None
    return clip_import


def _refuse(import_id: int, why: str, now: datetime) -> bool:
    """End an import without writing anything of it, and say why; whether it was under way."""
    with transaction.atomic():
        clip_import = (
            ClipImport.objects.select_for_update()
            .filter(pk=import_id, state=ImportState.CHECKING)
            .first()
        )
        if clip_import is None:
            return False
        clip_import.rows.waiting().update(state=ImportRowState.BAD, problem=why)
        clip_import.state, clip_import.finished_at = ImportState.REFUSED, now
        clip_import.notes = [*clip_import.notes, why]
        clip_import.save()
    _clean_up(clip_import)
    return True


def finish_checked_imports(*, now: datetime) -> None:
    """Finish every import whose last row a worker has checked; one that is refused says why."""
    for clip_import in ClipImport.objects.checked_through().select_related("study"):
        finish = partial(_finish_or_refuse, clip_import.pk, now)
        if clip_import.study is None:
            finish()
        else:
            guard(clip_import.study, SweepWork.IMPORT, finish, now=now)


def give_up_import(*, clip_import: ClipImport, now: datetime) -> bool:
    """End an import that has not come to its end; nothing of it is written. Whether it was open."""
    Trouble.objects.filter(study=clip_import.study_id, work=SweepWork.IMPORT).delete()
    return _refuse(clip_import.pk, "It was given up.", now)


def _finish_or_refuse(import_id: int, now: datetime) -> None:
    """What the study cannot take is refused, and not tried again with every sweep."""
    with suppress(JuiceError):
        finish_import(import_id=import_id, now=now)


def problems_of(clip_import: ClipImport) -> list[str]:
    """One sentence per bad row, in the order of the rows."""
    bad = clip_import.rows.filter(state=ImportRowState.BAD)
    return [f"{where}: {why}" for where, why in bad.values_list("where", "problem")]


def result_of(clip_import: ClipImport) -> ImportResult:
    """What a finished import brought."""
    rows = list(clip_import.rows.filter(state=ImportRowState.GOOD))
    models = {model.name: model for model in _models_of(rows)}
    prompts = _prompts_of(rows)
    clips = _known_clips(rows, clip_import.study)
    return ImportResult(
        added=clip_import.added,
        already_there=clip_import.already_there,
        models=tuple(models[name] for name in _once(row.model for row in rows) if name in models),
        prompts=tuple(
            prompts[place] for place in _once(_prompt_of(row) for row in rows) if place in prompts
        ),
        kinds=frozenset(row.facts["kind"] for row in rows),
        source_kinds=frozenset(row.source_facts["source_kind"] for row in rows if row.source_facts),
        clips=tuple(clips[clip] for clip in map(_clip, rows) if clip in clips),
        model_pairs=tuple((first, second) for first, second in clip_import.model_pairs),
        problems=tuple(problems_of(clip_import)),
        notes=tuple(clip_import.notes),
    )


def _settle(clip_import: ClipImport, now: datetime) -> ImportState:
    """Write the good rows, unless bad ones or a dry run forbid it; the state that follows.

    What was there already is counted in the study, where there is one.
    """
    rows = list(clip_import.rows.filter(state=ImportRowState.GOOD))
    is_spoilt = clip_import.rows.filter(state=ImportRowState.BAD).exists()
    if not rows or (is_spoilt and not clip_import.keep_going):
        return ImportState.REFUSED
    study = clip_import.study
    there = _stored_clips(rows, study)
    clip_import.added = sum(_clip(row) not in there for row in rows)
    clip_import.already_there = len(rows) - clip_import.added
    if clip_import.is_dry_run:
        return ImportState.CHECKED
    _register(clip_import, rows)
    if study is not None:
        replacing = Replacing(clip_import.replaces_why, now) if clip_import.replaces else None
        add_to_study(study, result_of(clip_import), replacing)
    return ImportState.DONE


def _register(clip_import: ClipImport, rows: list[ImportRow]) -> None:
    models = {name: get_or_create_model(name) for name in _once(row.model for row in rows)}
    prompts = {
        place: get_or_create_prompt(
            PromptText(row.prompt_key, row.prompt_text, row.category, row.source_sha256),
            row.source_facts,
        )
        for place, row in {_prompt_of(row): row for row in rows}.items()
    }
    there = _known_clips(rows, clip_import.study)
    Stimulus.objects.bulk_create(
        (
            Stimulus(
                model=models[row.model],
                prompt=prompts[_prompt_of(row)],
                seed=row.seed,
                file=row.file,
                source=f"import: {_file_name(row)}"[:500],
                provenance={"imported_from": row.where, "import": clip_import.pk},
                **row.facts,
            )
            for row in rows
            if _clip(row) not in there
        ),
        batch_size=BATCH,
    )


def _stored_clips(rows: Iterable[ImportRow], study: Study | None = None) -> dict[Clip, int]:
    """Primary keys of the stored clips of these rows' models; those of a study only, if given."""
    models = {row.model for row in rows}
    of_prompt = ("prompt__key", "prompt__text", "prompt__source_sha256")
    found: QuerySet[Any, Any]
    if study is None:
        stored = Stimulus.objects.filter(model__name__in=models)
        found = stored.values_list("model__name", *of_prompt, "seed", "sha256", "pk")
    else:
        # By the study's prompts, which may have been corrected since the models were told them.
        entries = study.roster.order_by().filter(model__name__in=models)
        of_clip = ("stimulus__seed", "stimulus__sha256", "stimulus")
        found = entries.values_list("model__name", *of_prompt, *of_clip)
    return {(*clip,): pk for *clip, pk in found.iterator()}


def _known_clips(rows: Iterable[ImportRow], study: Study | None) -> dict[Clip, int]:
    """All that are stored, and by the study's own words for its prompts those that it has."""
    rows = list(rows)
    return _stored_clips(rows) | (_stored_clips(rows, study) if study else {})


def _clip(row: ImportRow) -> Clip:
    return (*_place(row), row.facts["sha256"])


def _place(row: ImportRow) -> tuple[str, str, str, str, int]:
    return (row.model, *_prompt_of(row), row.seed)


def _prompt_of(row: ImportRow) -> tuple[str, str, str]:
    return (row.prompt_key, row.prompt_text, row.source_sha256)


def _mark_taken_places(clip_import: ClipImport) -> None:
    """Rows whose model has other bytes for the prompt and seed in the study are bad."""
    if clip_import.study is None or clip_import.replaces:
        return
    rows = list(clip_import.rows.filter(state=ImportRowState.GOOD))
    there = {clip[:-1]: clip[-1] for clip in _stored_clips(rows, clip_import.study)}
    for row in rows:
        if there.get(_place(row), row.facts["sha256"]) != row.facts["sha256"]:
            _mark_bad(row, taken_words(row.model, row.prompt_key, row.seed))


def _mark_strangers(clip_import: ClipImport) -> None:
    """Rows that contradict the study's prompts, or that it can no longer take, are bad."""
    study = clip_import.study
    if study is None:
        return
    is_draft = study.state == StudyState.DRAFT
    models = set(study.generative_models.values_list("name", flat=True))
    prompts = prompt_texts(study)
    texts = {key: prompt.text for key, prompt in prompts.items()}
    sources = {
        key: prompt.source_sha256
        for key, prompt in prompts.items()
        if prompt.source_sha256 or not is_draft
    }
    for row in clip_import.rows.filter(state=ImportRowState.GOOD):
        if texts.get(row.prompt_key, row.prompt_text) != row.prompt_text:
            _mark_bad(row, f"prompt {row.prompt_key} has another text in this study.")
        elif sources.get(row.prompt_key, row.source_sha256) != row.source_sha256:
            _mark_bad(row, f"prompt {row.prompt_key} has another source in this study.")
        elif not is_draft and row.prompt_key not in texts:
            _mark_bad(row, f"prompt {row.prompt_key} is not in this study.")
        elif not is_draft and row.model not in models:
            _mark_bad(row, f"{row.model} is not a model of this study.")


def _mark_bad(row: ImportRow, why: str) -> None:
    ImportRow.objects.filter(pk=row.pk).update(
        state=ImportRowState.BAD, problem=why, lease_expires_at=None
    )


def _clean_up(clip_import: ClipImport) -> None:
    """Remove uploaded files, and the originals of rows that became no stimulus."""
    for field in ("location", "source"):
        uploaded = clip_import.rows.filter(**{f"{field}__startswith": STORED})
        for location in _once(uploaded.values_list(field, flat=True)):
            default_storage.delete(location.removeprefix(STORED))
    delete_unused(clip_import.rows.exclude(file="").values_list("file", flat=True))
    kept = clip_import.rows.exclude(source_facts={}).values_list("source_facts", flat=True)
    delete_unused({name for facts in kept for name in files_of(facts)})


def _models_of(rows: Iterable[ImportRow]) -> Iterable[GenerativeModel]:
    return GenerativeModel.objects.filter(name__in={row.model for row in rows})


def _prompts_of(rows: Iterable[ImportRow]) -> dict[tuple[str, str, str], Prompt]:
    found = Prompt.objects.filter(key__in={row.prompt_key for row in rows})
    return {(prompt.key, prompt.text, prompt.source_sha256): prompt for prompt in found}


def _once(values: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(values))


def _file_name(row: ImportRow) -> str:
    return Path(row.location.partition("?")[0]).name


def _digest(manifest: Manifest) -> str:
    """The same for the same rows, in the same order."""
    digest = hashlib.sha256()
    for row in manifest.rows:
        digest.update(repr(row).encode())
    for problem in manifest.problems:
        digest.update(repr(problem).encode())
    return digest.hexdigest()
