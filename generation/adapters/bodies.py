"""What is sent as a form, and what comes as a file, within bounds of size and time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from generation.adapters.base import MAX_CLIP_BYTES, PermanentError
from generation.adapters.requests import MediaFile
from generation.adapters.values import storable

PAGES = ("text/html", "application/json", "application/xml", "text/plain")


class AnswerTooLarge(httpx.ReadError):
    """Nobody sends that much on purpose."""


def within_bounds(answer: httpx.Response, most_bytes: int, give_up_at: float) -> Iterator[bytes]:
    """The answer's body, piece by piece, as long as it is neither too large nor too slow."""
    announced = answer.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise AnswerTooLarge(f"It has more than {most_bytes // 1024**2} MB.")
    received = 0
    for chunk in answer.iter_bytes():
        received += len(chunk)
        if received > most_bytes:
            raise AnswerTooLarge(f"It has more than {most_bytes // 1024**2} MB.")
        if time.monotonic() > give_up_at:
            raise httpx.ReadTimeout("The answer did not end in time.")
        yield chunk


def write_clip(answer: httpx.Response, target: Path, give_up_at: float) -> None:
    """Write the body to a file, unless it is too large, too slow or a page for people."""
    try:
        with target.open("wb") as file:
            for chunk in within_bounds(answer, MAX_CLIP_BYTES, give_up_at):
                if not file.tell():
                    refuse_page(answer, chunk)
                file.write(chunk)
    except AnswerTooLarge as error:
        raise PermanentError(f"The clip is too large. {error}") from error


def refuse_page(answer: httpx.Response, beginning: bytes) -> None:
    """No format of clips or pictures begins as pages and messages do."""
    content_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type in PAGES or beginning.lstrip()[:1] in (b"<", b"{"):
        shown = storable(beginning[:200].decode(errors="replace"))
        raise PermanentError(f"What came is a page, not a clip: {shown}")


def as_form(body: Mapping[str, Any], files: Mapping[str, MediaFile]) -> dict[str, Any]:
    """A multipart form, for httpx."""
    texts = {
        name: (None, value if isinstance(value, str) else json.dumps(value))
        for name, value in body.items()
    }
    sent = {
        name: (file.name, file.path.read_bytes(), file.media_type) for name, file in files.items()
    }
    return {"files": {**texts, **sent}}
