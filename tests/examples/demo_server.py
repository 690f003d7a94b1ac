"""The demo server as a process on a port, and what its clients do."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]


PROMPT = "A red balloon rising over a green meadow"


SMALL = {"size": "96x64", "seconds": "1"}


def start(*options: str) -> tuple[subprocess.Popen[str], str]:
    """A server on a free port, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.model_endpoint", "--port", "0", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().rsplit(" ", 1)[-1].strip().removesuffix("/v1")


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def create(client: httpx.Client, **fields: object) -> dict:
    answer = client.post("/v1/videos", json={"model": "demo-aurora", "prompt": PROMPT} | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def finished(client: httpx.Client, job: dict) -> dict:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job = client.get(f"/v1/videos/{job['id']}").json()
        if job["status"] in {"completed", "failed"}:
            return job
        time.sleep(0.05)
    raise AssertionError(f"not finished: {job}")


def clip(client: httpx.Client, job: dict) -> bytes:
    return client.get(f"/v1/videos/{finished(client, job)['id']}/content").content


def error_of(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    return answer.status_code, error["code"], error["param"]
