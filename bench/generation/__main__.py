"""What jobs cost where the endpoint costs nothing: per step, per second, and while they wait.

python -m bench.generation            everything, on a temporary SQLite
python -m bench.generation steps      one part: steps, workers, waiting or idle

With DATABASE_URL set, an empty database of that server is filled instead.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import django

STEPS, WAITING, FEW = 200, 10_000, 100
# Places at the endpoint, threads of the worker, jobs.
THROUGH_WORKERS = ((2, 6, 30), (8, 6, 100), (50, 12, 300))
SWEEPS, SWEEP_SECONDS = 40, 2.0
SETTLE_SECONDS, IDLE_SECONDS = 10, 30
FRAMES, SIZE = 8, 64


def main() -> int:
    parts = {
        "steps": measure_steps,
        "workers": measure_workers,
        "waiting": measure_waiting,
        "idle": measure_idle,
    }
    names = sys.argv[1:] or list(parts)
    if unknown := set(names) - parts.keys():
        print(f"There is no part {', '.join(unknown)}: {', '.join(parts)}.", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    os.environ |= {"DEBUG": "1", "VAR_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "juice.settings"}
    try:
        django.setup()
        from django.conf import settings
        from django.core.management import call_command

        settings.DEBUG = False  # It would keep every query in memory.
        call_command("migrate", verbosity=0)
        clip = make_clip(folder / "clip.mp4")
        for name in names:
            parts[name](folder, clip)
    finally:
        shutil.rmtree(folder)
    return 0


def measure_steps(folder: Path, clip: bytes) -> None:
    """Each step of a job in this process, with an adapter that answers at once."""
    from django.utils import timezone

    from bench.generation.instant import InstantAdapter
    from generation.jobs import calling
    from generation.jobs.steps.fetching import fetch_job
    from generation.jobs.steps.polling import poll_job
    from generation.jobs.steps.submitting import submit_job
    from generation.models import Job

    adapter = InstantAdapter(clip)
    calling.adapter_for = lambda endpoint, built: adapter
    endpoint = make_endpoint("steps", "https://lab.example/v1", max_concurrency=STEPS)
    jobs = make_jobs(endpoint, STEPS)
    steps: dict[str, Callable[..., Any]] = {
        "submit": submit_job,
        "poll": poll_job,
        "fetch, check and keep": fetch_job,
    }
    print(f"\nOne job after the other, {STEPS} jobs, an endpoint in memory")
    print(f"{'step':<26}{'median ms':>11}{'p95 ms':>9}{'queries':>9}")
    for name, step in steps.items():
        times = [seconds_of(partial(step, job_id=job, now=timezone.now())) for job in jobs]
        shown = f"{1000 * statistics.median(times):>11.1f}{1000 * percentile(times, 95):>9.1f}"
        print(f"{name:<26}{shown}{queries_of(name):>9}")
    ended = Job.objects.filter(endpoint=endpoint).counts_by_state()
    print(f"ended: {ended}")


def queries_of(name: str) -> int:
    """How often one more job asks the database in this step."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from generation.jobs.steps.fetching import fetch_job
    from generation.jobs.steps.polling import poll_job
    from generation.jobs.steps.submitting import submit_job
    from generation.models import Endpoint

    endpoint = Endpoint.objects.get(name="steps")
    Endpoint.objects.update(max_concurrency=STEPS * 10)
    (job,) = make_jobs(endpoint, 1)
    steps = {
        "submit": submit_job,
        "poll": poll_job,
        "fetch, check and keep": fetch_job,
    }
    for step, function in steps.items():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            function(job_id=job, now=timezone.now())
        if step == name:
            return len(queries)
    raise KeyError(name)


