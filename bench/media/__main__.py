"""Renditions per second and peak memory, beside the ffmpeg command line doing the same job.

`python -m bench.media` on two cores; wants `ffmpeg` on the PATH. Each row is a median of rounds in
which the two take turns, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from annotations.media import isolation
from annotations.media.filters import SCALER
from annotations.media.inspection import inspect_media
from annotations.media.profiles import PAIRWISE_MIN, MediaSpec, RenditionPlan, plan_rendition
from annotations.media.rendering import ENCODER_OPTIONS

CORES = 2
AT_ONCE = 2
RENDITIONS = 4
ROUNDS = 5
JOBS = {
    "512x512, 16 fps, 4 s": (512, 512, 16, 64),
    "1280x720, 24 fps, 5 s": (1280, 720, 24, 120),
}


def main() -> int:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        print("Install ffmpeg to compare with (Debian: apt-get install ffmpeg).", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    print(f"{'source':<24}{'Juice /s':>10}{'ffmpeg /s':>11}{'ratio':>8}{'peak MB':>9}")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for name, shape in JOBS.items():
            print(f"{name:<24}", end="", flush=True)
            print(measured(Path(folder), ffmpeg, *shape))
    return 0


def measured(folder: Path, ffmpeg: str, width: int, height: int, fps: int, frames: int) -> str:
    source = make_source(folder / f"{width}.mp4", width, height, fps, frames)
    info = inspect_media(source)
    plan = plan_rendition(info, partner_of(info), PAIRWISE_MIN)
    with ThreadPoolExecutor(AT_ONCE) as workers:
        pids = set(
            workers.map(lambda number: warm_up(source, folder, plan, number), range(AT_ONCE))
        )

        def ours(number: int) -> None:
            isolation.render(source, folder / f"ours-{number}.mp4", plan)

        def theirs(number: int) -> None:
            run_ffmpeg(ffmpeg, source, folder / f"theirs-{number}.mp4", plan)

        rates: dict[str, list[float]] = {"ours": [], "theirs": []}
        for _ in range(ROUNDS):
            rates["ours"].append(rate(workers, ours))
            rates["theirs"].append(rate(workers, theirs))
    first, second = (statistics.median(values) for values in rates.values())
    peak = max(peak_megabytes(pid) for pid in pids)
    return f"{first:>10.2f}{second:>11.2f}{first / second:>8.2f}{peak:>9.0f}"


def rate(workers: ThreadPoolExecutor, job: Callable[[int], None]) -> float:
    """Renditions per second."""
    began = time.perf_counter()
    list(workers.map(job, range(RENDITIONS)))
    return RENDITIONS / (time.perf_counter() - began)


def warm_up(source: Path, folder: Path, plan: RenditionPlan, number: int) -> int:
    """Start this thread's child; its process id."""
    isolation.render(source, folder / f"warm-{number}.mp4", replace(plan, frames=1))
    time.sleep(0.2)
    return int(isolation._local.child.process.pid)


def partner_of(info: MediaSpec) -> MediaSpec:
    """A partner that makes every step necessary: smaller, shorter, slower."""
    return replace(
        info,
        width=info.width * 3 // 4,
        height=info.height * 3 // 4,
        fps=info.fps * 2 / 3,
        seconds=float(info.seconds) * 0.9,
    )


def run_ffmpeg(ffmpeg: str, source: Path, target: Path, plan: RenditionPlan) -> None:
    crop = plan.crop
    steps = [
        f"trim=start={float(plan.start)}:duration={float(plan.seconds)}",
        "setpts=PTS-STARTPTS",
        f"fps={plan.fps}",
        f"crop={crop.width}:{crop.height}:{crop.left}:{crop.top}:exact=1",
        f"scale={plan.width}:{plan.height}:flags={SCALER}"
        ":in_color_matrix=bt709:out_color_matrix=bt709:out_range=tv",
        "format=yuv420p",
        "setsar=1",
    ]
    options = [word for name, value in ENCODER_OPTIONS.items() for word in (f"-{name}", value)]
    command = [ffmpeg, "-v", "error", "-y", "-threads", "1", "-i", str(source), "-an"]
    command += ["-vf", ",".join(steps), "-c:v", "libx264", *options]
    command += ["-g", str(round(plan.fps)), "-movflags", "+faststart", "-fflags", "+bitexact"]
    command += ["-map_metadata", "-1", "-bsf:v", "filter_units=remove_types=6", str(target)]
    subprocess.run(command, check=True)


def peak_megabytes(pid: int) -> float:
    """Resident memory at its highest, as Linux tells it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def make_source(path: Path, width: int, height: int, fps: int, frames: int) -> Path:
    """A gradient, a moving box and noise: about as hard to code as a generated clip."""
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[0:height, 0:width]
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=Fraction(fps), options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            picture = np.stack([rows * 200 // height, columns * 200 // width, rows * 0 + 90], -1)
            left = index * 4 % (width - width // 4)
            picture[height // 4 : height // 2, left : left + width // 4] = (240, 220, 60)
            noisy = np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="rgb24")))
        output.mux(stream.encode(None))
    return path


if __name__ == "__main__":
    sys.exit(main())
