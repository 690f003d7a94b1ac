"""What an import of many rows takes: seconds, and memory, beside decoding the same files alone.

python -m bench.imports [ROWS]     10,000 rows by default, on a temporary SQLite

The clips are tiny, and differ in bytes that no decoder looks at, so that what is measured is the
import and not the codec. `--stored` leaves decoding out: each file is said to be what the first is.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import django

MODELS = ("aurora", "drift")
SAMPLE = 200


def make_clips(folder: Path, rows: int) -> Path:
    """A manifest of so many clips, half of each model's, and the clips beside it."""
    from tests.media.clips import make_clip

    clip = make_clip(folder / "clip.mp4", width=32, height=32, fps=8, frames=4).read_bytes()
    lines = ["prompt_id,prompt,model,path"]
    for number in range(rows):
        model, prompt = MODELS[number % 2], number // 2
        name = f"{model}-{prompt}.mp4"
        (folder / name).write_bytes(clip + free_box(number))
        lines.append(f"p{prompt:05d},A fox number {prompt},{model},{name}")
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(lines) + "\n")
    return manifest


def free_box(number: int) -> bytes:
    """A box of an MP4 file that readers skip (ISO/IEC 14496-12, section 8.1.2)."""
    return (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big")


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def run(folder: Path, rows: int, *, stored: bool) -> None:
    from django.core.management import call_command

    from annotations.media.isolation import inspect_media
    from annotations.services.clips import importing
    from annotations.services.clips.importing import import_clips
    from annotations.services.clips.manifests import read_clips
    from annotations.services.clips.registering import import_into_study

    call_command("migrate", verbosity=0)
    path = make_clips(folder, rows)
    files = [folder / f"{MODELS[n % 2]}-{n // 2}.mp4" for n in range(min(rows, SAMPLE))]
    alone = seconds_of(lambda: [inspect_media(file) for file in files]) / len(files)
    if stored:
        first = inspect_media(files[0])
        digests = iter(range(10**9))
        vars(importing)["inspect_media"] = lambda path: replace(
            first, sha256=f"{next(digests):064x}"
        )
    manifest = read_clips(path)
    before = peak_megabytes()
    took = seconds_of(
        lambda: import_clips(
            manifest=manifest, then=lambda result: import_into_study(result=result, slug="bench")
        )
    )
    print(
        f"{rows} rows: {took:.1f} s, {1000 * took / rows:.2f} ms a row; decoding alone "
        f"{1000 * alone:.2f} ms a row; peak {peak_megabytes():.0f} MB ({before:.0f} MB before)"
    )


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    words = sys.argv[1:]
    rows = next((int(word) for word in words if word.isdigit()), 10_000)
    with tempfile.TemporaryDirectory(prefix="bench-imports-") as folder:
        os.environ |= {"DEBUG": "1", "VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "juice.settings"}
        os.environ.pop("DATABASE_URL", None)
        django.setup()
        clips = Path(folder) / "clips"
        clips.mkdir()
        run(clips, rows, stored="--stored" in words)


if __name__ == "__main__":
    main()
