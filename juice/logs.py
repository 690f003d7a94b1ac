"""Logs that say to which request, task and study a line belongs, and nothing of people.

Ids alone: no addresses of the net, no query strings (a panel's link holds a person's id), no
names. A task has the id of the request that queued it.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse

from annotations.about import NOTHING, about, say_about

HEADER = "X-Request-ID"
TASK_HEADER = "juice_request"
# As proxies make them; anything else could forge lines, or be somebody's name.
READABLE_ID = re.compile(r"[0-9A-Za-z-]{8,64}")


def request_id_of(sent: str) -> str:
    """The id that a proxy gave, if it is one; else a new one."""
    return sent if READABLE_ID.fullmatch(sent) else uuid.uuid4().hex


class NamedRequests:
    """Give every request an id, and say it in the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_id_of(request.headers.get(HEADER, ""))
        # Until the request has ended: what went wrong is logged after the last middleware.
        about.set({"request": request_id})
        response = self.get_response(request)
        response.headers[HEADER] = request_id
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: dict[str, Any]
    ) -> None:
        """Every address that names a study calls it `slug`."""
        if "slug" in kwargs:
            say_about(study=kwargs["slug"])


@request_finished.connect
def end_request(**_: Any) -> None:
    about.set(NOTHING)


@before_task_publish.connect
def hand_on_request(headers: dict[str, Any] | None = None, **_: Any) -> None:
    request_id = about.get().get("request")
    if request_id and headers is not None:
        headers[TASK_HEADER] = request_id


@task_prerun.connect
def begin_task(task_id: str, task: Any, args: Any = (), **_: Any) -> None:
    asked_by = task.request.get(TASK_HEADER)
    ids = {"task": task_id, "name": task.name, "args": list(args or ())}
    ids |= {"request": asked_by} if asked_by else {}
    about.set(ids)


@task_postrun.connect
def end_task(**_: Any) -> None:
    about.set(NOTHING)


class WithIds(logging.Filter):
    """Puts the ids on each line."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.about = dict(about.get())
        return True


class PlainLines(logging.Formatter):
    """For people: the ids stand behind the words."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        line = super().formatMessage(record)
        ids = " ".join(f"{name}={value}" for name, value in getattr(record, "about", {}).items())
        return f"{line} [{ids}]" if ids else line


class JsonLines(logging.Formatter):
    """For programs: one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        said = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "about", {}),
        }
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)
