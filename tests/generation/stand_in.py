"""A stand-in for a model's server: it says what a test tells it to say, and keeps what it got."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

# So many that no client can wait for the last: a test that did would never end.
PIECES, PAUSE_SECONDS = 20_000, 0.02


@dataclass(frozen=True)
class Answer:
    """A scripted answer; bytes and text are sent as they are, anything else as JSON."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


DROP, HANG, DRIP, SEEP = "drop", "hang", "drip", "seep"
"""Instead of an answer: close the connection, say nothing, or send a byte or a header at times."""


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class StandIn(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Answer | str] = []
        self.received: list[Received] = []
        self.dripped = 0
        self.is_closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def will(self, *script: Answer | str) -> None:
        """Answer so, one after the other; the last again and again."""
        self.script = list(script)

    def next_answer(self) -> Answer | str:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


class Handler(BaseHTTPRequestHandler):
    server: StandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.receive()

    def do_POST(self) -> None:
        self.receive()

    def do_DELETE(self) -> None:
        self.receive()

    def receive(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append(Received(self.command, parts.path, query, headers, body))
        self.act(self.server.next_answer())

    def act(self, answer: Answer | str) -> None:
        self.close_connection = True
        if isinstance(answer, Answer):
            self.send(answer, len(answer.content()))
            self.wfile.write(answer.content())
        elif answer == HANG:
            self.server.is_closing.wait()
        elif answer == DRIP:
            self.send(Answer(), PIECES)
            self.drip(b" ")
        elif answer == SEEP:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            self.drip(b"X-Still: here\r\n")

    def send(self, answer: Answer, length: int) -> None:
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(length), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def drip(self, piece: bytes) -> None:
        for _ in range(PIECES):
            if self.server.is_closing.wait(PAUSE_SECONDS):
                return
            self.wfile.write(piece)
            self.server.dripped += 1

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Tests speak for themselves."""


@contextmanager
def running_stand_in() -> Iterator[StandIn]:
    with StandIn() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.is_closing.set()
            server.shutdown()
            thread.join()
