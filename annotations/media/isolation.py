"""Inspect and render in a process of its own; see `annotations.media.child`."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from annotations.media.encoding import info_from_json, plan_to_json
from annotations.media.errors import MediaError, TooSlow
from annotations.media.info import MediaInfo
from annotations.media.patience import WALL_SECONDS, seconds_for
from annotations.media.profiles import RenditionPlan

ROOT = Path(__file__).resolve().parents[2]
TOO_SLOW = (
    "This machine was too busy or too slow: the clip was not done after {seconds:.0f} s. That "
    "says nothing against the clip."
)

_local = threading.local()


def inspect_media(path: Path) -> MediaInfo:
    """See `annotations.media.inspection.inspect_media`.

    Raises
    ------
    MediaError
        The file cannot be judged, or decoding it crashed.
    TooSlow
        The machine is not up to it, or too busy now.
    OSError
        There is no such file.
    """
    path = Path(path).resolve(strict=True)
    answer = _ask({"do": "inspect", "path": str(path)})
    return info_from_json(answer["info"])


def render(source: Path, target: Path, plan: RenditionPlan) -> int:
    """See `annotations.media.rendering.render`, and `inspect_media` for what it raises."""
    request = {"path": str(source.resolve()), "target": str(target.resolve())}
    answer = _ask({"do": "render", **request, "plan": plan_to_json(plan)})
    return int(answer["crf"])


class Child:
    """A running child; it ends when its stdin closes, however this process ends."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "annotations.media.child"],
            cwd=ROOT,
            env=_bare_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Unbuffered: what is read ahead could not be waited for.
            bufsize=0,
        )

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout  # noqa: S101
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise MediaError(self._end("it could not be begun")) from error
        began, pixels = time.monotonic(), 0
        while True:
            line = self._line(began, pixels)
            answer: dict[str, Any] = json.loads(line)
            if "pixels" not in answer:
                return answer
            pixels = answer["pixels"]

    def _line(self, began: float, pixels: int) -> bytes:
        """The next line that the child writes, waited for as long as is allowed by now."""
        assert self.process.stdout  # noqa: S101
        allowed = WALL_SECONDS + seconds_for(pixels)
        left = max(0.0, began + allowed - time.monotonic())
        if not select.select([self.process.stdout], [], [], left)[0]:
            self._end("")
            raise TooSlow(TOO_SLOW.format(seconds=allowed))
        line = self.process.stdout.readline()
        if line.endswith(b"\n"):
            return line
        why = self._end("the decoder crashed or used too much")
        if self.process.returncode == -signal.SIGXCPU:
            raise TooSlow(TOO_SLOW.format(seconds=allowed))
        raise MediaError(why)

    def is_alive(self) -> bool:
        return self.pid == os.getpid() and self.process.poll() is None

    def _end(self, why: str) -> str:
        self.process.kill()
        self.process.wait()
        return f"This file was given up: {why}. Raters could not see it safely. Export it again."


def _ask(request: dict[str, Any]) -> dict[str, Any]:
    child = getattr(_local, "child", None)
    if child is None or not child.is_alive():
        child = _local.child = Child()
    began = time.monotonic()
    answer: dict[str, Any] = child.ask(request)
    if "busy" in answer:
        raise TooSlow(TOO_SLOW.format(seconds=time.monotonic() - began))
    if "refused" in answer:
        raise MediaError(answer["refused"])
    return answer


def _bare_environment() -> dict[str, str]:
    """No secret of ours is in reach of what decodes."""
    kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ}
