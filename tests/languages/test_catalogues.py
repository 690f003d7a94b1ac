"""The catalogues hold every text that raters may read, and the compiled files are theirs."""

from __future__ import annotations

import gettext
import re

import pytest
from django.conf import settings
from django.utils.translation import to_locale

from annotations.services.studies.protocol import DEFAULT_TEXTS
from annotations.views.words import SCRIPT_WORDS
from scripts.catalogues import (
    LOCALE,
    PLURAL_FORMS,
    ROOT,
    Catalogue,
    Message,
    find_messages,
    messages_in_module,
    messages_in_template,
    mo_bytes,
    placeholders,
    po_text,
    read_catalogue,
    update,
)

every_language = pytest.mark.parametrize("locale", PLURAL_FORMS)
WORD = re.compile(r"[A-Za-z]{2,}")
TAGS = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
NOT_SAID = re.compile(
    r"{% *blocktranslate.*?endblocktranslate *%}|{% block \w+_class %}.*?{% endblock %}", re.DOTALL
)
# Keycaps and units that are the same there.
SAME_IN_BOTH = {("zh_Hans", "Enter"), ("ar", "Enter"), ("es", "{now} / {total} s")}


@pytest.fixture(scope="module")
def found() -> dict[Message, list[str]]:
    return find_messages()


def test_every_language_of_the_settings_but_english_has_a_catalogue():
    codes = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
    assert sorted(to_locale(code) for code in codes) == sorted(PLURAL_FORMS)


@every_language
def test_every_text_of_the_source_is_in_the_catalogue_and_no_other(locale, found):
    assert set(read_catalogue(locale).forms) == set(found)


@every_language
def test_every_text_is_translated(locale):
    assert read_catalogue(locale).missing() == []


@every_language
def test_no_translation_is_the_english_text(locale):
    same = {
        (locale, message.text)
        for message, forms in read_catalogue(locale).forms.items()
        if message.text in forms and WORD.search(message.text)
    }
    assert same - SAME_IN_BOTH == set()


@every_language
def test_translations_fill_in_what_the_source_fills_in(locale):
    wrong = []
    for message, forms in read_catalogue(locale).forms.items():
        wanted = placeholders(message.text)
        # One, two and none may be said in words; the form for all other numbers gives the number.
        given = [placeholders(form) for form in forms]
        if given[-1] != wanted or any(one not in ([], wanted) for one in given):
            wrong.append((message.text, forms))
    assert wrong == []


@every_language
def test_the_compiled_file_is_made_from_the_catalogue_as_it_is(locale):
    catalogue = read_catalogue(locale)
    assert (LOCALE / locale / "LC_MESSAGES" / "django.mo").read_bytes() == mo_bytes(catalogue)


@every_language
def test_an_update_of_what_is_up_to_date_changes_nothing(locale, found):
    text = (LOCALE / locale / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8")
    assert po_text(update(read_catalogue(locale), found)) == text


def test_python_reads_what_is_compiled_with_its_plurals_and_contexts(tmp_path):
    path = tmp_path / "django.mo"
    forms = {
        Message("Left"): ["اليسار"],
        Message("off", context="sound"): ["مغلق"],
        Message("%(n)s pair", "%(n)s pairs"): [f"form {number}" for number in range(6)],
        Message("Not yet"): [""],
    }
    path.write_bytes(mo_bytes(Catalogue("ar", forms)))
    with path.open("rb") as file:
        read = gettext.GNUTranslations(file)
    assert read.gettext("Left") == "اليسار"
    assert read.pgettext("sound", "off") == "مغلق"
    assert read.gettext("Not yet") == "Not yet"
    # Arabic by the CLDR: zero, one, two, few (3-10), many (11-99), other (100-102).
    # https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html#ar
    said = [read.ngettext("%(n)s pair", "%(n)s pairs", n) for n in (0, 1, 2, 3, 11, 100)]
    assert said == [f"form {number}" for number in range(6)]


def test_texts_are_found_in_tags_filters_and_blocks_of_templates():
    source = (
        "{% load i18n %}{% translate 'Left' %}{% translate 'off' context 'sound' %}"
        '{{ label|default:_("Go on") }}{% blocktranslate count n=n %}{{ n }} pair'
        "{% plural %}{{ n }} pairs{% endblocktranslate %}"
    )
    assert list(messages_in_template(source)) == [
        Message("Left"),
        Message("off", context="sound"),
        Message("Go on"),
        Message("%(n)s pair", "%(n)s pairs"),
    ]


def test_texts_are_found_in_calls_of_modules():
    source = 'x = _("Left" " side")\ny = ngettext("a pair", "pairs", n)\nz = gettext(text)\n'
    assert list(messages_in_module(source)) == [
        Message("Left side"),
        Message("a pair", "pairs"),
    ]


def test_the_protocols_own_texts_and_the_scripts_words_are_among_those_found(found):
    texts = {message.text for message in found}
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
