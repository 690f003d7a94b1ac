"""Raters in a closed loop: each asks for the next comparison when the last one is saved.

python -m bench.raters.client KIND SITE RATERS SECONDS PLACE

KIND is bare, api or pages. Prints JSON: comparisons, seconds, and how long each one took.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

SLUG = "bench"
COOKIE = os.environ.get("BENCH_COOKIE", "")
"""Under which the pages look for the rater's credential."""
WARM_UP_SECONDS = 2.0
ASSIGNMENT = re.compile(r'name="assignment" value="([^"]+)"')
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
REASON = re.compile(r'name="(reason-[^"]+)"[^>]*value="([^"]+)"')
CHOICE = re.compile(r'name="(choice-[^"]+)"')
STAGE = re.compile(r'name="stage" value="([^"]+)"')


class Line:
    """One rater's connection, kept open."""

    def __init__(self, site: str, connection: Any = None) -> None:
        self.connection = connection or http.client.HTTPConnection(site, timeout=60)
        self.headers: dict[str, str] = {}
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: str = "", kind: str = "application/json") -> str:
        headers = {**self.headers, "Content-Type": kind}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self._send(method, path, body, headers)
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]}")
        return text

    def _send(self, method: str, path: str, body: str, headers: dict[str, str]) -> Any:
        """Once more where the server closed an idle line; every request may be repeated."""
        for last in (False, True):
            try:
                self.connection.request(method, path, body, headers)
                return self.connection.getresponse()
            except ConnectionError:
                self.connection.close()
                if last:
                    raise
        raise AssertionError

    def post(self, path: str, **values: Any) -> Any:
        return json.loads(self.ask("POST", path, json.dumps(values)) or "null")


def bare_rater(line: Line, number: int) -> Callable[[], None]:

    def judge() -> None:
        lease = line.post(f"/claim/{number}/")["id"]
        answers = [{"axis": axis, "choice": "left"} for axis in ("quality", "faithfulness")]
        line.post(f"/answer/{lease}/", answers=answers)

    return judge


def api_rater(line: Line, number: int) -> Callable[[], None]:
    joined = line.post(f"/api/v1/studies/{SLUG}/join/")
    line.headers["Authorization"] = f"Rater {joined['credential']}"
    given: list[Any] = []

    def judge() -> None:
        asked = given.pop() if given else line.post(f"/api/v1/studies/{SLUG}/claim/")["assignment"]
        while True:
            answers = [
                {"axis": one["key"], "choice": "left", "reasons": [one["reasons"][0]["key"]]}
                for one in asked["questions"]
            ]
            own = f"/api/v1/assignments/{asked['id']}"
            if asked["is_last_stage"]:
                sent = {"submission_id": str(uuid.uuid4()), "answers": answers, "playback": {}}
                given.append(line.post(f"{own}/submit/", **sent, next=True)["next"]["assignment"])
                return
            asked = line.post(f"{own}/draft/", answers=answers)

    return judge


def page_rater(line: Line, number: int) -> Callable[[], None]:
    """As the page's scripts do: the page, then each stage by fetch."""
    credential = line.post(f"/api/v1/studies/{SLUG}/join/")["credential"]
    line.cookies[COOKIE] = credential
    form = "application/x-www-form-urlencoded"

    def judge() -> None:
        line.headers.pop("X-Requested-With", None)
        text = line.ask("GET", f"/s/{SLUG}/rate/")
        assignment, token = _one(ASSIGNMENT, text), _one(TOKEN, text)
        line.headers["X-Requested-With"] = "fetch"
        while 'name="choice-' in text:
            values = {"assignment": assignment, "csrfmiddlewaretoken": token}
            values |= {"stage": _one(STAGE, text), "submission_id": str(uuid.uuid4())}
            values |= dict.fromkeys(CHOICE.findall(text), "left")
            values |= dict(reversed(REASON.findall(text)))
            text = line.ask("POST", f"/s/{SLUG}/rate/", urlencode(values), form)

    return judge


def _one(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    if found is None:
        raise RuntimeError(f"{pattern.pattern} is not in the page: {text[:300]}")
    return found.group(1)


KINDS = {"bare": bare_rater, "api": api_rater, "pages": page_rater}


def run(kind: str, site: str, raters: int, seconds: float, first: int) -> dict[str, Any]:
    """All raters from a barrier; what is done after the warm-up counts."""
    barrier = threading.Barrier(raters)
    times: list[float] = []
    failures: list[str] = []

    def work(number: int) -> None:
        try:
            judge = KINDS[kind](Line(site), number)
            barrier.wait()
            counts_from = time.monotonic() + WARM_UP_SECONDS
            while (began := time.monotonic()) < counts_from + seconds:
                judge()
                if began >= counts_from:
                    times.append(time.monotonic() - began)
        except Exception as error:
            failures.append(repr(error))
            barrier.abort()

    threads = [threading.Thread(target=work, args=(first + n,)) for n in range(raters)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"times": times, "seconds": seconds, "failures": failures}


if __name__ == "__main__":
    kind, site, raters, seconds, first = sys.argv[1:]
    print(json.dumps(run(kind, site, int(raters), float(seconds), int(first))))
