"""Raters are spoken to in their language, and everybody else in English."""

import json
import re
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.utils.translation import ngettext, override

from analysis.services.making import compute_report_now
from annotations.errors import ProtocolFrozen, TranslationRefused
from annotations.models import Assignment, StudyText
from annotations.services.studies.protocol import describe_protocol, hash_protocol
from annotations.services.studies.texts import own_text, translate_study, untranslated
from scripts.catalogues import find_texts
from tests.annotations.factories import judge, make_rater, make_study
from tests.annotations.visitors import Visitor

pytestmark = pytest.mark.django_db

DIRECTIONS = {"en": "ltr", "es": "ltr", "zh-hans": "ltr", "ar": "rtl"}
OTHERS = [code for code in DIRECTIONS if code != "en"]
OWN_TITLE = {"es": "¿Qué clip es mejor?", "zh-hans": "哪个片段更好？", "ar": "أي مقطع أفضل؟"}
# The name, a keycap, and the languages by their own names.
SAME_EVERYWHERE = {"Juice", "Enter", "English", "Español"}


class _Shown(HTMLParser):
    """What a page shows or reads out, without what is marked as being in a language of its own."""

    SILENT = {"script", "style", "template"}
    EMPTY = {"meta", "link", "input", "img", "br", "use"}

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        own = tag in self.SILENT or (tag != "html" and "lang" in values) or tag == "blockquote"
        hidden = own or any(hidden for _, hidden in self.open)
        if not hidden:
            self.parts += [values[name] for name in ("aria-label", "alt") if values.get(name)]
        if tag not in self.EMPTY:
            self.open.append((tag, hidden))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if data.strip() and not any(hidden for _, hidden in self.open):
            self.parts.append(data.strip())


def shown_on(page) -> str:
    reader = _Shown()
    reader.feed(page.content.decode())
    return "\n".join(reader.parts)


def html_of(page) -> tuple[str, str]:
    found = re.search(r'<html lang="([^"]*)" dir="([^"]*)">', page.content.decode())
    assert found is not None
    return found.group(1), found.group(2)


class Speaker(Visitor):
    """A visitor whose browser asks for a language."""

    def __init__(self, client, study, language):
        super().__init__(client, study)
        client.defaults["HTTP_ACCEPT_LANGUAGE"] = language


@pytest.fixture
def translated_study():
    study = make_study(comparisons=1, tie_policy="allowed")
    for language, text in OWN_TITLE.items():
        StudyText.objects.create(study=study, language=language, key="title", text=text)
    return study


def pages_of(visitor):
    """Every page that a rater can meet, by name."""
    study = type(visitor.study).objects.filter(pk=visitor.study.pk)
    yield "welcome", visitor.open()
    yield "first question", visitor.send()
    yield "refusal", visitor.answer_quality(reasons=())
    yield "second question", visitor.answer_quality()
    yield "not skipped", visitor.client.post(f"/s/{visitor.study.slug}/skip/")
    study.update(state="paused")
    yield "paused", visitor.open("rate/")
    study.update(state="open")
    visitor.open("rate/")
    yield "done", visitor.answer_faithfulness()


@pytest.mark.parametrize(("language", "direction"), DIRECTIONS.items())
def test_every_page_says_its_language_and_direction(client, translated_study, language, direction):
    visitor = Speaker(client, translated_study, language)
    for name, page in pages_of(visitor):
        assert (name, *html_of(page)) == (name, language, direction)


@pytest.mark.parametrize("language", ["zh-hans", "ar"])
def test_no_english_word_is_left_on_a_page_of_another_script(client, translated_study, language):
    for name, page in pages_of(Speaker(client, translated_study, language)):
        shown = shown_on(page).replace(translated_study.completion_code, "")
        left = set(re.findall(r"[A-Za-z]{2,}", shown)) - SAME_EVERYWHERE
        assert (name, left) == (name, set())


def text_of(message) -> str:
    """As it stands in the source; the one of a plural."""
    return message.id if isinstance(message.id, str) else message.id[0]


def test_no_english_text_is_left_on_a_spanish_page(client, translated_study):
    english = {text_of(message) for message in find_texts()} - SAME_EVERYWHERE
    for name, page in pages_of(Speaker(client, translated_study, "es")):
        lines = set(shown_on(page).splitlines())
        assert (name, lines & english) == (name, set())