def measure_workers(folder: Path, clip: bytes) -> None:
    """Jobs per second through Redis, beat and one worker of threads, an endpoint over HTTP."""
    from bench.generation.instant import running_server
    from generation.models import Job

    print("\nThrough Redis, beat and one worker of threads, an endpoint over HTTP")
    print(f"{'places':>6}{'threads':>9}{'jobs':>6}{'jobs/s':>8}{'CPU ms per job':>16}")
    for places, threads, number in THROUGH_WORKERS:
        with running_server(clip) as server:
            endpoint = make_endpoint(f"{places} places", server.url, max_concurrency=places)
            make_jobs(endpoint, number)
            jobs = Job.objects.filter(endpoint=endpoint)
            with running_worker(folder, threads) as running:
                seconds, cpu = seconds_of_the_middle(jobs, number, running)
        middle = number * 0.8
        shown = f"{middle / seconds:>8.1f}{1000 * cpu / middle:>16.0f}"
        print(f"{places:>6}{threads:>9}{number:>6}{shown}", flush=True)


@dataclass
class Running:
    """What works for us; each measure is the sum since it began."""

    redis_url: str
    worker: int

    def worker_seconds(self) -> float:
        return cpu_seconds(self.worker)

    def database_seconds(self) -> float:
        """Of the other connections to PostgreSQL; SQLite works inside the worker."""
        from django.db import connection

        if connection.vendor == "sqlite":
            return 0.0
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return sum(cpu_seconds(pid) for (pid,) in cursor.fetchall())

    def messages(self) -> int:
        import redis

        stats = redis.Redis.from_url(self.redis_url).info("commandstats")
        return int(stats.get("cmdstat_lpush", {}).get("calls", 0))


@contextmanager
def running_worker(folder: Path, threads: int) -> Iterator[Running]:
    """A Redis, a beat and a worker of so many threads."""
    from scripts import workers
    from scripts.demo import program
    from scripts.services import start_process, start_redis, stop_process

    redis = start_redis(folder / "redis")
    environment = {**os.environ, "REDIS_URL": redis.url, "LOG_LEVEL": "WARNING"}
    celery = [program("celery"), "-A", "juice"]
    beat = ["beat", "--pidfile=", "-s", str(folder / "beat")]
    processes = [
        start_process([*celery, *words], log=folder / "log", env=environment)
        for words in (workers.waiting(threads), beat)
    ]
    try:
        yield Running(redis.url, processes[0].pid)
    finally:
        for process in reversed(processes):
            stop_process(process)
        redis.stop()


def cpu_seconds(pid: int) -> float:
    """Of a process of this machine, and of the children that it has waited for; Linux only."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def seconds_of_the_middle(jobs: Any, number: int, running: Running) -> tuple[float, float]:
    """From a tenth to nine tenths done, so that neither start nor end is measured."""
    marks = []
    for share in (0.1, 0.9):
        while jobs.filter(state="done").count() < number * share:
            time.sleep(0.05)
        marks.append((time.perf_counter(), running.worker_seconds()))
    (began, cpu_before), (ended, cpu_after) = marks
    return ended - began, cpu_after - cpu_before


def measure_waiting(folder: Path, clip: bytes) -> None:
    """What a sweep costs that finds thousands of jobs and can send none or few."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from generation.jobs.waking import lease_due_jobs
    from generation.models import Endpoint, Job

    cases: dict[str, dict[str, Any]] = {
        "none may be sent: paused": {"paused_until": timezone.now() + timedelta(days=1)},
        "none may be sent: budget": {"paused_until": None, "total_jobs": 0},
        "two may be sent": {"total_jobs": None, "max_concurrency": 2},
        "fifty may be sent": {"max_concurrency": 50},
    }
    print(f"\nA sweep over waiting jobs; it runs every {SWEEP_SECONDS:g} s")
    print(f"{'jobs':>6}  {'case':<28}{'median ms':>11}{'p95 ms':>9}{'queries':>9}{'of a core':>11}")
    for number in (FEW, WAITING):
        Job.objects.all().delete()
        endpoint = make_endpoint(f"{number} waiting", "https://lab.example/v1")
        make_jobs(endpoint, number)
        jobs = Job.objects.filter(endpoint=endpoint)
        for name, values in cases.items():
            Endpoint.objects.filter(pk=endpoint.pk).update(**values)
            times = []
            for _ in range(SWEEPS):
                jobs.filter(wake_at__gt=timezone.now()).update(wake_at=timezone.now())
                times.append(seconds_of(lambda: lease_due_jobs(now=timezone.now())))
            jobs.filter(wake_at__gt=timezone.now()).update(wake_at=timezone.now())
            with CaptureQueriesContext(connection) as queries:
                lease_due_jobs(now=timezone.now())
            median = statistics.median(times)
            shown = f"{1000 * median:>11.1f}{1000 * percentile(times, 95):>9.1f}{len(queries):>9}"
            print(f"{number:>6}  {name:<28}{shown}{100 * median / SWEEP_SECONDS:>10.2f}%")


