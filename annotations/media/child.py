"""The process that touches files of strangers: one request a line on stdin, one answer a line.

It runs under limits of its own, so that a hostile file can end this process at worst. Nothing of
Django is loaded: `python -m annotations.media.child` starts in half a second and serves many files.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from annotations.media.encoding import info_to_json, plan_from_json
from annotations.media.errors import MediaError
from annotations.media.inspection import inspect_media
from annotations.media.rendering import render

MEMORY_BYTES = 3 * 1024**3
FILE_BYTES = 1024**3
OPEN_FILES = 64
CPU_SECONDS = 150
"""For one file; the parent's clock bounds it as well."""


def main() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    # FFmpeg and its libraries may print; only answers belong on stdout.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    limit_resources()
    for line in sys.stdin:
        limit_cpu()
        answers.write(json.dumps(answer(json.loads(line))) + "\n")


def limit_resources() -> None:
    for what, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (value, value))


def limit_cpu() -> None:
    """So many seconds from now on; the process is killed when they are used up."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        if request["do"] == "inspect":
            return {"info": info_to_json(inspect_media(Path(request["path"])))}
        plan = plan_from_json(request["plan"])
        render(Path(request["path"]), Path(request["target"]), plan)
    except MediaError as error:
        return {"refused": str(error)}
    except MemoryError:
        return {
            "refused": "Decoding this file takes more memory than one file may have "
            f"({MEMORY_BYTES // 1024**3} GB). Make it smaller."
        }
    except Exception as error:
        # Pillow and FFmpeg raise many kinds on broken data; none may end the service.
        return {"refused": f"This file cannot be decoded ({type(error).__name__}: {error})."}
    return {}


if __name__ == "__main__":
    main()
