"""The study's own texts in templates, the scripts' words, and the choice of language."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from annotations.services.studies.texts import OwnText, Wording, own_text
from annotations.views.language import PARAMETER
from annotations.views.words import SCRIPT_WORDS

register = template.Library()


@register.filter
def own(row: Wording, field: str = "") -> OwnText:
    """`{{ study|own:"title" }}`, `{{ axis|own }}`, `{{ reason|own }}`."""
    return own_text(row, field)


@register.filter
def marks(text: OwnText) -> SafeString | str:
    """Attributes for the element around a text that is in another language than the page."""
    if text.language == get_language():
        return ""
    return format_html(' lang="{}" dir="auto"', text.language)


@register.simple_tag
def script_words() -> SafeString:
    """What the scripts of the page say, for `static/rater/words.js`."""
    return json_script({name: str(text) for name, text in SCRIPT_WORDS.items()}, "words")


@register.inclusion_tag("rater/_languages.html", takes_context=True)
def language_form(context: template.Context) -> dict[str, Any]:
    """The languages that the study offers; nothing where there is no choice."""
    request: HttpRequest = context["request"]
    names = dict(settings.LANGUAGES)
    offered = getattr(request, "offered_languages", [])
    return {
        "languages": [(code, names[code]) for code in offered] if len(offered) > 1 else [],
        "current": get_language(),
        "parameter": PARAMETER,
        "kept": [(name, value) for name, value in request.GET.items() if name != PARAMETER],
    }
