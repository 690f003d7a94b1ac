"""Inspect and render in a process of its own; see `annotations.media.child`."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from annotations.media.encoding import info_from_json, plan_to_json
from annotations.media.errors import MediaError
from annotations.media.info import MediaInfo
from annotations.media.profiles import RenditionPlan

ROOT = Path(__file__).resolve().parents[2]
WALL_SECONDS = 240.0
"""For one file; under the task's own limit, so that the failure gets its words."""

_local = threading.local()


def inspect_media(path: Path) -> MediaInfo:
    """See `annotations.media.inspection.inspect_media`.

    Raises
    ------
    MediaError
        The file cannot be judged, or decoding it crashed or took too long.
    OSError
        There is no such file.
    """
    path = Path(path).resolve(strict=True)
    answer = _ask({"do": "inspect", "path": str(path)})
    return info_from_json(answer["info"])


def render(source: Path, target: Path, plan: RenditionPlan) -> None:
    """See `annotations.media.rendering.render`."""
    request = {"path": str(source.resolve()), "target": str(target.resolve())}
    _ask({"do": "render", **request, "plan": plan_to_json(plan)})


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
        )

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout  # noqa: S101
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise MediaError(self._end("it could not be begun")) from error
        ready, _, _ = select.select([self.process.stdout], [], [], WALL_SECONDS)
        if not ready:
            raise MediaError(self._end(f"it was not done after {WALL_SECONDS:.0f} s"))
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise MediaError(self._end("the decoder crashed or used too much"))
        answer: dict[str, Any] = json.loads(line)
        return answer

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
    answer: dict[str, Any] = child.ask(request)
    if "refused" in answer:
        raise MediaError(answer["refused"])
    return answer


def _bare_environment() -> dict[str, str]:
    """No secret of ours is in reach of what decodes."""
    kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ}
