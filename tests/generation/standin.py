"""A server that answers as it is told and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One answer. `drops` closes the connection instead; `waits` seconds pass before it."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    drops: bool = False
    waits: float = 0.0

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class StandIn:
    """Answers from a script per method, its last line for ever; see `says`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.scripts: dict[str, list[Reply]] = {}
        self.url = ""
        self.port = 0

    def says(self, method: str, *replies: Reply) -> None:
        self.scripts[method] = list(replies)

    def next_reply(self, method: str) -> Reply:
        script = self.scripts.get(method, [Reply(404, {"error": {"message": "Not here."}})])
        return script.pop(0) if len(script) > 1 else script[0]


def handler_for(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            asked = Asked(self.command, self.path, dict(self.headers), body)
            stand_in.asked.append(asked)
            reply = stand_in.next_reply(self.command)
            time.sleep(reply.waits)
            if reply.drops:
                self.close_connection = True
                return
            content = reply.content()
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(content)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def running_stand_in() -> Iterator[StandIn]:
    stand_in = StandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(stand_in))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    stand_in.port = server.server_port
    stand_in.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield stand_in
    server.shutdown()
    thread.join()
    server.server_close()
