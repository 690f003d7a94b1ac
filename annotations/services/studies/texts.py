"""The study's own texts in the language of the moment.

A translation that the owner gave comes first; a text of the JUICE protocol that the study did not
change has one in the catalogues; all else stays in the study's own language, and is marked so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language, gettext

from annotations.errors import TranslationRefused
from annotations.models import Axis, Reason, Study, StudyText
from annotations.services.studies.frozen import wording_of
from annotations.services.studies.protocol import DEFAULT_TEXTS
from annotations.services.studies.states import ensure_draft

STUDY_FIELDS = ("title", "instructions", "content_warning", "consent")
Wording = Study | Axis | Reason


class OwnText(str):
    """A text, and the language that it is in."""

    language: str

    def __new__(cls, text: str, language: str) -> OwnText:
        made = super().__new__(cls, text)
        made.language = language
        return made


def own_text(row: Wording, field: str = "") -> OwnText:
    """A study's text, an axis's question or a reason's label, in the language of the moment."""
    language = get_language() or ""
    study, key, text = _study_of(row), key_of(row, field), _original(row, field)
    if not text:
        return OwnText("", language)
    translated = wording_of(study).translations.get((language, key))
    if translated:
        return OwnText(translated, language)
    if text in DEFAULT_TEXTS:
        return OwnText(gettext(text), language)
    return OwnText(text, study.language)


def key_of(row: Wording, field: str = "") -> str:
    """The name of a text within its study."""
    if isinstance(row, Study):
        return field
    if isinstance(row, Axis):
        return f"axis.{row.key}"
    return f"reason.{row.axis.key}.{row.key}"


def texts_of(study: Study) -> dict[str, str]:
    """Every text of the study that can be translated, by key; empty ones are left out."""
    return {key: text for key, text in _texts(study) if text}


def translate_study(*, study: Study, language: str, texts: Mapping[str, str]) -> None:
    """Give texts of the study, by their keys, in another language.

    Raises
    ------
    TranslationRefused
        The study is written in this language, or has no such text.
    TransitionRefused, ProtocolFrozen
        The study is no draft any more.
    """
    ensure_draft(study)
    ensure_translatable(study, language)
    unknown = sorted(texts.keys() - texts_of(study).keys())
    if unknown:
        raise TranslationRefused(f"The study has no text {', '.join(unknown)}.")
    with transaction.atomic():
        for key, text in texts.items():
            StudyText.objects.update_or_create(
                study=study, language=language, key=key, defaults={"text": text}
            )


def ensure_translatable(study: Study, language: str) -> None:
    """Raise TranslationRefused for an unknown language, and for the study's own."""
    if language not in dict(settings.LANGUAGES):
        raise TranslationRefused(f"There is no language {language} here.")
    if language == study.language:
        raise TranslationRefused("The study's own texts are in this language.")


def untranslated(study: Study) -> dict[str, list[str]]:
    """The keys that raters of each offered language will read in the study's own."""
    given = {(row.language, row.key) for row in study.texts.all() if row.text}
    own = [key for key, text in texts_of(study).items() if text not in DEFAULT_TEXTS]
    others = [language for language in study.offered_languages() if language != study.language]
    gaps = {language: [key for key in own if (language, key) not in given] for language in others}
    return {language: keys for language, keys in gaps.items() if keys}


def _texts(study: Study) -> Iterator[tuple[str, str]]:
    for field in STUDY_FIELDS:
        yield field, getattr(study, field)
    for axis in study.axes.prefetch_related("reasons"):
        yield key_of(axis), axis.question
        for reason in axis.reasons.all():
            yield key_of(reason), reason.label


def _original(row: Wording, field: str) -> str:
    if isinstance(row, Study):
        return str(getattr(row, field))
    return row.question if isinstance(row, Axis) else row.label


def _study_of(row: Wording) -> Study:
    if isinstance(row, Study):
        return row
    return row.study if isinstance(row, Axis) else row.axis.study
