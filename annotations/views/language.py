"""Which language a rater is spoken to in.

The study says which it offers. Of those, the rater's own choice counts first (`?language=` in a
link or from the form on the page, kept in a cookie), then what the browser asks for, then the
study's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_supported_language_variant, override
from django.utils.translation.trans_real import parse_accept_lang_header

from annotations.models import Study

PARAMETER = "language"


def in_language_of_rater(
    request: HttpRequest, study: Study, answer: Callable[[], HttpResponse]
) -> HttpResponse:
    """Answer in the rater's language, and remember it if the rater has just chosen it."""
    language = language_of(request, study)
    request.offered_languages = study.offered_languages()  # type: ignore[attr-defined]
    with override(language):
        response = answer()
    response.headers["Content-Language"] = language
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    if request.GET.get(PARAMETER) == language:
        remember_language(response, language)
    return response


def language_of(request: HttpRequest, study: Study) -> str:
    offered = study.offered_languages()
    chosen = (request.GET.get(PARAMETER), request.COOKIES.get(settings.RATER_LANGUAGE_COOKIE))
    for language in (*chosen, *_asked_by_browser(request.headers)):
        if language in offered:
            return str(language)
    return study.language if study.language in offered else offered[0]


def language_of_browser(request: HttpRequest) -> str:
    """The same where no study is known, as on pages that say what is wrong."""
    spoken = [code for code, _ in settings.LANGUAGES]
    chosen = request.COOKIES.get(settings.RATER_LANGUAGE_COOKIE)
    for language in (chosen, *_asked_by_browser(request.headers)):
        if language in spoken:
            return str(language)
    return settings.LANGUAGE_CODE


def remember_language(response: HttpResponse, language: str) -> None:
    response.set_cookie(
        settings.RATER_LANGUAGE_COOKIE,
        language,
        max_age=settings.RATER_COOKIE_AGE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.HTTPS,
    )


def _asked_by_browser(headers: Mapping[str, str]) -> list[str]:
    """The languages of the header that are spoken here: es for es-MX, zh-hans for zh-CN."""
    spoken = []
    for code, _ in parse_accept_lang_header(headers.get("Accept-Language", "")):
        try:
            spoken.append(get_supported_language_variant(code))
        except LookupError:
            continue
    return spoken