def test_the_scripts_words_come_with_the_page_in_its_language(client):
    visitor = Speaker(client, make_study(), "es")
    visitor.open()
    body = visitor.send().content.decode()
    [given] = re.findall(r'<script id="words" type="application/json">(.*?)</script>', body)
    assert json.loads(given)["saved"] == "Guardado"


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("es-MX,es;q=0.9,en;q=0.5", "es"),
        ("zh-CN", "zh-hans"),
        ("ar-EG,en;q=0.8", "ar"),
        ("fr,de;q=0.8", "en"),
        ("", "en"),
    ],
)
def test_the_browsers_language_is_spoken_where_it_can_be(client, asked, spoken):
    assert html_of(Speaker(client, make_study(), asked).open())[0] == spoken


def test_a_choice_counts_before_the_browser_and_is_kept(client):
    visitor = Speaker(client, make_study(), "es")
    visitor.open(language="ar")
    assert html_of(visitor.open())[0] == "ar"
    assert html_of(visitor.send())[0] == "ar"


def test_the_form_for_the_language_keeps_the_ids_of_the_panel(client):
    page = Visitor(client, make_study()).open(PROLIFIC_PID="5f00", language="es")
    form = page.content.decode().partition('class="languages"')[2].partition("</form>")[0]
    assert '<input type="hidden" name="PROLIFIC_PID" value="5f00">' in form
    assert re.findall(r'value="([\w-]+)" lang=', form) == list(DIRECTIONS)
    assert re.findall(r'lang="([\w-]+)" dir="auto" aria-current="true"', form) == ["es"]


def test_a_study_speaks_no_language_that_it_does_not_offer(client):
    study = make_study(languages=["es", "ar"], language="es")
    assert html_of(Speaker(client, study, "zh-CN").open(language="en"))[0] == "es"
    assert html_of(Speaker(client, study, "ar").open())[0] == "ar"


def test_a_study_in_one_language_shows_no_choice_of_languages(client):
    page = Visitor(client, make_study(languages=["ar"], language="ar")).open()
    assert html_of(page) == ("ar", "rtl")
    assert 'class="languages"' not in page.content.decode()


def test_an_answer_says_that_it_depends_on_the_language(client):
    page = Speaker(client, make_study(), "es").open()
    assert page.headers["Content-Language"] == "es"
    assert "Accept-Language" in page.headers["Vary"]


@pytest.mark.parametrize(
    ("address", "status"),
    [("/studies/", 200), ("/admin/", 200), ("/r/{token}/", 202), ("/r/{token}/", 200)],
)
def test_pages_for_owners_stay_english_whatever_the_browser_asks(admin_client, address, status):
    study = make_study()
    judge(make_rater(study))
    if status == 200:
        compute_report_now(study=study)
    page = admin_client.get(
        address.format(token=study.report_token), headers={"Accept-Language": "ar"}
    )
    body = page.getvalue().decode()
    assert page.status_code == status
    assert re.search(r'<html[^>]*lang="en', body)
    assert not re.search(r"[\u0600-\u06ff]", body)


def test_a_rater_in_another_language_leaves_the_server_speaking_english(client, admin_client):
    Speaker(client, make_study(), "ar").open()
    assert "Which clip is better?" in admin_client.get("/studies/").content.decode()


def test_juices_questions_are_translated_and_a_studys_own_are_marked(client):
    study = make_study()
    study.axes.filter(key="faithfulness").update(question="Which one is funnier?")
    body = Speaker(client, study, "es").open().content.decode()
    assert "<h3>¿Qué video prefieres?</h3>" in body
    assert '<h3 lang="en" dir="auto">Which one is funnier?</h3>' in body


def test_a_studys_own_texts_are_shown_in_their_translation(client):
    study = make_study(instructions="Look well.", consent="I agree.", content_warning="Blood.")
    axis = study.axes.get(key="quality")
    given = {
        "title": "Título",
        "instructions": "Mira bien.",
        "consent": "Acepto.",
        "content_warning": "Sangre.",
        "axis.quality": "¿Cuál es mejor?",
        f"reason.quality.{axis.reasons.all()[0].key}": "Se mueve bien",
    }
    for key, text in given.items():
        StudyText.objects.create(study=study, language="es", key=key, text=text)
    shown = shown_on(Speaker(client, study, "es").open())
    assert [text for text in given.values() if text not in shown] == []
    assert "Look well." in shown_on(Speaker(client, study, "en").open())


def test_a_study_may_be_written_in_another_language_than_english(client):
    study = make_study(language="es", instructions="Mira bien.")
    assert "Mira bien." in shown_on(Speaker(client, study, "es").open())
    marked = '<div class="stack" lang="es" dir="auto"><p>Mira bien.</p></div>'
    assert marked in Speaker(client, study, "en").open().content.decode()


