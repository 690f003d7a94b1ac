"""Lines of the log say what they are about, and nothing of people."""

import json
import logging

import pytest
from django.test import Client
from django.utils import timezone

from analysis.models import Report
from analysis.services import making
from analysis.tasks import compute
from annotations.about import say_about
from generation.enums import JobState
from generation.jobs.calling import JobContext
from generation.models import Job
from juice.logs import (
    NOTHING,
    JsonLines,
    PlainLines,
    WithIds,
    about,
    begin_task,
    end_task,
    hand_on_request,
    request_id_of,
)
from tests.owner.at_work import study_with_jobs


@pytest.fixture
def lines():
    """What is logged meanwhile, as programs and as people read it."""

    class Both(logging.Handler):
        def emit(self, record):
            said.append((json.loads(JsonLines().format(record)), plain.format(record)))

    said, plain, handler = [], PlainLines("%(levelname)s %(message)s"), Both()
    handler.addFilter(WithIds())
    root = logging.getLogger()
    root.addHandler(handler)
    yield said
    root.removeHandler(handler)
    about.set(NOTHING)


def test_a_line_is_an_object_with_what_it_is_about(lines):
    about.set({"request": "r" * 8, "study": "one"})
    logging.getLogger("x").warning("%s of “%s”", 2, "it\nall")
    about.set(NOTHING)
    logging.getLogger("x").warning("after")
    (first, plain), (after, plain_after) = lines
    assert {name: first[name] for name in ("level", "logger", "message", "request", "study")} == {
        "level": "WARNING",
        "logger": "x",
        "message": "2 of “it\nall”",
        "request": "rrrrrrrr",
        "study": "one",
    }
    assert first["time"].endswith("+00:00")
    assert plain == "WARNING 2 of “it\nall” [request=rrrrrrrr study=one]"
    assert ("request" in after, plain_after) == (False, "WARNING after")


def test_a_failure_keeps_its_trace_within_the_line(lines):
    try:
        raise ValueError("no such thing")
    except ValueError:
        logging.getLogger("x").exception("failed")
    assert "ValueError: no such thing" in lines[0][0]["trace"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("0af7651916cd43dd8448eb211c80319c", True),
        ("a-b-c-d-e", True),
        ("", False),
        ("short", False),
        ("x" * 65, False),
        ("a person@example.org", False),
        ("two\nlines-of-log", False),
    ],
)
def test_only_what_looks_like_an_id_is_taken_from_a_proxy(sent, kept):
    assert (request_id_of(sent) == sent) is kept
    assert len(request_id_of(sent)) >= 8


@pytest.mark.django_db
def test_a_request_is_named_in_its_lines_and_in_its_answer(lines):
    given = {"X-Request-ID": "0af7651916cd43dd"}
    answer = Client(headers=given).get("/s/nothing-here/rate/?PROLIFIC_PID=5f3c")
    assert answer.headers["X-Request-ID"] == given["X-Request-ID"]
    [(said, _)] = [line for line in lines if line[0]["logger"] == "django.request"]
    assert (said["request"], said["study"]) == (given["X-Request-ID"], "nothing-here")
    assert "5f3c" not in json.dumps(lines)
    others = {Client().get("/healthz").headers["X-Request-ID"] for _ in range(2)}
    assert len(others) == 2
    assert about.get() == NOTHING


def test_a_task_says_its_own_id_and_that_of_the_request_that_queued_it(lines):
    headers = {}
    about.set({"request": "r" * 8, "study": "one"})
    hand_on_request(headers=headers)
    task = type("Task", (), {"name": "annotations.tasks.render", "request": headers})
    begin_task("t1", task, args=[12])
    logging.getLogger("x").info("under way")
    logging.getLogger("x").warning("under way")
    end_task()
    logging.getLogger("x").warning("after")
    under_way, after = [said for said, _ in lines if said["level"] == "WARNING"]
    expected = {"task": "t1", "name": task.name, "args": [12], "request": "rrrrrrrr"}
    assert expected.items() <= under_way.items()
    assert "task" not in after


@pytest.mark.django_db
def test_a_step_of_a_job_and_a_report_name_their_study(lines, monkeypatch):
    study = study_with_jobs((JobState.REMOTE_PENDING, {}))
    job = Job.objects.get()
    report = Report.objects.create(
        study=study, fingerprint="0", votes=0, last_judgment_id=0, queued_at=timezone.now()
    )
    begin_task("t3", type("Task", (), {"name": "generation.tasks.poll", "request": {}}), [job.pk])
    JobContext(job)
    logging.getLogger("x").warning("a job")
    begin_task("t4", type("Task", (), {"name": "analysis.tasks.compute", "request": {}}))
    monkeypatch.setattr(making, "compute_report", lambda **_: logging.getLogger("x").warning("r"))
    compute(report.pk)
    of_job, of_report = (said for said, _ in lines)
    assert {"task": "t3", "job": job.pk, "study_id": study.pk}.items() <= of_job.items()
    assert {"task": "t4", "report": report.pk, "study_id": study.pk}.items() <= of_report.items()
    assert "job" not in of_report


def test_outside_of_requests_and_tasks_nothing_stays():
    say_about(job=1)
    assert about.get() == NOTHING


def test_a_task_that_nobody_asked_for_says_no_request(lines):
    headers = {}
    hand_on_request(headers=headers)
    assert headers == {}
    begin_task("t2", type("Task", (), {"name": "generation.tasks.sweep", "request": headers}))
    logging.getLogger("x").warning("under way")
    end_task()
    assert "request" not in lines[0][0]
