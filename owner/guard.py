"""Who may open a page of staff: one rule, put around every address of `owner.urls`, and others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern

READS = ("GET", "HEAD", "OPTIONS")
MAY_READ, MAY_ACT = "annotations.view_study", "annotations.change_study"

View = Callable[..., HttpResponseBase]


def guarded(patterns: Iterable[URLPattern]) -> list[URLPattern]:
    """The same addresses, each view behind `for_owners`."""
    return [
        URLPattern(one.pattern, for_owners(one.callback), one.default_args, one.name)
        for one in patterns
    ]


def for_owners(view: View) -> View:
    """Staff who may see studies read; staff who may change studies also act."""
    return for_staff(view, may_read=MAY_READ, may_act=MAY_ACT)


def for_staff(view: View, *, may_read: str, may_act: str) -> View:
    """Staff who have the one right read; staff who have the other also act.

    Everybody else is sent to log in, and whoever is logged in already without that right gets 403.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if not user.is_active or not user.is_staff:
            return redirect_to_login(request.get_full_path(), "admin:login")
        if not user.has_perm(may_read if request.method in READS else may_act):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return answer
