"""How the installation stands: counts, failures, disks, the database, and what is away."""

from __future__ import annotations

import threading
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from analysis.models import Report
from annotations.enums import ImportState
from annotations.models import ClipImport, ImportRow, Trouble
from generation.enums import JobState
from generation.models import Job
from operation import databases, state
from operation.counts import count_judgments, read_counts
from operation.databases import SlowStatement, database_bytes, slow_statements
from operation.disks import read_disks
from operation.failures import read_failures
from operation.faults import faults_of
from operation.state import read_installation
from tests.annotations.factories import claim, judge, make_rater, make_study
from tests.owner.at_work import fail_report, study_with_jobs

pytestmark = pytest.mark.django_db
A_DAY = timedelta(days=1)


def test_everything_answers(at_work, now):
    found = read_installation(now)
    assert (dict(found.away), faults_of(found)) == ({}, [])
    assert found.database_bytes > 0


@pytest.mark.usefixtures("no_redis")
def test_a_redis_that_is_away_is_named_without_its_address(now):
    found = read_installation(now)
    assert (dict(found.away), found.signs) == ({"redis": "ConnectionError"}, None)
    assert found.counts is not None
    assert "secret" not in repr(faults_of(found))


def test_a_database_that_is_away_is_asked_once(at_work, now, monkeypatch):
    def away() -> int:
        asked.append(1)
        raise DatabaseError("secret")

    asked: list[int] = []
    monkeypatch.setattr(state, "database_bytes", away)
    monkeypatch.setattr(state, "read_counts", lambda now: away())
    found = read_installation(now)
    assert (dict(found.away), found.counts, len(asked)) == ({"database": "DatabaseError"}, None, 1)


def test_a_disk_that_takes_no_files_is_away(at_work, now, settings, tmp_path):
    settings.SCRATCH_DIR = tmp_path / "a file"
    settings.SCRATCH_DIR.write_text("no folder")
    assert dict(read_installation(now).away) == {"disk": "FileExistsError"}


def test_each_kind_of_files_has_its_disk(settings, tmp_path):
    settings.SCRATCH_DIR = tmp_path / "not" / "there"
    assert [disk.key for disk in read_disks()] == ["scratch", "media"]
    assert all(0 < disk.free <= disk.total for disk in read_disks())


def test_jobs_are_counted_by_state(now):
    study_with_jobs((JobState.READY, {}), (JobState.FAILED, {"error": "Out of memory."}))
    jobs = read_counts(now).jobs
    assert {name: n for name, n in jobs.items() if n} == {"ready": 1, "failed": 1}
    assert set(jobs) == set(JobState.values)


def test_what_raters_hold_is_counted_while_they_have_time(now):
    given = claim(make_rater(make_study()), now=now)
    assert read_counts(now).leased == 1
    assert read_counts(given.lease_expires_at + timedelta(seconds=1)).leased == 0


def test_judgments_of_the_last_hour_are_counted(now):
    rater = make_rater(make_study(comparisons=3))
    for minutes in (90, 30, 10):
        judge(rater, now=now - timedelta(minutes=minutes))
    # Each is judged on two axes.
    assert count_judgments(since=now - timedelta(hours=1)) == 4
    assert count_judgments(since=now - timedelta(hours=2)) == 6


def test_jobs_that_failed_alike_are_one_failure(now):
    words = {"error": "Out of memory.", "finished_at": now}
    study_with_jobs((JobState.FAILED, words), (JobState.FAILED, words))
    [failure] = read_failures(since=now - A_DAY)
    assert (failure.words, failure.times) == ("Out of memory.", 2)
    assert failure.what_to_do and failure.url
    assert read_counts(now).failures == {"job": 2, "report": 0, "import": 0, "sweep": 0}


def test_what_failed_earlier_is_not_of_the_last_day(now):
    words = {"error": "Out of memory.", "finished_at": now - 2 * A_DAY}
    study_with_jobs((JobState.FAILED, words))
    assert read_failures(since=now - A_DAY) == []


def test_what_was_given_up_has_not_failed(now):
    study_with_jobs((JobState.CANCELLED, {"error": "Given up.", "finished_at": now}))
    assert read_failures(since=now - A_DAY) == []


def test_a_report_an_import_and_a_sweep_say_what_stopped_them(now):
    study = make_study()
    report = Report.objects.create(
        study=study, fingerprint="0", votes=0, last_judgment_id=0, queued_at=now
    )
    fail_report(report, finished_at=now)
    refused = ClipImport.objects.create(
        study=study, source="x", digest="0", state=ImportState.REFUSED, finished_at=now
    )
    ImportRow.objects.create(clip_import=refused, where="1", state="bad", problem="No video.")
    Trouble.objects.create(
        study=study, work="import", error="The disk is full.", since=now, last_at=now
    )
    found = {failure.kind: failure for failure in read_failures(since=now - A_DAY)}
    assert {kind: failure.words for kind, failure in found.items()} == {
        "Report not made": "The disk is full. Make room on it.",
        "Import refused": "1 of its clips cannot be taken. No video.",
        "Finishing an import": "The disk is full.",
    }
    assert found["Report not made"].times == 3


def test_the_number_of_questions_does_not_grow_with_the_jobs(now, django_assert_num_queries):
    words = {"error": "Out of memory.", "finished_at": now}
    study_with_jobs(*[(JobState.FAILED, words)] * 3)
    with django_assert_num_queries(4):
        assert len(read_failures(since=now - A_DAY)) == 1
    assert Job.objects.count() == 3


def test_a_database_has_a_size():
    assert database_bytes() > 10_000


def test_a_running_statement_is_told_without_its_values():
    assert databases._without_values("SELECT 1.5 FROM t2 WHERE a = 'it''s Ada' AND b = 'cut") == (
        "SELECT ? FROM t2 WHERE a = ? AND b = ?"
    )


@pytest.mark.sqlite
def test_sqlite_has_no_slow_statements():
    found = slow_statements()
    assert (found.source, found.statements) == ("SQLite keeps no statistics of statements.", ())


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_statement_that_runs_for_long_is_shown(monkeypatch):
    def sleep() -> None:
        with psycopg.connect(settings.DATABASE_URL, dbname=connection.settings_dict["NAME"]) as one:
            one.execute("SELECT pg_sleep(3), 'Ada'")

    monkeypatch.setattr(databases, "SLOW_SECONDS", 0.2)
    thread = threading.Thread(target=sleep)
    thread.start()
    until = timezone.now() + timedelta(seconds=20)
    while not (found := slow_statements().statements) and timezone.now() < until:
        thread.join(0.1)
    thread.join()
    [one] = found
    assert isinstance(one, SlowStatement)
    assert (one.sql, one.total_seconds) == ("SELECT pg_sleep(?), ?", None)
