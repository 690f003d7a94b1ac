"""Parts of pages that change by themselves, each with an address of its own."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

View = Callable[..., HttpResponse]


def live_part(view: View) -> View:
    """Kept by nobody but this browser, which is not sent it again while it is the same."""
    return require_safe(conditional_page(cache_control(private=True, no_cache=True)(view)))
