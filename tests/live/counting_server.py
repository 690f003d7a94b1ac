"""A model server that fails as it is told and counts what it was asked, by its own clock."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

REFUSAL = {"error": {"code": "moderation_blocked", "message": "We will not draw this."}}
BUSY = {"error": {"message": "Slow down."}}
BROKEN = {"error": {"message": "Something broke."}}
HANGS_SECONDS = 70.0


@dataclass
class Made:
    """A job that was accepted. Times are seconds since 1970."""

    id: str
    prompt: str
    model: str
    seed: int
    accepted_at: float
    over_at: float

    def shown(self, is_refused: bool) -> dict[str, object]:
        is_over = time.time() >= self.over_at
        ended = "failed" if is_refused else "completed"
        return {
            "id": self.id,
            "model": self.model,
            "prompt": self.prompt,
            "seed": self.seed,
            "created_at": int(self.accepted_at),
            "status": ended if is_over else "in_progress",
            "progress": 100 if is_over else 50,
            **(REFUSAL if is_over and is_refused else {}),
        }


class CountingServer(ThreadingHTTPServer):
    """`faults` holds, for a prompt and a call, what the next such calls meet."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, clip: bytes, *, seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.clip, self.seconds = clip, seconds
        self.lock = threading.Lock()
        self.jobs: dict[str, Made] = {}
        self.accepted: Counter[str] = Counter()
        self.arrivals: list[float] = []
        self.most_at_once = 0
        self.refused: set[str] = set()
        self.met: Counter[str] = Counter()
        self.faults: dict[tuple[str, str], list[str]] = defaultdict(list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def accept(self, prompt: str, model: str, seed: int, slow: float = 0.0) -> Made:
        now = time.time()
        with self.lock:
            self.accepted[prompt] += 1
            job = Made(
                id=f"job-{len(self.jobs) + 1}",
                prompt=prompt,
                model=model,
                seed=seed,
                accepted_at=now,
                over_at=now + self.seconds + slow,
            )
            self.jobs[job.id] = job
            at_once = sum(one.over_at > now for one in self.jobs.values())
            self.most_at_once = max(self.most_at_once, at_once)
            return job

    def stop_job(self, job_id: str) -> None:
        with self.lock:
            job = self.jobs[job_id]
            job.over_at = min(job.over_at, time.time())

    def next_fault(self, prompt: str, call: str) -> str:
        with self.lock:
            faults = self.faults[prompt, call]
            fault = faults.pop(0) if faults else ""
            if fault:
                self.met[f"{call}: {fault}"] += 1
            return fault

    def clip_of(self, prompt: str) -> bytes:
        """A clip of its own for each prompt: the same pictures, and a box that players skip."""
        name = hashlib.sha256(prompt.encode()).digest()
        return self.clip + (8 + len(name)).to_bytes(4, "big") + b"free" + name

    def most_in_a_minute(self) -> int:
        times = sorted(self.arrivals)
        windows = (sum(start <= other < start + 60 for other in times) for start in times)
        return max(windows, default=0)


class Handler(BaseHTTPRequestHandler):
    server: CountingServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.close_connection = True
        length = int(self.headers["Content-Length"])
        content = self.rfile.read(length)
        if len(content) < length:
            # The worker was killed while it sent.
            return
        body = json.loads(content)
        prompt = body["prompt"]
        with self.server.lock:
            self.server.arrivals.append(time.time())
        fault = self.server.next_fault(prompt, "submit")
        if self.refuse(prompt, fault):
            return
        slow = 4.0 if fault == "slow" else 0.0
        job = self.server.accept(prompt, body["model"], body.get("seed", 0), slow)
        if fault == "late":
            time.sleep(2)
        if fault == "broken after":
            self.send_json(BROKEN, 500)
        elif fault in ("lost after", "hangs after"):
            self.hang(fault)
        elif self.path == "/generate":
            time.sleep(max(job.over_at - time.time(), 0))
            self.send_clip(prompt)
        else:
            self.send_json(job.shown(is_refused=False))

    def hang(self, fault: str) -> None:
        """Say nothing, and keep the connection longer than clients wait if told so."""
        if fault.startswith("hangs"):
            time.sleep(HANGS_SECONDS)

    def do_GET(self) -> None:
        self.close_connection = True
        parts = urlsplit(self.path)
        steps = parts.path.strip("/").split("/")[2:]
        if not steps:
            return self.send_list(parse_qs(parts.query))
        job = self.server.jobs[steps[0]]
        call = "fetch" if len(steps) > 1 else "poll"
        fault = self.server.next_fault(job.prompt, call)
        if self.refuse(job.prompt, fault):
            return None
        if call == "poll":
            return self.send_json(job.shown(job.prompt in self.server.refused))
        return self.send_clip(job.prompt, is_cut=fault == "cut")

    def do_DELETE(self) -> None:
        self.close_connection = True
        job_id = self.path.rsplit("/", 1)[-1]
        self.server.stop_job(job_id)
        self.send_json({"id": job_id, "deleted": True})

    def refuse(self, prompt: str, fault: str) -> bool:
        """Meet a fault that leaves nothing behind; whether there was one."""
        answers = {
            "busy": (BUSY, 429),
            "away": (BUSY, 503),
            "broken": (BROKEN, 500),
            "gone": ({"error": {"message": "Not here."}}, 404),
            "refused": (REFUSAL, 400),
        }
        if fault == "refused":
            self.server.refused.add(prompt)
        if fault in answers:
            body, status = answers[fault]
            self.send_json(body, status)
        elif fault in ("lost", "hangs"):
            self.hang(fault)
        return fault in (*answers, "lost", "hangs")

    def send_list(self, query: dict[str, list[str]]) -> None:
        with self.server.lock:
            jobs = list(reversed(self.server.jobs.values()))
        after = query.get("after", [""])[0]
        ids = [job.id for job in jobs]
        begin = ids.index(after) + 1 if after else 0
        limit = int(query["limit"][0])
        page = [job.shown(is_refused=False) for job in jobs[begin : begin + limit]]
        self.send_json({"data": page, "has_more": len(jobs) > begin + limit})

    def send_clip(self, prompt: str, is_cut: bool = False) -> None:
        clip = self.server.clip_of(prompt)
        self.send(200, clip[: len(clip) // 2] if is_cut else clip, "video/mp4", len(clip))

    def send_json(self, content: object, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send(status, body, "application/json", len(body))

    def send(self, status: int, body: bytes, kind: str, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        if status in (429, 503):
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            # A worker was killed while it listened.
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Tests speak for themselves."""


@contextmanager
def running_servers(servers: Sequence[CountingServer]) -> Iterator[None]:
    threads = [
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        for server in servers
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
