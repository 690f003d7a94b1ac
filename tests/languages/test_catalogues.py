"""The catalogues hold every text that raters may read, and the compiled files are theirs."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog
from django.conf import settings
from django.utils.translation import to_locale

from annotations.services.studies.protocol import DEFAULT_TEXTS
from annotations.views.words import SCRIPT_WORDS
from scripts.catalogues import (
    LANGUAGES,
    ROOT,
    find_texts,
    folder_of,
    forms_of,
    missing_in,
    mo_bytes,
    placeholders,
    po_bytes,
    read_catalogue,
    texts_in_module,
    texts_in_template,
    update,
)

every_language = pytest.mark.parametrize("locale", LANGUAGES)
WORD = re.compile(r"[A-Za-z]{2,}")
TAGS = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
NOT_SAID = re.compile(
    r"{% *blocktranslate.*?endblocktranslate *%}|{% block \w+_class %}.*?{% endblock %}", re.DOTALL
)
# Keycaps and units that are the same there.
SAME_IN_BOTH = {("zh_Hans", "Enter"), ("ar", "Enter"), ("es", "{now} / {total} s")}


@pytest.fixture(scope="module")
def found() -> Catalog:
    return find_texts()


def texts_of(catalogue: Catalog) -> dict[str | tuple[str, str], list[str]]:
    return {message.id: forms_of(message) for message in catalogue if message.id}


def test_every_language_of_the_settings_but_english_has_a_catalogue():
    codes = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
    assert sorted(to_locale(code) for code in codes) == sorted(LANGUAGES)


@every_language
def test_every_text_of_the_source_is_in_the_catalogue_and_no_other(locale, found):
    wanted, given = (
        {(message.id, message.context) for message in catalogue}
        for catalogue in (found, read_catalogue(locale))
    )
    assert given == wanted


@every_language
def test_every_text_is_translated(locale):
    assert missing_in(read_catalogue(locale)) == []


@every_language
def test_no_translation_is_the_english_text(locale):
    same = {
        (locale, text)
        for text, forms in texts_of(read_catalogue(locale)).items()
        if isinstance(text, str) and text in forms and WORD.search(text)
    }
    assert same - SAME_IN_BOTH == set()


@every_language
def test_translations_fill_in_what_the_source_fills_in(locale):
    wrong = []
    for text, forms in texts_of(read_catalogue(locale)).items():
        wanted = placeholders(text if isinstance(text, str) else text[0])
        # One, two and none may be said in words; the form for all other numbers gives the number.
        given = [placeholders(form) for form in forms]
        if given[-1] != wanted or any(one not in ([], wanted) for one in given):
            wrong.append((text, forms))
    assert wrong == []


@every_language
def test_the_compiled_file_is_made_from_the_catalogue_as_it_is(locale):
    catalogue = read_catalogue(locale)
    assert (folder_of(locale) / "django.mo").read_bytes() == mo_bytes(catalogue)


@every_language
def test_an_update_of_what_is_up_to_date_changes_nothing(locale, found):
    catalogue = read_catalogue(locale)
    update(catalogue, found)
    assert po_bytes(catalogue) == (folder_of(locale) / "django.po").read_bytes()


def test_texts_are_found_in_tags_filters_and_blocks_of_templates():
    source = (
        "{% load i18n %}{% translate 'Left' %}{% translate 'off' context 'sound' %}"
        '{{ label|default:_("Go on") }}{% blocktranslate count n=n %}{{ n }} pair'
        "{% plural %}{{ n }} pairs{% endblocktranslate %}"
    )
    assert list(texts_in_template(source)) == [
        ("Left", None),
        ("off", "sound"),
        ("Go on", None),
        (("%(n)s pair", "%(n)s pairs"), None),
    ]


def test_texts_are_found_in_calls_of_modules():
    source = 'x = _("Left" " side")\ny = ngettext("a pair", "pairs", n)\nz = gettext(text)\n'
    assert list(texts_in_module(source)) == [
        ("Left side", None),
        (("a pair", "pairs"), None),
    ]


def test_the_protocols_own_texts_and_the_scripts_words_are_among_those_found(found):
    texts = {*texts_of(found)}
    assert texts >= DEFAULT_TEXTS
    assert texts >= {str(word) for word in SCRIPT_WORDS.values()}


def test_templates_of_raters_say_nothing_outside_of_their_tags():
    said = []
    for path in [ROOT / "templates/base.html", *sorted((ROOT / "templates/rater").glob("*.html"))]:
        source = path.read_text(encoding="utf-8")
        text = TAGS.sub("", NOT_SAID.sub("", source))
        named = re.findall(r'(?:aria-label|alt|title|placeholder)="([^"]*)"', text)
        shown = re.sub(r"<[^>]*>", "\n", text)
        said += [(path.name, word) for word in WORD.findall("\n".join([shown, *named]))]
    assert set(said) == {("base.html", "Juice")}, "the name alone is the same everywhere"


def test_scripts_of_raters_say_nothing_of_their_own():
    """A sentence in a script would stay English: letters, a space, letters, in quotes."""
    sentence = re.compile(r"""(?<!import )["'`][A-Z][a-z]+ [a-z]+[^"'`]*["'`]""")
    said = [
        (path.name, match)
        for path in sorted((ROOT / "static/rater").glob("*.js"))
        for match in sentence.findall(path.read_text(encoding="utf-8"))
    ]
    assert said == []


def test_every_word_that_a_script_says_is_given_to_it():
    used = set()
    for path in (ROOT / "static/rater").glob("*.js"):
        used |= set(re.findall(r"\bwords\.([a-zA-Z]+)", path.read_text(encoding="utf-8")))
    used -= {"js", "py"}
    assert used <= set(SCRIPT_WORDS)
    assert used | {"unticked"} == set(SCRIPT_WORDS)
