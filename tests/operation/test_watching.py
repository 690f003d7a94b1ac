"""The beat looks, and tells by mail and webhook; also while the database or Redis is away."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.core import mail
from django.db import DatabaseError

from generation.enums import JobState
from operation import state, watching
from operation.alerts import Notice
from operation.faults import Fault
from operation.signs import queue_names, read_signs
from operation.telling import tell
from operation.watching import FaultWatch, keep_looking, start_watching
from tests.owner.at_work import study_with_jobs
from tests.processes import ROOT, running_stack
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db

AT = datetime.fromisoformat("2026-11-30T12:00:00+00:00")
NOTICE = Notice(Fault("redis", "Redis does not answer.", "Start it."), has_ended=False, at=AT)


class Receiver(ThreadingHTTPServer):
    """A webhook that keeps what it was sent."""

    def __init__(self, *, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Receiving)
        self.status, self.received = status, []
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?key=secret"


class Receiving(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def webhook(settings) -> Iterator[Receiver]:
    receiver = Receiver()
    settings.ALERT_WEBHOOK = receiver.url
    yield receiver
    receiver.shutdown()
    receiver.server_close()


def test_a_fault_is_mailed_with_what_to_do(settings):
    settings.ALERT_MAIL = ["operator@example.org", "other@example.org"]
    assert tell(NOTICE)
    [sent] = mail.outbox
    assert (sent.subject, sent.to) == ("[Juice] Fault: Redis does not answer.", settings.ALERT_MAIL)
    assert sent.body.split("\n\n") == [
        "Redis does not answer.",
        "Since 2026-11-30T12:00:00+00:00.",
        "Start it.",
        f"{settings.PUBLIC_URL}/operation/",
    ]


def test_its_end_is_mailed_too(settings):
    settings.ALERT_MAIL = ["operator@example.org"]
    assert tell(Notice(NOTICE.fault, has_ended=True, at=AT))
    assert mail.outbox[0].subject == "[Juice] Over: Redis does not answer."


def test_a_fault_is_posted(settings, webhook):
    assert tell(NOTICE)
    assert webhook.received == [
        {
            "text": f"Fault: Redis does not answer. {settings.PUBLIC_URL}/operation/",
            "site": settings.PUBLIC_URL,
            "fault": "redis",
            "event": "began",
            "words": "Redis does not answer.",
            "what_to_do": "Start it.",
            "at": "2026-11-30T12:00:00+00:00",
        }
    ]


def test_a_webhook_that_refuses_was_told_nothing(webhook, caplog):
    webhook.status = 500
    assert not tell(NOTICE)
    assert "secret" not in caplog.text


def test_one_way_that_works_is_enough(settings, webhook):
    settings.ALERT_MAIL = ["operator@example.org"]
    webhook.status = 302
    assert tell(NOTICE)


def test_a_mail_server_that_is_away_was_told_nothing(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT, settings.ALERT_MAIL = 1, ["operator@example.org"]
    assert not tell(NOTICE)


def test_nobody_watches_for_nobody(settings):
    settings.ALERT_MAIL, settings.ALERT_WEBHOOK = [], ""
    assert start_watching() is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ALERT_WEBHOOK": "http://chat/hook"}, "ALERT_WEBHOOK is an https:// address"),
        ({"ALERT_WEBHOOK": "ftp://chat", "ALERT_WEBHOOK_PLAIN": "1"}, "ALERT_WEBHOOK is an"),
        ({"ALERT_WEBHOOK": "http://chat/hook", "ALERT_WEBHOOK_PLAIN": "1"}, ""),
        ({"ALERT_WEBHOOK": "https://chat/hook"}, ""),
    ],
)
def test_a_webhook_is_posted_to_by_https_unless_plain_is_allowed(tmp_path, given, said):
    environment = {"DEBUG": "1", "VAR_DIR": str(tmp_path)}
    started = subprocess.run(
        [sys.executable, "-c", "import juice.settings"],
        cwd=ROOT,
        env=environment | given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (started.returncode == 0) == (said == "")
    assert said in started.stderr


@pytest.mark.usefixtures("no_redis")
def test_a_redis_that_is_away_is_told_without_a_word_of_a_study(now, settings, webhook):
    study_with_jobs((JobState.FAILED, {"error": "No foxes.", "finished_at": now}))
    watch = FaultWatch()
    watch.look(now=now)
    watch.look(now=now + timedelta(minutes=1))
    [told] = webhook.received
    assert (told["fault"], told["event"]) == ("redis", "began")
    assert not {"planned", "foxes", "secret"} & set(json.dumps(told).replace(".", " ").split())


def away(*_: object) -> int:
    raise DatabaseError


@pytest.fixture
def heard() -> list[tuple[str, bool]]:
    return []


def watch_into(heard: list[tuple[str, bool]]) -> FaultWatch:
    def keep(notice: Notice) -> bool:
        heard.append((notice.fault.key, notice.has_ended))
        return True

    return FaultWatch(tell=keep)


def look_while_away(watches: list[FaultWatch], now: datetime) -> None:
    """For two minutes without a database, then with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "database_bytes", away)
        for minute in range(3):
            for watch in watches:
                watch.look(now=now + timedelta(minutes=minute))
    for watch in watches:
        watch.look(now=now + timedelta(minutes=3))


def test_a_database_that_is_away_is_told_once_by_several_beats(at_work, now, heard):
    watching.cache.delete(watching.TOLD_KEY)
    look_while_away([watch_into(heard), watch_into(heard)], now)
    assert heard == [("database", False), ("database", True)]


def test_it_is_told_while_redis_is_away_too(monkeypatch, now, heard):
    monkeypatch.setattr(watching, "_asked_redis", lambda ask: None)
    look_while_away([watch_into(heard)], now)
    assert heard == [("database", False), ("database", True)]


def test_a_look_that_fails_is_not_the_last(monkeypatch, caplog):
    monkeypatch.setattr(watching.connection, "close", lambda: None)
    monkeypatch.setattr(FaultWatch, "look", lambda self, *, now: 1 / 0)
    rounds = iter([False, False, True])
    keep_looking(FaultWatch(), is_over=lambda: next(rounds))
    assert caplog.text.count("a look at the installation failed") == 2


@pytest.mark.live
@pytest.mark.xdist_group("live")
@pytest.mark.timeout(120)
@pytest.mark.django_db(transaction=True)
def test_workers_and_sweeps_are_seen(tmp_path, settings):
    with running_stack(tmp_path, worker=False) as stack:
        settings.REDIS_URL = stack.redis.url
        stack.start_worker()
        stack.start_beat()
        wait_for(is_all_seen, "a worker and every periodic task")


def is_all_seen() -> bool:
    seen = read_signs()
    queues = {queue for worker in seen.workers for queue in worker.queues}
    return queues == set(queue_names()) and all(one.ended_at for one in seen.sweeps)
