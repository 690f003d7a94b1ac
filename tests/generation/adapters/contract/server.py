"""A stand-in for any provider: it answers by method and path, and serves files beside."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.generation.stand_in import Answer, Handler, Received, StandIn

NOT_FOUND = Answer(404, {"error": {"message": "No such thing.", "code": "not_found"}})
CLIP = b"\x00\x00\x00\x18ftypmp42" + b"clip" * 1000


class RoutedHandler(Handler):
    def do_PUT(self) -> None:
        self.receive()


class Provider(StandIn):
    """`routes` are answers by `GET /path`; what is not there is not found."""

    def __init__(self) -> None:
        super().__init__()
        self.RequestHandlerClass = RoutedHandler
        self.routes: dict[str, Answer | str] = {}

    def next_answer(self) -> Answer | str:
        asked = self.received[-1]
        return self.routes.get(f"{asked.method} {asked.path}", NOT_FOUND)

    def says(self, routes: dict[str, Answer | str]) -> None:
        self.routes.update(routes)

    def calls(self) -> list[str]:
        return [f"{got.method} {got.path}" for got in self.received]

    def last(self, call: str) -> Received:
        return [got for got in self.received if f"{got.method} {got.path}" == call][-1]


@contextmanager
def running_provider() -> Iterator[Provider]:
    with Provider() as provider:
        thread = threading.Thread(target=provider.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield provider
        finally:
            provider.is_closing.set()
            provider.shutdown()
            thread.join()
