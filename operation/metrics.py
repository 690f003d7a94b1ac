"""`/metrics`: how the installation stands, as Prometheus reads it.

What is of the installation is read from database and Redis when it is asked for, so any process
may answer. What is of a process (its requests) is named so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from operation.faults import faults_of, workers_of
from operation.signs import NOTHING_SEEN, SweepSeen
from operation.state import PARTS, Installation, read_installation
from operation.timing import REQUESTS

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Values = Iterable[tuple[str, float | None]]


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For who has the token; without one set, the address is not there."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not constant_time_compare(_sent_token(request), settings.METRICS_TOKEN):
        answer = HttpResponse("The token is missing or wrong.\n", CONTENT_TYPE, status=401)
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    return HttpResponse(generate_latest(_registry()), CONTENT_TYPE)


def _sent_token(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


@cache
def _registry() -> CollectorRegistry:
    """Ours alone: what the library says of Python is not asked."""
    registry = CollectorRegistry()
    registry.register(InstallationCollector())
    registry.register(REQUESTS)
    return registry


class InstallationCollector(Collector):
    """Reads the installation anew for each scrape."""

    def collect(self) -> Iterator[Metric]:
        return families(read_installation(timezone.now()))

    def describe(self) -> Iterable[Metric]:
        """Nothing is read to register it."""
        return []


def families(state: Installation) -> Iterator[Metric]:
    """What is not known has no sample, rather than a 0."""
    yield _gauge(
        "juice_up",
        "Whether a part answers: the database, Redis, the disk of files in the making.",
        "part",
        ((part, float(state.answers(part))) for part in PARTS),
    )
    faults = len(faults_of(state))
    yield _gauge("juice_faults", "Faults that the page of operation names.", "", [("", faults)])
    yield from _of_redis(state)
    yield from _of_database(state)
    yield from _of_disks(state)


def _of_redis(state: Installation) -> Iterator[Metric]:
    signs = state.signs or NOTHING_SEEN
    lengths = signs.lengths
    yield _gauge("juice_queue_length", "Tasks that wait in a queue.", "queue", lengths.items())
    yield _gauge(
        "juice_queue_workers",
        "Workers seen in the last minute that take from a queue.",
        "queue",
        ((queue, workers_of(signs, queue, state.at)) for queue in lengths),
    )
    for name, words, figure in SWEEP_FIGURES:
        yield _gauge(name, words, "sweep", ((one.task, figure(one)) for one in signs.sweeps))


SWEEP_FIGURES: list[tuple[str, str, Callable[[SweepSeen], float | None]]] = [
    (
        "juice_sweep_ended_timestamp_seconds",
        "When a periodic task last ended well.",
        lambda one: one.ended_at.timestamp() if one.ended_at else None,
    ),
    (
        "juice_sweep_duration_seconds",
        "How long a periodic task took, the last time.",
        lambda one: one.seconds,
    ),
    (
        "juice_sweep_failed",
        "Whether a periodic task has failed since it last ended well.",
        lambda one: float(one.has_failed),
    ),
]


def _of_database(state: Installation) -> Iterator[Metric]:
    counts = state.counts
    by_state: list[tuple[str, str, str, Mapping[str, int]]] = [
        ("juice_jobs", "Jobs, by state.", "state", counts.jobs if counts else {}),
        ("juice_reports", "Reports, by state.", "state", counts.reports if counts else {}),
        ("juice_imports", "Imports, by state.", "state", counts.imports if counts else {}),
        (
            "juice_failures_last_day",
            "Jobs, reports, imports and work of sweeps that failed in the last 24 hours.",
            "kind",
            counts.failures if counts else {},
        ),
    ]
    for name, words, label, values in by_state:
        yield _gauge(name, words, label, values.items())
    alone = [
        (
            "juice_assignments_leased",
            "Comparisons in the hands of raters now.",
            counts.leased if counts else None,
        ),
        (
            "juice_judgments_last_hour",
            "Judgments of the last hour.",
            counts.judged_last_hour if counts else None,
        ),
        ("juice_database_bytes", "Size of the database.", state.database_bytes),
    ]
    for name, words, value in alone:
        yield _gauge(name, words, "", [("", value)])


def _of_disks(state: Installation) -> Iterator[Metric]:
    yield _gauge(
        "juice_disk_free_bytes",
        "Room left where a kind of files lies, as seen by the process that answers.",
        "folder",
        ((disk.key, disk.free) for disk in state.disks),
    )
    yield _gauge(
        "juice_disk_bytes",
        "The size of that disk.",
        "folder",
        ((disk.key, disk.total) for disk in state.disks),
    )


def _gauge(name: str, words: str, label: str, values: Values) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=[label] if label else [])
    for of, value in values:
        if value is not None:
            family.add_metric([of] if label else [], value)
    return family
