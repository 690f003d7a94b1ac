"""Signs of life of processes that answer no requests: the time of a file, for a health check.

`python juice/liveness.py` looks at the file, and ends with 1 when it is old or missing. It loads
nothing of ours, so that it costs nothing.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

SIGN_OF_LIFE = "SIGN_OF_LIFE"
"""The environment variable that names the file; nobody writes one where it is not set."""
WITHIN_SECONDS = 60.0
"""Workers give one every 2 seconds, and the beat as often as its shortest interval."""


def give_sign_of_life(**_: object) -> None:
    name = os.environ.get(SIGN_OF_LIFE, "")
    if name:
        Path(name).touch()


def seconds_since(path: Path) -> float | None:
    """None where there was no sign yet."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None


def main() -> int:
    name = os.environ.get(SIGN_OF_LIFE, "")
    if not name:
        sys.stderr.write(f"{SIGN_OF_LIFE} names no file.\n")
        return 2
    age = seconds_since(Path(name))
    if age is None or age > WITHIN_SECONDS:
        told = "never" if age is None else f"{age:.0f} s ago"
        sys.stderr.write(f"The last sign of life was {told}.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
