"""Single values in an endpoint's answer: found, read, and made fit to be kept."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from generation.adapters.base import PermanentError

MOST_COST = Decimal(10) ** 8


def storable(value: Any) -> Any:
    """Without what a database refuses: NUL characters, halves of characters, NaN."""
    if isinstance(value, str):
        return value.replace("\0", "").encode(errors="replace").decode()
    if isinstance(value, dict):
        return {storable(key): storable(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [storable(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def without_files(value: Any, longest: int = 2000) -> Any:
    """An answer to keep as a record: files that stand in it as text are left out."""
    if isinstance(value, str):
        return value if len(value) <= longest else f"[{len(value)} characters left out]"
    if isinstance(value, dict):
        return {key: without_files(entry, longest) for key, entry in value.items()}
    if isinstance(value, list):
        return [without_files(entry, longest) for entry in value]
    return value


def percentage(value: object, whole: float = 100) -> int | None:
    """Per cent, of a number that is `whole` at the end."""
    if not isinstance(value, int | float):
        return None
    return min(max(int(value * 100 / whole), 0), 100)


def amount(value: object) -> Decimal | None:
    """A cost, a price or a number of units, unless it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        told = Decimal(str(value))
    except InvalidOperation:
        return None
    return told if told.is_finite() and 0 <= told < MOST_COST else None


def found_at(raw: object, path: str) -> Any:
    """What lies at `video.url` or `images.0.url`, or None."""
    for step in path.split("."):
        if isinstance(raw, Mapping):
            raw = raw.get(step)
        elif isinstance(raw, list) and step.isdecimal() and int(step) < len(raw):
            raw = raw[int(step)]
        else:
            return None
    return raw


def object_at(raw: object, path: str) -> Mapping[str, Any]:
    found = found_at(raw, path)
    return found if isinstance(found, Mapping) else {}


def list_at(raw: object, path: str) -> list[Any]:
    found = found_at(raw, path)
    return found if isinstance(found, list) else []


def write_base64(text: object, target: Path, most_bytes: int) -> None:
    """Write a file that came as text.

    Raises
    ------
    PermanentError
        It is no such file, or too large.
    """
    if not isinstance(text, str) or len(text) // 4 * 3 > most_bytes:
        raise PermanentError("The file in the answer is too large, or none.")
    try:
        target.write_bytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise PermanentError(f"The file in the answer cannot be read: {error}") from error


def time_of(value: object) -> datetime | None:
    """A time in seconds since 1970, or as ISO 8601 writes it."""
    try:
        return datetime.fromtimestamp(float(str(value)), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
