"""Files in the store that a refused import would leave behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.core.files.storage import default_storage
from django.db.models import QuerySet

from annotations.enums import ImportState
from annotations.models import ImportRow, Prompt, Stimulus
from annotations.services.clips.sources import files_of


@contextmanager
def taken_back_on_failure() -> Iterator[list[str]]:
    """Names of files that were stored for something; when it fails, those nobody uses go again."""
    names: list[str] = []
    try:
        yield names
    except BaseException:
        delete_unused(names)
        raise


def delete_unused(names: Iterable[str]) -> None:
    """Remove files that no clip, no prompt and no import under way uses."""
    stored = set(names) - {""}
    under_way = ImportRow.objects.filter(clip_import__state=ImportState.CHECKING)
    used = {
        *Stimulus.objects.filter(file__in=stored).values_list("file", flat=True),
        *Prompt.objects.filter(source__in=stored).values_list("source", flat=True),
        *Prompt.objects.filter(shown_source__in=stored).values_list("shown_source", flat=True),
        *under_way.filter(file__in=stored).values_list("file", flat=True),
        *_files_of_sources(under_way),
    }
    for name in stored - used:
        default_storage.delete(name)


def _files_of_sources(rows: QuerySet[ImportRow]) -> set[str]:
    kept = rows.exclude(source_facts={}).values_list("source_facts", flat=True)
    return set().union(*map(files_of, kept.iterator()))
