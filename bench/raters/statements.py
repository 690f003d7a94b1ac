"""How many statements a comparison takes, counted in one process."""

from __future__ import annotations

from typing import Any

from bench.raters.client import KINDS, Line


class InProcess:
    """Django's test client as a connection of `http.client`."""

    def __init__(self) -> None:
        from django.test import Client

        self.client = Client(SERVER_NAME="localhost")
        self.answer: Any = None

    def request(self, method: str, path: str, body: str, headers: dict[str, str]) -> None:
        kind = headers.pop("Content-Type")
        self.answer = self.client.generic(method, path, body, kind, headers=headers)

    def getresponse(self) -> InProcess:
        return self

    @property
    def status(self) -> int:
        return int(self.answer.status_code)

    @property
    def headers(self) -> InProcess:
        return self

    def get_all(self, name: str) -> list[str]:
        return [cookie.OutputString() for cookie in self.answer.cookies.values()]

    def read(self) -> bytes:
        return bytes(self.answer.content)


def count_statements(kind: str) -> int:
    """Of the second comparison of a rater, BEGIN and COMMIT left out."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    judge = KINDS[kind](Line("localhost", InProcess()), 0)
    judge()
    with CaptureQueriesContext(connection) as seen:
        judge()
    return sum(one["sql"].split()[0] not in ("BEGIN", "COMMIT") for one in seen.captured_queries)
