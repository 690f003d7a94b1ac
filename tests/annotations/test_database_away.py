"""What is answered while the database is away: that it passes, to people and to programs."""

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from psycopg import errors

from juice.error_pages import is_database_away
from juice.urls import urlpatterns as all_urls

AWAY = {
    "sqlite": [
        OperationalError("database is locked"),
        OperationalError("unable to open database file"),
        OperationalError("database or disk is full"),
        OperationalError("disk I/O error"),
    ],
    "postgresql": [
        OperationalError("couldn't get a connection after 30.00 sec"),
        psycopg.OperationalError("server closed the connection unexpectedly"),
        errors.AdminShutdown("terminating connection due to administrator command"),
        errors.CannotConnectNow("the database system is starting up"),
        errors.TooManyConnections("too many clients already"),
        errors.DiskFull("could not extend file"),
    ],
}
FAULTS = {
    "sqlite": [OperationalError("no such table: annotations_study")],
    "postgresql": [errors.DeadlockDetected("deadlock detected"), errors.QueryCanceled("timeout")],
}


def raised(cause: Exception) -> Exception:
    """As Django hands on what a driver says."""
    if not isinstance(cause, psycopg.Error):
        return cause
    try:
        raise OperationalError(*cause.args) from cause
    except OperationalError as error:
        return error


def away(request: HttpRequest) -> HttpResponse:
    raise raised(AWAY[connection.vendor][0])


urlpatterns = [
    path("s/away/", away),
    path("studies/+away/", away),
    path("api/v1/away/", away),
    *all_urls,
]
handler500 = "juice.error_pages.server_error"
pytestmark = pytest.mark.urls(__name__)


def test_what_passes_is_told_from_what_is_a_fault():
    for cause in AWAY[connection.vendor]:
        assert is_database_away(raised(cause)), cause
    for cause in FAULTS[connection.vendor]:
        assert not is_database_away(raised(cause)), cause
    assert is_database_away(InterfaceError("connection already closed")) == (
        connection.vendor == "postgresql"
    )
    assert not is_database_away(RuntimeError("database is locked"))
    assert not is_database_away(None)


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("en", "The server cannot answer at the moment"),
        ("es", "El servidor no puede responder en este momento"),
        ("zh-CN", "服务器暂时无法响应"),
        ("ar", "يتعذّر على الخادم الرد في الوقت الحالي"),
    ],
)
def test_raters_are_told_that_it_passes(language, title):
    answer = ask("/s/away/", {"Accept-Language": language})
    assert f"<h1>{title}</h1>" in answer.content.decode()


def test_owners_are_told_what_is_away():
    page = ask("/studies/+away/").content.decode()
    assert "<h1>The database does not answer</h1>" in page
    assert "Nothing was saved of what was sent just now." in page


@pytest.mark.parametrize(
    ("address", "headers"), [("/api/v1/away/", {}), ("/s/away/", {"X-Requested-With": "fetch"})]
)
def test_programs_and_the_rating_page_are_told_when_to_ask_again(address, headers):
    answer = ask(address, headers)
    assert answer.headers["Retry-After"] == "2"
    assert (answer.json()["status"], answer.json()["code"]) == (503, "unavailable")


def ask(address, headers=None):
    answer = Client(raise_request_exception=False).get(address, headers=headers or {})
    assert answer.status_code == 503
    return answer
