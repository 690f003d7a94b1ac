"""What is answered when something is wrong: problem details to programs, pages to people.

Raters get a page in their language and look, everybody else an owner's page. Nothing here may fail
for the reason that it reports: `server_error` touches neither database nor session.
"""

from __future__ import annotations

import sys

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.translation import override

from annotations.api.problems import problem_answer
from annotations.errors import BadInput
from annotations.views.common import is_fetch
from annotations.views.error_pages import ERROR_TEXTS, ERROR_TITLES, is_for_raters
from annotations.views.language import language_of_browser

PROGRAM_PATHS = ("/api/", "/hooks/")
OWNER_TITLES = {
    400: "This cannot be read",
    403: "Not allowed",
    404: "There is no such page",
    500: "Something went wrong on the server",
    503: "The database does not answer",
}
OWNER_TEXTS = {
    400: "Something in what was sent cannot be read. Go back, mend it, and send it again.",
    403: "This account may not see this page, or do this. Log in as somebody who may.",
    404: "The address is not complete, or what was here is gone. Look for it from the list of "
    "studies.",
    500: "The server could not do this because of a fault in it. What happened stands in its log. "
    "Try again in a minute; if it happens again, report it with the log.",
    503: "It is starting again, or is out of room or connections. Nothing was saved of what was "
    "sent just now. Load the page again in a few seconds; if that does not help, look at the "
    "database.",
}
AWAY_SECONDS = 2
"""After which programs may ask again."""
AWAY_STATES = ("08", "53", "57P")
"""No connection, no room for what is asked, and shut down by an operator."""
AWAY_ON_SQLITE = ("locked", "unable to open", "disk")
OUT_OF_DATE = (
    "The page was open for too long, or somebody logged in or out meanwhile, so nothing was saved. "
    "Load the page again, and send it once more."
)
BARE_PAGE = (
    '<!doctype html><html lang="{language}" dir="{direction}"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>{title}</title>'
    "<main><h1>{title}</h1><p>{text}</p></main></html>"
)
RIGHT_TO_LEFT = frozenset({"ar"})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    words = str(exception) if isinstance(exception, BadInput) else ""
    return _answer(request, 400, words)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(request, 403, "" if is_for_raters(request) else OUT_OF_DATE)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """503 where the database is away or full, which passes by itself: programs, and the rating
    page, send again what they sent. Any other error is a fault, and the same the next time.
    """
    if not is_database_away(sys.exception()):
        return _answer(request, 500)
    response = _answer(request, 503)
    response.headers["Retry-After"] = str(AWAY_SECONDS)
    return response


def is_database_away(error: BaseException | None) -> bool:
    """Whether it does not answer, or cannot take anything now."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    if connection.vendor == "sqlite":
        return any(words in str(error) for words in AWAY_ON_SQLITE)
    # None of a line that was cut; else as in PostgreSQL's appendix of error codes.
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state.startswith(AWAY_STATES)


def language_of_errors(request: HttpRequest) -> str:
    """The rater's, as far as it can be told without a study; owners' pages are in English."""
    return language_of_browser(request) if is_for_raters(request) else settings.LANGUAGE_CODE


def _answer(request: HttpRequest, status: int, words: str = "") -> HttpResponse:
    language = language_of_errors(request)
    with override(language):
        titles, texts = (ERROR_TITLES, ERROR_TEXTS) if is_for_raters(request) else _OWNERS
        title, text = str(titles[status]), words or str(texts[status])
        if request.path_info.startswith(PROGRAM_PATHS) or is_fetch(request):
            return problem_answer(status, text)
        context = {"title": title, "text": text}
        response = _failed_page(context, language) if status >= 500 else _page(request, context)
    response.status_code = status
    response.headers["Content-Language"] = language
    return response


_OWNERS = (OWNER_TITLES, OWNER_TEXTS)


def _page(request: HttpRequest, context: dict[str, str]) -> HttpResponse:
    look = "rater/message.html" if is_for_raters(request) else "owner/problem.html"
    return render(request, look, context)


def _failed_page(context: dict[str, str], language: str) -> HttpResponse:
    """Without context processors; without a template, too, if even that fails."""
    try:
        # Of a copy: what the template sets on its way is none of the words.
        return HttpResponse(render_to_string("failed.html", {**context}))
    except Exception:
        direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
        escaped = {name: escape(words) for name, words in context.items()}
        return HttpResponse(BARE_PAGE.format(language=language, direction=direction, **escaped))
