"""Traces of requests and tasks, without anything of people."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from django.test import Client
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from operation import tracing
from operation.tracing import TracedRequests, begin_traced_task, end_traced_task, hand_on_trace
from tests.annotations.factories import make_study
from tests.processes import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def spans(settings, monkeypatch):
    """Ask for what was traced up to now, the earliest that ended first."""
    kept = InMemorySpanExporter()
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://collector:4318"
    monkeypatch.setattr(tracing, "exporter", lambda: kept)
    tracing.provider.cache_clear()

    def finished():
        tracing.provider(os.getpid()).force_flush()
        return kept.get_finished_spans()

    yield finished
    tracing.provider(os.getpid()).shutdown()
    tracing.provider.cache_clear()


def run_task(headers=(), *, state="SUCCESS") -> None:
    task = SimpleNamespace(name="generation.tasks.poll", request=dict(headers))
    begin_traced_task(task_id="t1", task=task, args=[12])
    end_traced_task(state=state)


def test_a_request_names_its_view_and_no_person(spans):
    study = make_study()
    Client().get(f"/s/{study.slug}/?PROLIFIC_PID=5f3c9a")
    *statements, request = spans()
    assert request.name == "GET rater-welcome"
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["juice.study"] == study.slug
    assert {one.parent.span_id for one in statements} == {request.context.span_id}
    assert "5f3c9a" not in "".join(one.to_json() for one in spans())


def test_statements_stand_there_without_their_values(spans):
    Client().get("/s/no-such-study/")
    statements = [one for one in spans() if one.name == "SELECT"]
    assert statements
    assert "no-such-study" not in "".join(one.to_json() for one in statements)
    assert all("annotations_" in one.attributes["db.query.text"] for one in statements)


def test_a_task_belongs_to_the_trace_of_what_queued_it(spans):
    headers = {}
    with tracing.span("request") as request:
        hand_on_trace(headers=headers)
    run_task(headers)
    task = next(one for one in spans() if one.name == "generation.tasks.poll")
    assert task.parent.span_id == request.get_span_context().span_id
    assert dict(task.attributes) == {"juice.task": "t1", "juice.args": "12"}


def test_a_task_of_its_own_begins_a_trace(spans):
    run_task()
    [task] = spans()
    assert (task.parent, task.status.is_ok) == (None, True)


def test_a_task_that_failed_says_so(spans):
    run_task(state="FAILURE")
    [task] = spans()
    assert not task.status.is_ok


def test_without_a_collector_nothing_is_traced(settings):
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = ""
    tracing.provider.cache_clear()
    headers = {}
    Client().get("/healthz")
    hand_on_trace(headers=headers)
    run_task()
    assert (headers, tracing.provider.cache_info().currsize) == ({}, 0)
    with pytest.raises(tracing.MiddlewareNotUsed):
        TracedRequests(lambda request: None)


def test_a_collector_without_the_library_stops_the_start(tmp_path):
    """With what to install, rather than with traces that nobody gets."""
    hide = "import sys; sys.modules['opentelemetry.sdk.trace'] = None; import juice.wsgi"
    started = subprocess.run(
        [sys.executable, "-c", hide],
        cwd=ROOT,
        env={
            "DEBUG": "1",
            "VAR_DIR": str(tmp_path),
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == 1
    assert "pip install -r requirements/tracing.txt" in started.stderr
