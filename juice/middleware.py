from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_clips = f"'self' blob: {settings.MEDIA_S3_ORIGIN}".strip()
STRICT_POLICY = (
    f"default-src 'self'; script-src 'self'; style-src 'self'; img-src {_clips} data:; "
    f"media-src {_clips}; connect-src {_clips}; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
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
        policy = ADMIN_POLICY if request.path.startswith("/admin/") else STRICT_POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return middleware
