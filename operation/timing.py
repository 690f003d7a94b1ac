"""How long this process took to answer, by view; only where `/metrics` is set to be read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from prometheus_client import Histogram

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NO_VIEW = "none"

REQUESTS = Histogram(
    "juice_request_seconds",
    "Seconds until a view has answered, by its name, the class of the status and the process.",
    ["view", "status", "process"],
    buckets=BUCKETS,
    registry=None,
)


class TimedRequests:
    """Left out altogether while the setting is off, so that it costs no request anything.

    A server has several processes, and each scrape reaches one of them: the process is a label, so
    that counts of two are never taken for one that jumps.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.METRICS_TOKEN:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        seconds = time.perf_counter() - began
        status = f"{response.status_code // 100}xx"
        REQUESTS.labels(view_name(request), status, str(os.getpid())).observe(seconds)
        return response


def view_name(request: HttpRequest) -> str:
    """By the name of the route: an address holds tokens, and there are endlessly many."""
    found = request.resolver_match
    return found.view_name if found else NO_VIEW
