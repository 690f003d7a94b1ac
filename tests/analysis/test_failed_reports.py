"""Reports that cannot be made: said to owner and reader, tried again for ever, replaced by none."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta
from io import BytesIO
from subprocess import Popen
from zipfile import ZipFile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError
from django.urls import reverse
from django.utils import timezone

from analysis.failures import WORKER_DIED, pause_after, why_failed
from analysis.models import Report, ReportState
from analysis.services import making, requesting
from analysis.services.making import compute_extras, compute_report, compute_report_now
from analysis.services.requesting import (
    request_report,
    requeue_stale_reports,
    retry_failed_reports,
    retry_report,
)
from analysis.tasks import compute, compute_files
from annotations.enums import StudyState
from annotations.models import Study
from tests.analysis.studies import judged_study
from tests.annotations.factories import NOW, judge, make_rater
from tests.processes import environment

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
PATIENCE_SECONDS = 120
DOORS = [
    "",
    "report.json",
    "win_rates.csv",
    "raters.csv",
    "win_rates.tex",
    "preferences.jsonl",
    "report.zip",
    "win_rates.png",
    "win_rates.parquet",
]


@pytest.fixture(autouse=True)
def woken(monkeypatch):
    """Ids of the reports that a worker was woken for."""
    ids = []
    for task in (compute, compute_files):
        monkeypatch.setattr(task, "apply_async", lambda args, **options: ids.extend(args))
    return ids


@pytest.fixture
def put_disk(settings):
    """Have files stored on another kind of disk from now on; None is one that works."""
    working = settings.STORAGES

    def put(kind: str | None) -> None:
        backend = {"BACKEND": f"tests.analysis.disks.{kind}"} if kind else {}
        settings.STORAGES = {**working, "default": {**working["default"], **backend}}

    return put


@pytest.fixture
def failed(put_disk) -> Report:
    """The first report of an open study, which found no room on the disk."""
    study = judged_study("left")
    put_disk("FullDisk")
    return compute_report_now(study=study, now=NOW)


def reported_study() -> Study:
    """An open study of 2 votes with a report, and as if all files of it had been asked for."""
    study = judged_study("left")
    compute_report_now(study=study, now=NOW)
    Report.objects.update(extras=stored_zip(), finished_at=NOW)
    return study


def stored_zip() -> str:
    archive = BytesIO()
    with ZipFile(archive, "w") as files:
        for name in ("win_rates.png", "win_rates.parquet"):
            files.writestr(name, "earlier")
    return default_storage.save("reports/earlier.zip", ContentFile(archive.getvalue()))


@pytest.fixture
def closed(put_disk) -> Study:
    """A closed study with all files of an interim report; its own found no room, three times."""
    study = reported_study()
    put_disk("FullDisk")
    Study.objects.update(state=StudyState.CLOSED)
    study.refresh_from_db()
    for _ in range(3):
        compute_report_now(study=study, now=NOW)
    return study


@pytest.fixture
def outrun(put_disk) -> Study:
    """An open study with all files of a report of 2 votes; the one of 4 found no room."""
    study = reported_study()
    judge(make_rater(study))
    put_disk("FullDisk")
    compute_report_now(study=study, now=NOW)
    return study


def get(client, study: Study, door: str):
    return client.get(f"/r/{study.report_token}/{door}")


def body(answer) -> str:
    parts = answer.streaming_content if answer.streaming else [answer.content]
    return b"".join(parts).decode(errors="replace")


# Kept, counted, and tried again.


@pytest.mark.parametrize(
    ("disk", "words"),
    [
        ("FullDisk", "There is no room left on the disk that holds the files. Make room on it."),
        (
            "ReadOnlyDisk",
            "The disk that holds the files is read-only. Look at it, and mount it for writing.",
        ),
    ],
)
def test_the_cause_is_told_with_the_place_and_what_to_do(put_disk, disk, words):
    study = judged_study("left")
    put_disk(disk)
    report = compute_report_now(study=study, now=NOW)
    place = default_storage.path(f"reports/{study.pk}/{report.fingerprint}.html")
    assert (report.state, report.error) == ("failed", f"{words} ({place})")


def test_what_nobody_foresaw_is_told_as_it_is():
    assert why_failed(KeyError("axis")) == "KeyError: 'axis'. The workers' log tells where."


def test_pauses_double_up_to_an_hour():
    pauses = [pause_after(tries) / MINUTE for tries in (1, 2, 3, 4, 5, 6, 7, 8, 10_000)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_the_sweep_tries_again_after_the_pause_and_not_before(failed, woken):
    assert failed.next_try_at - failed.finished_at == MINUTE
    retry_failed_reports(now=failed.next_try_at - timedelta(seconds=1))
    assert Report.objects.get().state == ReportState.FAILED
    retry_failed_reports(now=failed.next_try_at)
    assert Report.objects.get().state == ReportState.QUEUED


def test_the_sweep_wakes_a_worker_and_the_report_is_made(
    failed, put_disk, woken, django_capture_on_commit_callbacks
):
    put_disk(None)
    with django_capture_on_commit_callbacks(execute=True):
        retry_failed_reports(now=failed.next_try_at)
    compute_report(report_id=woken.pop(), now=NOW)
    report = Report.objects.get()
    assert (report.state, report.error, report.tries) == ("ready", "", 2)


def test_no_number_of_failures_is_the_last(failed):
    Report.objects.update(tries=40_000)
    retry_failed_reports(now=failed.next_try_at)
    compute_report(report_id=failed.pk, now=NOW)
    report = Report.objects.get()
    assert (report.state, report.tries) == ("failed", 40_001)
    assert report.next_try_at - report.finished_at == timedelta(hours=1)


def test_the_database_takes_no_failure_without_a_next_try(failed):
    with pytest.raises(IntegrityError, match="report_failed_is_tried_again"):
        Report.objects.update(next_try_at=None)


def test_new_votes_do_not_shorten_the_pause(failed):
    judge(make_rater(failed.study))
    report = request_report(study=failed.study, now=failed.next_try_at - timedelta(seconds=1))
    assert (report.pk, report.state, report.votes) == (failed.pk, "failed", 4)
    assert (report.tries, report.next_try_at) == (1, failed.next_try_at)


def test_what_failed_is_tried_again_at_once_when_somebody_asks(failed):
    assert retry_report(study=failed.study, now=NOW).state == ReportState.QUEUED


def test_asking_for_one_that_is_ready_changes_nothing():
    study = judged_study("left")
    ready = compute_report_now(study=study, now=NOW)
    assert retry_report(study=study, now=NOW) == ready
    assert Report.objects.get().state == ReportState.READY


def test_what_failed_and_is_no_longer_wanted_goes(failed, put_disk):
    """As when a title is changed, which fails, and changed back."""
    put_disk(None)
    ready = compute_report_now(study=failed.study, now=NOW)
    due = Report.objects.create(
        study=failed.study,
        fingerprint="other",
        votes=2,
        last_judgment_id=1,
        queued_at=NOW,
        state=ReportState.FAILED,
        error="The disk is full.",
        next_try_at=NOW,
    )
    retry_failed_reports(now=due.next_try_at)
    assert list(Report.objects.all()) == [ready]


def test_workers_that_die_again_and_again_have_pauses_too():
    report = request_report(study=judged_study("left"), now=NOW)
    Report.objects.update(state=ReportState.RUNNING, started_at=NOW, tries=3)
    later = NOW + requesting.RUN_PATIENCE
    assert requeue_stale_reports(now=later) == []
    report.refresh_from_db()
    assert (report.state, report.error) == ("failed", WORKER_DIED)
    assert report.next_try_at == later + 4 * MINUTE


def test_a_report_that_waits_long_for_a_worker_has_not_failed():
    report = request_report(study=judged_study("left"), now=NOW)
    Report.objects.update(tries=9)
    assert requeue_stale_reports(now=NOW + MINUTE) == [report.pk]


@pytest.mark.django_db(transaction=True)
@pytest.mark.xdist_group("live")
def test_a_worker_that_is_killed_in_the_middle_leaves_a_report_that_is_made(client):
    """kill -9 while the counted report is being stored, on a disk that does not answer."""
    study = judged_study("left")
    Study.objects.update(state=StudyState.CLOSED)
    study.refresh_from_db()
    report = request_report(study=study, now=NOW)
    code = (
        "import django; django.setup(); from django.utils import timezone;"
        "from analysis.services.making import compute_report;"
        f"compute_report(report_id={report.pk}, now=timezone.now())"
    )
    own = environment("redis://", DJANGO_SETTINGS_MODULE="tests.analysis.stuck_settings")
    worker = Popen([sys.executable, "-c", code], env=own)
    try:
        wait_until_counted(worker)
    finally:
        worker.kill()
        worker.wait()
    now = timezone.now() + requesting.RUN_PATIENCE
    assert get(client, study, "").status_code == 202
    assert requeue_stale_reports(now=now) == [report.pk]
    compute_report(report_id=report.pk, now=now)
    assert get(client, study, "").status_code == 200


def wait_until_counted(worker: Popen[bytes]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while Report.objects.get().percent < making.COUNTED:
        assert worker.poll() is None and time.monotonic() < give_up_at
        time.sleep(0.05)


# What readers meet.


def standing(client, study: Study) -> dict[str, int]:
    return {door: get(client, study, door).status_code for door in DOORS}


def test_no_door_of_a_closed_study_shows_an_earlier_report(client, closed):
    assert [one.state for one in Report.objects.all()] == ["failed", "ready"]
    assert standing(client, closed) == dict.fromkeys(DOORS, 503)


def test_no_door_does_while_it_is_tried_again(client, closed):
    retry_report(study=closed, now=NOW)
    assert standing(client, closed) == dict.fromkeys(DOORS, 202)


def test_every_door_opens_when_the_studys_own_report_is_there(client, closed, put_disk):
    put_disk(None)
    compute_report_now(study=closed, now=NOW)
    Report.objects.update(extras=stored_zip())
    assert standing(client, closed) == dict.fromkeys(DOORS, 200)
    assert get(client, closed, "report.json").json()["settings"]["interim"] is False


def test_a_reader_is_told_in_plain_words_and_the_page_asks_again(client, closed):
    page = body(get(client, closed, ""))
    assert "<h1>The report could not be made yet</h1>" in page
    assert "The next try is in about 4 minutes." in page
    assert "No vote is lost." in page
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in page
    assert "analysis/waiting.js" in page


def test_what_stopped_it_is_for_the_owner(client, closed):
    place = Report.objects.first().error.rpartition("(")[2].rstrip(")")
    assert place.startswith(default_storage.path("reports"))
    for door in DOORS:
        words = body(get(client, closed, door))
        assert "disk" not in words and place not in words


def test_every_door_says_when_to_ask_again(client, closed):
    pauses = [int(get(client, closed, door).headers["Retry-After"]) for door in DOORS]
    assert all(0 < pause <= 4 * 60 for pause in pauses)


def test_programs_are_told_when_it_is_tried_again(client, closed):
    told = get(client, closed, "report.json").json()
    report = Report.objects.first()
    assert (told["state"], told["percent"]) == ("failed", report.percent)
    assert datetime.fromisoformat(told["next_try_at"]) == pytest.approx(
        report.next_try_at, abs=timedelta(milliseconds=1)
    )


def test_a_running_studys_earlier_report_says_what_it_is(client, outrun):
    page = body(get(client, outrun, ""))
    assert "<strong>Not the latest votes.</strong> This report was made on" in page
    assert "23 November 2026, 12:00 UTC</time> and counts 2 votes." in page
    assert "A newer one could not be made yet" in page


def test_so_do_its_files_in_their_heads(client, outrun):
    for door in DOORS:
        answer = get(client, outrun, door)
        assert answer.headers["Last-Modified"] == "Mon, 23 Nov 2026 12:00:00 GMT"
        assert answer.headers["X-Newest-Report"] == "failed"


def test_so_do_its_files_in_their_names(client, outrun):
    for door in DOORS[2:]:
        stem, suffix = door.replace("_", "-").split(".")
        name = f"{outrun.slug}-{stem}-as-of-2026-11-23-1200.{suffix}"
        answer = get(client, outrun, door)
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_the_newest_report_says_nothing_of_the_kind(client):
    study = judged_study("left")
    compute_report_now(study=study, now=NOW)
    answer = get(client, study, "")
    assert "X-Newest-Report" not in answer.headers
    assert "Not the latest votes" not in body(answer)


# Figures, Parquet and the zip, which are made when somebody asks for them.


@pytest.fixture
def without_files(put_disk) -> Report:
    """A finished report whose files found no room."""
    report = compute_report_now(study=judged_study("left"), now=NOW)
    put_disk("FullDisk")
    compute_extras(report_id=report.pk)
    report.refresh_from_db()
    return report


def test_files_that_could_not_be_made_are_told_to_readers(client, without_files):
    answer = get(client, without_files.study, "report.zip")
    assert answer.status_code == 503
    assert "<h1>report.zip could not be made yet</h1>" in body(answer)
    assert get(client, without_files.study, "").status_code == 200


def test_the_sweep_makes_them_after_their_pause(
    client, without_files, put_disk, woken, django_capture_on_commit_callbacks
):
    put_disk(None)
    with django_capture_on_commit_callbacks(execute=True):
        retry_failed_reports(now=without_files.extras_next_try_at - timedelta(seconds=1))
        assert woken == []
        retry_failed_reports(now=without_files.extras_next_try_at)
    compute_extras(report_id=woken.pop())
    assert get(client, without_files.study, "report.zip").status_code == 200
    assert Report.objects.get().extras_error == ""


def test_their_pauses_grow_too(without_files):
    compute_extras(report_id=without_files.pk)
    report = Report.objects.get()
    assert report.extras_tries == 2
    assert report.extras_next_try_at > without_files.extras_next_try_at + MINUTE


def test_they_are_tried_again_when_somebody_asks(
    without_files, woken, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        retry_report(study=without_files.study, now=NOW)
    assert woken == [without_files.pk]


def test_files_of_an_earlier_report_wait_for_the_newest_one(client, outrun):
    Report.objects.update(extras="")
    assert get(client, outrun, "win_rates.png").status_code == 503


# What owners meet.


def test_the_api_tells_an_owner_why(admin_client, closed):
    answer = admin_client.get(f"/api/v1/studies/{closed.slug}/report/")
    assert (answer.status_code, answer.json()["state"]) == (503, "failed")
    assert answer.json()["error"] == Report.objects.first().error
    assert (answer.json()["tries"], "report" in answer.json()) == (3, False)


def test_the_api_tries_again_when_asked(admin_client, closed):
    answer = admin_client.post(f"/api/v1/studies/{closed.slug}/report/")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")


def test_the_api_says_when_the_earlier_report_of_a_running_study_was_made(admin_client, outrun):
    answer = admin_client.get(f"/api/v1/studies/{outrun.slug}/report/").json()
    assert (answer["state"], answer["votes"]) == ("failed", 2)
    assert (answer["made_at"], answer["report"]["panel"]["votes"]) == ("2026-11-23T12:00:00Z", 2)


def test_nobody_else_may_ask_the_api_to_try_again(client, closed):
    assert client.post(f"/api/v1/studies/{closed.slug}/report/").status_code == 403
    assert Report.objects.first().state == ReportState.FAILED


def test_the_file_with_clips_is_refused_with_the_cause(admin_client, closed):
    url = reverse("owner-report-with-clips", args=[closed.slug])
    page = body(admin_client.get(url, follow=True))
    assert "The report could not be made. There is no room left on the disk" in page
