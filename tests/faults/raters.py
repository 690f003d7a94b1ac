"""Raters who judge without a pause by the API, and write down what was acknowledged to them.

A request that fails is sent again as it was, as the rater's page does it, until it is answered.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PAUSE_SECONDS = 0.2
LOOK_SECONDS = 0.1
"""At each pair, so that a few raters on a quick machine do not judge all there are."""
REQUEST_SECONDS = 10
AWAY = (http.client.HTTPException, OSError)
SIDES = ("left", "right")


@dataclass(frozen=True)
class Acknowledged:
    """An answer that the server said it has, and when the request for it began."""

    submission: str
    choices: dict[str, str]
    began: float
    at: float


class Stopped(Exception):
    """No more is to be judged."""


@dataclass
class Raters:
    """So many people at once on one study; all ends with the block."""

    site: str
    slug: str
    count: int
    acknowledged: list[Acknowledged] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    loses_answers: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Raters:
        self.threads = [
            threading.Thread(target=self._work, args=(number,)) for number in range(self.count)
        ]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def first_since(self, moment: float) -> Acknowledged | None:
        """The first answer whose request began after that moment."""
        since = [one for one in list(self.acknowledged) if one.began > moment]
        return min(since, key=lambda one: one.at, default=None)

    def _work(self, number: int) -> None:
        try:
            Rater(self, number).judge_all()
        except Stopped:
            return
        except Exception as error:
            self.refused.append(f"rater {number}: {error!r}")


class Refused(Exception):
    """The server answered with a rule, not with a fault."""


class Rater:
    """One person with a connection of their own."""

    def __init__(self, group: Raters, number: int) -> None:
        self.group, self.number = group, number
        self.headers = {"Content-Type": "application/json"}
        self.place = urlsplit(group.site).netloc
        self.line = self._new_line()

    def judge_all(self) -> None:
        study = f"/api/v1/studies/{self.group.slug}"
        joined = self.post(f"{study}/join/", {"external_id": f"person-{self.number}"})
        self.headers["Authorization"] = f"Rater {joined['credential']}"
        while (turn := self.post(f"{study}/claim/", {}))["turn"] == "pair":
            time.sleep(LOOK_SECONDS)
            self._judge(turn["assignment"])

    def _judge(self, asked: dict[str, Any]) -> None:
        own = f"/api/v1/assignments/{asked['id']}"
        submission, choices = str(uuid.uuid4()), {}
        while True:
            side = SIDES[hash(submission) % 2]
            answers = [
                {"axis": one["key"], "choice": side, "reasons": [one["reasons"][0]["key"]]}
                for one in asked["questions"]
            ]
            choices |= {one["axis"]: side for one in answers}
            if asked["is_last_stage"]:
                break
            asked = self.post(f"{own}/draft/", {"answers": answers})
        began = time.monotonic()
        self.post(f"{own}/submit/", {"submission_id": submission, "answers": answers})
        done = Acknowledged(submission, choices, began, time.monotonic())
        self.group.acknowledged.append(done)

    def post(self, path: str, values: dict[str, Any]) -> Any:
        """The answer, however often it has to be asked for."""
        body = json.dumps(values)
        while True:
            if self.group.stopped.is_set():
                raise Stopped
            try:
                status, text = self._sent(path, body)
            except AWAY as error:
                self._again(type(error).__name__)
                continue
            if status < 400:
                return json.loads(text)
            if status < 500 and status != 429:
                raise Refused(f"{path}: {status} {text[:300]}")
            self._again(str(status))

    def _sent(self, path: str, body: str) -> tuple[int, str]:
        self.line.request("POST", path, body, self.headers)
        if self.group.loses_answers.is_set() and "submit" in path and self.number % 2:
            time.sleep(PAUSE_SECONDS)
            raise ConnectionResetError
        answer = self.line.getresponse()
        return answer.status, answer.read().decode()

    def _again(self, why: str) -> None:
        self.group.met[why] += 1
        self.line.close()
        self.line = self._new_line()
        time.sleep(PAUSE_SECONDS)

    def _new_line(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.place, timeout=REQUEST_SECONDS)