def measure_idle(folder: Path, clip: bytes) -> None:
    """What beat, a worker and the database do while every place is taken and jobs wait."""
    from django.utils import timezone

    from generation.models import Job

    print(f"\nWhile nothing can be sent: {IDLE_SECONDS} s of Redis, beat and one worker")
    print(f"{'jobs waiting':>12}{'queries/s':>11}{'messages/s':>12}{'worker':>9}{'database':>10}")
    for number in (0, WAITING):
        Job.objects.all().delete()
        endpoint = make_endpoint(f"{number} idle", "https://lab.example/v1", max_concurrency=1)
        (running_job,) = make_jobs(endpoint, 1)
        later = timezone.now() + timedelta(days=1)
        Job.objects.filter(pk=running_job).update(state="remote-pending", wake_at=later)
        make_jobs(endpoint, number)
        with running_worker(folder, threads=12) as running:
            time.sleep(SETTLE_SECONDS)
            before = running.messages(), running.worker_seconds(), running.database_seconds()
            time.sleep(IDLE_SECONDS)
            after = running.messages(), running.worker_seconds(), running.database_seconds()
        messages, worker, database = (
            (end - begin) / IDLE_SECONDS for begin, end in zip(before, after, strict=True)
        )
        shown = f"{messages:>12.2f}{100 * worker:>8.2f}%{100 * database:>9.2f}%"
        print(f"{number:>12}{queries_per_second():>11.1f}{shown}", flush=True)


def queries_per_second() -> float:
    """Of all sweeps that beat asks for, run here; the heartbeat asks nothing of the database."""
    from django.conf import settings
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from juice.celery import app

    app.loader.import_default_modules()
    per_second = 0.0
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        if not entry["task"].endswith(".sweep"):
            continue
        with CaptureQueriesContext(connection) as queries:
            app.tasks[entry["task"]]()
        per_second += len(queries) / entry["schedule"].run_every.total_seconds()
    return per_second


def make_endpoint(name: str, url: str, **values: Any) -> Any:
    from annotations.models import GenerativeModel
    from generation.models import Endpoint

    model = GenerativeModel.objects.create(name=name, slug=name.replace(" ", "-"))
    given = {"model": model, "name": name, "base_url": url, "remote_model": "m"}
    return Endpoint.objects.create(**given, is_internal=True, **values)


def make_jobs(endpoint: Any, number: int) -> list[int]:
    from django.utils import timezone

    from annotations.models import Prompt
    from generation.models import Job

    first = Prompt.objects.count()
    prompts = Prompt.objects.bulk_create(
        Prompt(key=f"p{n}", text=f"Prompt {n}", digest=f"{n:064d}")
        for n in range(first, first + number)
    )
    jobs = [Job(endpoint=endpoint, prompt=one, wake_at=timezone.now()) for one in prompts]
    return [job.pk for job in Job.objects.bulk_create(jobs)]


def make_clip(path: Path) -> bytes:
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(FRAMES):
            pixels = np.full((SIZE, SIZE, 3), number * 20, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path.read_bytes()


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100)[share - 1]


if __name__ == "__main__":
    sys.exit(main())
