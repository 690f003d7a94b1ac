"""End a call whose time is over, whatever it waits for: a name, a header, one more byte.

The timeouts of HTTP clients begin anew with each byte, so a server that sends one now and then
could hold a worker for ever; and threads cannot be ended from outside.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import httpx

# The body's own limit comes first; this one is for what comes before it.
SPARE_SECONDS = 1.0


@cache
def trusted() -> ssl.SSLContext:
    """The authorities that we trust, for every call: to read them takes 30 ms of a core."""
    return httpx.create_ssl_context()


class Watch:
    """Holds the connection that a call uses, to cut it."""

    def __init__(self) -> None:
        self.stream: Any = None
        self.is_over = False

    def follow(self, request: httpx.Request) -> None:
        request.extensions["trace"] = self.see

    def see(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self.stream = info["return_value"]
            if self.is_over:
                self.end()

    def end(self) -> None:
        self.is_over = True
        connection = self.stream and self.stream.get_extra_info("socket")
        if connection is not None:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


@contextmanager
def patient_client(seconds: float, **options: Any) -> Iterator[httpx.Client]:
    """A client whose calls are over after so many seconds in all.

    A call that is cut ends as one whose connection broke: with an `httpx.HTTPError`.
    """
    watch = Watch()
    timer = threading.Timer(seconds + SPARE_SECONDS, watch.end)
    timer.daemon = True
    timer.start()
    try:
        hooks = {"request": [watch.follow]}
        with httpx.Client(event_hooks=hooks, verify=trusted(), **options) as client:
            yield client
    finally:
        timer.cancel()
