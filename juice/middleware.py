from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import TO_FIELD_VAR
from django.http import HttpRequest, HttpResponse
from django.utils.translation import override

from annotations.errors import BadInput
from annotations.framing import is_framed_by_panel, send_from_frames
from annotations.inputs import (
    ensure_numbers_fit,
    ensure_readable_address,
    ensure_readable_form,
    read_whole_number,
)
from annotations.panels import FRAME_HOSTS, SUBMIT_HOSTS
from juice.error_pages import language_of_errors

ADMIN = "/admin/"
_clips = f"'self' blob: {settings.MEDIA_S3_ORIGIN}".strip()
STRICT_POLICY = (
    f"default-src 'self'; script-src 'self'; style-src 'self'; img-src {_clips} data:; "
    f"media-src {_clips}; connect-src {_clips}; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
# For the pages of a study that MTurk shows in a frame and takes back by a form; no other page.
FRAMED_POLICY = STRICT_POLICY.replace(
    "form-action 'self'", f"form-action 'self' {' '.join(SUBMIT_HOSTS)}"
).replace("frame-ancestors 'none'", f"frame-ancestors {' '.join(FRAME_HOSTS)}")
# django-unfold runs Alpine, which evaluates the expressions in its attributes.
ADMIN_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Send a strict policy with every page; a view may set its own header first."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        policy = FRAMED_POLICY if is_framed_by_panel(response) else STRICT_POLICY
        if request.path.startswith(ADMIN):
            policy = ADMIN_POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return middleware


def cookies_in_frames(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Let the pages in a panel's frame have the rater's cookies, and no owner's.

    It stands before Django's CSRF middleware, which sets its cookie on the way out.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if is_framed_by_panel(response):
            for name, cookie in response.cookies.items():
                if name != settings.SESSION_COOKIE_NAME:
                    send_from_frames(cookie)
        return response

    return middleware


def ensure_admin_can_read(request: HttpRequest) -> None:
    """Raise BadInput for what Django's admin takes from a request without looking at it."""
    for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
        read_whole_number(chosen, what=ACTION_CHECKBOX_NAME)
    for sent in (request.GET, request.POST):
        if sent.get(TO_FIELD_VAR, "-") == "":
            raise BadInput(f"{TO_FIELD_VAR} is empty. Leave it out, or name a field.")


class ReadableRequests:
    """Refuse, with words and 400, what no page could store or look up; before any page sees it.

    Bodies that are no forms are read, and refused, by those who take them: the API's parser and
    the webhooks. They are exempt from CSRF's token, which is how they are told apart here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with override(language_of_errors(request)):
            ensure_readable_address(request)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> None:
        with override(language_of_errors(request)):
            ensure_numbers_fit(kwargs)
            if not getattr(view, "csrf_exempt", False):
                ensure_readable_form(request)
            if request.path.startswith(ADMIN):
                ensure_admin_can_read(request)