def test_a_draft_is_translated_and_a_second_translation_replaces_the_first():
    study = make_study(state="draft")
    for text in ("Titulo", "Título"):
        translate_study(study=study, language="es", texts={"title": text})
    assert study.texts.get().text == "Título"


@pytest.mark.parametrize(
    ("language", "key", "words"),
    [
        ("en", "title", "in this language"),
        ("fr", "title", "no language fr"),
        ("es", "axis.beauty", "no text axis.beauty"),
    ],
)
def test_what_cannot_be_translated_is_refused(language, key, words):
    with pytest.raises(TranslationRefused, match=words):
        translate_study(study=make_study(state="draft"), language=language, texts={key: "x"})


def test_a_study_with_judgments_takes_no_translation():
    study = make_study()
    judge(make_rater(study))
    with pytest.raises(ProtocolFrozen):
        translate_study(study=study, language="es", texts={"title": "Título"})


def test_what_is_still_untranslated_is_counted_without_juices_own_texts():
    study = make_study(languages=["en", "es"], consent="I agree.")
    StudyText.objects.create(study=study, language="es", key="title", text="Título")
    assert untranslated(study) == {"es": ["consent"]}


def test_translations_are_part_of_the_protocol():
    study = make_study()
    before = hash_protocol(study)
    StudyText.objects.create(study=study, language="es", key="title", text="Título")
    study.refresh_from_db()
    assert hash_protocol(study) != before


def test_a_study_that_leaves_languages_alone_keeps_the_hash_it_had():
    assert {"language", "languages", "texts"}.isdisjoint(describe_protocol(make_study()))


def test_a_refusal_is_said_in_the_raters_language(client):
    visitor = Speaker(client, make_study(), "ar")
    visitor.open()
    visitor.send()
    page = visitor.answer_quality(reasons=())
    assert "يُرجى تحديد سبب واحد على الأقل." in page.content.decode()


def test_a_script_is_refused_in_the_raters_language(client):
    visitor = Speaker(client, make_study(), "es")
    visitor.open()
    visitor.send()
    form = visitor.form()
    Assignment.objects.update(state="skipped", skip_reason="unsure")
    sent = {**form.fields, "choice-quality": "left", "reason-quality": "pixel-sharpness"}
    answer = client.post(form.action, sent, headers={"X-Requested-With": "fetch"})
    assert answer.json()["error"] == "Omitiste esta comparación; se dio a otra persona."


def test_sides_keep_their_places_on_a_page_that_runs_from_the_right(client):
    visitor = Speaker(client, make_study(tie_policy="allowed"), "ar")
    visitor.open()
    body = visitor.send().content.decode()
    assert re.search(r'<section class="stage" dir="ltr"', body)
    assert re.search(r'<div class="choices" role="radiogroup" dir="ltr"', body)
    assert body.index('data-side="left"') < body.index('data-side="right"')
    assert re.findall(r'value="(left|right|tie)"', body) == ["left", "right", "tie"]


# Arabic by the CLDR, zero to other:
# https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html#ar
@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "لم تحكم على أي زوج"),
        (1, "زوج واحد"),
        (2, "زوجين"),
        (3, "3 أزواج"),
        (11, "11 زوجًا"),
        (100, "100 زوج،"),
    ],
)
def test_arabic_counts_pairs_in_its_six_ways(count, words):
    [pairs] = [one.id for one in find_texts() if "You judged %(count)s" in text_of(one)]
    with override("ar"):
        assert words in ngettext(*pairs, count) % {"count": count}


def test_the_api_speaks_the_language_that_is_asked_for(client):
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "es"
    study = make_study()
    join = f"/api/v1/studies/{study.slug}/join/"
    credential = client.post(join, {}, content_type="application/json").json()["credential"]
    headers = {"Authorization": f"Rater {credential}"}
    turn = client.post(f"/api/v1/studies/{study.slug}/claim/", headers=headers).json()
    claimed = turn["assignment"]
    assert claimed["questions"][0]["question"] == "¿Qué video prefieres?"
    refused = client.post(
        f"/api/v1/assignments/{claimed['id']}/draft/",
        {"answers": []},
        content_type="application/json",
        headers=headers,
    )
    assert refused.json()["fields"]["quality"][0] == "Elige uno de los dos."


def test_outside_of_a_raters_page_texts_are_english():
    study = make_study()
    assert settings.LANGUAGE_CODE == "en"
    assert own_text(study.axes.all()[0]) == "Which video do you prefer?"
