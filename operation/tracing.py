"""Traces of requests, tasks and their statements for a collector, where one is set.

Made here and not by a library that traces all of Django: that would send whole addresses, and a
panel's link holds a person's id. Nothing stands in a span but names of routes and tasks, keys of
rows, ids of requests, and statements without their values.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

from celery.signals import before_task_publish, task_postrun, task_prerun
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.db import connection
from django.http import HttpRequest, HttpResponse

from annotations.about import about
from operation.timing import view_name

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

PARENT = "traceparent"
"""The header by which a task belongs to the request that queued it: W3C's trace context."""
KEPT_IDS = ("request", "study")
LONGEST_SQL = 2000

under_way: ContextVar[tuple[ExitStack, Span] | None] = ContextVar("under_way", default=None)


def is_on() -> bool:
    return bool(settings.OTEL_EXPORTER_OTLP_ENDPOINT)


def exporter() -> SpanExporter:
    """It reads its address and whatever else is in OpenTelemetry's own variables."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


@cache
def provider(process: int) -> TracerProvider:
    """One for each process: the thread that sends does not outlive a fork."""
    try:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ImproperlyConfigured(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed: "
            "pip install -r requirements/tracing.txt"
        ) from error
    os.environ.setdefault("OTEL_SERVICE_NAME", "juice")
    made = TracerProvider()
    made.add_span_processor(BatchSpanProcessor(exporter()))
    return made


@contextmanager
def span(name: str, *, parent: str = "", **attributes: str | int) -> Iterator[Span]:
    """What went wrong is told by the log: an error's words may name somebody."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    tracer = provider(os.getpid()).get_tracer("juice")
    with tracer.start_as_current_span(
        name,
        context=TraceContextTextMapPropagator().extract({PARENT: parent}) if parent else None,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as started:
        yield started


def say_failed(started: Span) -> None:
    from opentelemetry.trace import StatusCode

    started.set_status(StatusCode.ERROR)


class TracedRequests:
    """Left out altogether while no collector is set."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not is_on():
            raise MiddlewareNotUsed
        provider(os.getpid())
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with span("request") as started, connection.execute_wrapper(traced_statement):
            response = self.get_response(request)
            view = view_name(request)
            started.update_name(f"{request.method} {view}")
            started.set_attribute("http.route", view)
            started.set_attribute("http.request.method", request.method or "")
            started.set_attribute("http.response.status_code", response.status_code)
            for name in KEPT_IDS:
                started.set_attribute(f"juice.{name}", about.get().get(name, ""))
            if response.status_code >= 500:
                say_failed(started)
        return response


def traced_statement(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Its values are apart from it, and stay out."""
    words = str(sql)[:LONGEST_SQL]
    name, system = words.split(None, 1)[0], context["connection"].vendor
    with span(name, **{"db.query.text": words, "db.system.name": system}):
        return execute(sql, params, many, context)


@before_task_publish.connect
def hand_on_trace(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if is_on() and headers is not None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        TraceContextTextMapPropagator().inject(headers)


@task_prerun.connect
def begin_traced_task(task_id: str, task: Any, args: Any = (), **_: Any) -> None:
    if not is_on():
        return
    stack = ExitStack()
    ids = {"juice.task": task_id, "juice.args": " ".join(map(str, args or ()))}
    started = stack.enter_context(span(task.name, parent=task.request.get(PARENT) or "", **ids))
    stack.enter_context(connection.execute_wrapper(traced_statement))
    under_way.set((stack, started))


@task_postrun.connect
def end_traced_task(state: str | None = None, **_: Any) -> None:
    found = under_way.get()
    if found is None:
        return
    stack, started = found
    if state != "SUCCESS":
        say_failed(started)
    stack.close()
    under_way.set(None)
