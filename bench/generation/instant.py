"""Endpoints that make nothing and answer at once: one in memory, one over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

from generation.adapters.base import Done, Pending, RemoteJob, Submitted
from generation.adapters.requests import GenerationRequest


class InstantAdapter:
    """Every job is made when it is sent, and every clip is its own."""

    def __init__(self, clip: bytes) -> None:
        self.clip = clip
        self.numbers = count(1)

    def submit(self, request: GenerationRequest) -> Submitted:
        return Submitted(f"job-{next(self.numbers)}", {})

    def poll(self, remote_id: str) -> Pending | Done:
        return Done()

    def fetch(self, remote_id: str, target: Path) -> None:
        target.write_bytes(own_clip(self.clip, remote_id))

    def cancel(self, remote_id: str) -> None:
        """There is nothing to stop."""

    def list_since(self, since: datetime) -> list[RemoteJob]:
        return []


class InstantServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, clip: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.clip = clip
        self.numbers = count(1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: InstantServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_json({"id": f"job-{next(self.server.numbers)}", "status": "completed"})

    def do_GET(self) -> None:
        if self.path.endswith("/content"):
            self.send(own_clip(self.server.clip, self.path), "video/mp4")
        else:
            self.send_json({"id": self.path.rsplit("/", 1)[-1], "status": "completed"})

    def send_json(self, content: dict[str, str]) -> None:
        self.send(json.dumps(content).encode(), "application/json")

    def send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Printing would be measured, too."""


@contextmanager
def running_server(clip: bytes) -> Iterator[InstantServer]:
    with InstantServer(clip) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def own_clip(clip: bytes, name: str) -> bytes:
    """The same pictures, and a box that players skip."""
    words = name.encode()
    return clip + (8 + len(words)).to_bytes(4, "big") + b"free" + words
