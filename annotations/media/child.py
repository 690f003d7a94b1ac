"""The process that touches files of strangers: one request a line on stdin, one answer a line.

Before the answer come lines that say how many pixels were decoded since the last one.

It runs under limits of its own, so that a hostile file can end this process at worst. Nothing of
Django is loaded: `python -m annotations.media.child` starts in half a second and serves many files.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

from annotations.media.encoding import info_to_json, plan_from_json
from annotations.media.errors import MediaError
from annotations.media.inspection import inspect_media
from annotations.media.patience import WALL_SECONDS, Progress, seconds_for
from annotations.media.rendering import render

MEMORY_BYTES = 3 * 1024**3
FILE_BYTES = 1024**3
OPEN_FILES = 64
CORES = 2
"""x264's threads: each second of the clock may be so many of processors."""
TOLD_PIXELS = 2_000_000
"""Progress is told in steps of so many, a few frames."""


def main() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    # FFmpeg and its libraries may print; only answers belong on stdout.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    limit_resources()
    for line in sys.stdin:
        answers.write(json.dumps(answer(json.loads(line), Teller(answers))) + "\n")


def limit_resources() -> None:
    for what, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (value, value))


class Teller:
    """Tells the parent how far the work on one file is, and grants it processor time as it goes.

    Both clocks are long for what is large, and short for what stands still.
    """

    def __init__(self, answers: TextIO) -> None:
        self.answers = answers
        self.began = cpu_seconds()
        self.pixels = self.told = 0
        limit_cpu(self.began + CORES * WALL_SECONDS)

    def __call__(self, pixels: int) -> None:
        self.pixels += pixels
        if self.pixels - self.told >= TOLD_PIXELS:
            self.answers.write(json.dumps({"pixels": self.pixels}) + "\n")
            limit_cpu(self.began + CORES * (WALL_SECONDS + seconds_for(self.pixels)))
            self.told = self.pixels


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def limit_cpu(seconds: float) -> None:
    """The process is killed when it has used up so many."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), hard))


def answer(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    try:
        if request["do"] == "inspect":
            info = inspect_media(Path(request["path"]), progress=progress)
            return {"info": info_to_json(info)}
        plan = plan_from_json(request["plan"])
        crf = render(Path(request["path"]), Path(request["target"]), plan, progress=progress)
    except MediaError as error:
        return {"refused": str(error)}
    except MemoryError:
        return {
            "refused": "Decoding this file takes more memory than one file may have "
            f"({MEMORY_BYTES // 1024**3} GB). Make it smaller."
        }
    except BlockingIOError:
        return {"busy": True}
    except Exception:
        # Pillow and FFmpeg raise many kinds on broken data; none may end the service.
        traceback.print_exc()
        return {
            "refused": "This file cannot be decoded: what is in it is broken, or of a kind that "
            "no program here knows. Export it again, as MP4 with H.264 if it is a clip."
        }
    return {"crf": crf}


if __name__ == "__main__":
    main()
