"""Clips from web addresses and buckets: within bounds, and never from inside our network."""

from __future__ import annotations

import socket

import boto3
import pytest
from django.utils import timezone
from moto import mock_aws

from annotations.enums import ImportState
from annotations.errors import ImportRefused
from annotations.models import ClipImport, Stimulus
from annotations.net import patience
from annotations.services.clips import downloads
from annotations.services.clips.downloads import DownloadFailed, DownloadRefused, download
from annotations.services.clips.importing import (
    MAX_TRIES,
    check_row,
    finish_checked_imports,
    import_clips,
    lease_due_rows,
    start_import,
)
from annotations.services.clips.manifests import read_clips
from tests.generation.stand_in import PIECES, SEEP, Answer, running_stand_in
from tests.media.clips import make_clip

CONTENT = bytes(range(256)) * 10


@pytest.fixture
def server(settings):
    settings.IMPORT_INTERNAL_HOSTS = ["127.0.0.1"]
    with running_stand_in() as stand_in:
        yield stand_in


def test_a_file_is_downloaded(server, tmp_path):
    server.will(Answer(200, CONTENT))
    download(f"{server.url}/clip.mp4", tmp_path / "clip")
    assert (tmp_path / "clip").read_bytes() == CONTENT


def test_a_redirect_is_followed(server, tmp_path):
    server.will(Answer(302, "", {"Location": "/elsewhere"}), Answer(200, CONTENT))
    download(f"{server.url}/clip.mp4", tmp_path / "clip")
    assert [received.path for received in server.received] == ["/v1/clip.mp4", "/elsewhere"]


def test_redirects_without_end_are_refused(server, tmp_path):
    server.will(Answer(302, "", {"Location": "/again"}))
    with pytest.raises(DownloadRefused, match="redirected more than 5 times"):
        download(server.url, tmp_path / "clip")


# The second is where clouds hand out credentials.
@pytest.mark.parametrize("target", ["http://10.0.0.8/", "http://169.254.169.254/", "file:///etc"])
def test_a_redirect_inwards_is_refused(server, tmp_path, target):
    server.will(Answer(302, "", {"Location": target}))
    with pytest.raises(DownloadRefused):
        download(f"{server.url}/clip.mp4", tmp_path / "clip")
    assert not (tmp_path / "clip").exists()


def test_our_own_network_is_closed_unless_the_host_is_named(server, settings, tmp_path):
    settings.IMPORT_INTERNAL_HOSTS = []
    with pytest.raises(DownloadRefused, match="private network"):
        download(server.url, tmp_path / "clip")
    assert server.received == []


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, DownloadRefused), (403, DownloadRefused), (429, DownloadFailed), (503, DownloadFailed)],
)
def test_an_answer_is_final_or_worth_another_try(server, tmp_path, status, error):
    server.will(Answer(status, ""))
    with pytest.raises(error, match=f"HTTP {status}"):
        download(f"{server.url}/clip.mp4?signature=secret", tmp_path / "clip")


def test_what_is_secret_in_an_address_is_not_shown(server, tmp_path):
    server.will(Answer(404, ""))
    with pytest.raises(DownloadRefused) as refused:
        download(f"{server.url}/clip.mp4?signature=secret", tmp_path / "clip")
    assert "secret" not in str(refused.value)


def test_a_file_without_end_is_cut_off(server, tmp_path):
    server.will(Answer(200, CONTENT))
    with pytest.raises(DownloadRefused, match="larger than"):
        download(server.url, tmp_path / "clip", max_bytes=1000)


def test_headers_without_end_are_cut_off(settings, monkeypatch, tmp_path):
    settings.IMPORT_INTERNAL_HOSTS = ["127.0.0.1"]
    monkeypatch.setattr(downloads, "MAX_SECONDS", 0.1)
    monkeypatch.setattr(patience, "SPARE_SECONDS", 0.1)
    with running_stand_in() as server:
        server.will(SEEP)
        with pytest.raises(DownloadFailed, match="did not answer"):
            download(server.url, tmp_path / "clip")
        assert server.dripped < PIECES


def test_a_name_that_cannot_be_resolved_now_is_worth_another_try(monkeypatch, tmp_path):
    def fail(*args, **kwargs):
        raise socket.gaierror("Temporary failure in name resolution")

    monkeypatch.setattr(downloads.socket, "getaddrinfo", fail)
    with pytest.raises(DownloadFailed, match="cannot be resolved"):
        download("https://clips.example/a.mp4", tmp_path / "clip")


def import_by_workers(url: str, folder) -> ClipImport:
    manifest = folder / "web.csv"
    manifest.write_text(f"prompt_id,prompt,model,path\np1,A fox,one,{url}\n")
    return start_import(manifest=read_clips(manifest), source="web.csv", by_workers=True)


@pytest.mark.django_db
def test_a_download_that_fails_is_tried_again_by_workers(server, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4").read_bytes()
    server.will(Answer(503, ""), Answer(200, clip))
    clip_import = import_by_workers(f"{server.url}/clip.mp4", tmp_path)
    now = timezone.now()
    for _ in range(2):
        for row_id in lease_due_rows(now=now):
            check_row(row_id=row_id, now=now)
    finish_checked_imports(now=now)
    clip_import.refresh_from_db()
    assert (clip_import.state, clip_import.added) == (ImportState.DONE, 1)


@pytest.mark.django_db
def test_a_download_that_always_fails_ends_as_a_bad_row(server, tmp_path):
    server.will(Answer(503, ""))
    clip_import = import_by_workers(f"{server.url}/clip.mp4", tmp_path)
    now = timezone.now()
    for _ in range(MAX_TRIES + 1):
        for row_id in lease_due_rows(now=now):
            check_row(row_id=row_id, now=now)
    finish_checked_imports(now=now)
    clip_import.refresh_from_db()
    assert clip_import.state == ImportState.REFUSED
    assert "HTTP 503" in clip_import.rows.get().problem


@pytest.mark.django_db
def test_a_row_is_handed_out_once_until_its_lease_ends(server, tmp_path):
    import_by_workers(f"{server.url}/clip.mp4", tmp_path)
    now = timezone.now()
    assert len(lease_due_rows(now=now)) == 1
    assert lease_due_rows(now=now) == []


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="lab")
        yield lambda key, body: client.put_object(Bucket="lab", Key=key, Body=body)


@pytest.mark.django_db
def test_a_folder_in_a_bucket_is_imported(bucket, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4").read_bytes()
    bucket("run-7/prompts.csv", "prompt_id,prompt\nfox,A fox\n")
    for model in ("aurora", "drift"):
        bucket(f"run-7/{model}/fox.mp4", clip)
    bucket("other/aurora/fox.mp4", b"not of this prefix")
    result = import_clips(manifest=read_clips("s3://lab/run-7/"))
    assert sorted(model.name for model in result.models) == ["aurora", "drift"]
    assert Stimulus.objects.count() == 2


@pytest.mark.django_db
def test_a_manifest_in_a_bucket_names_its_neighbours(bucket, tmp_path):
    bucket("run-7/clips/a.mp4", make_clip(tmp_path / "clip.mp4").read_bytes())
    bucket(
        "run-7/manifest.csv",
        "prompt_id,prompt,model,path\nfox,A fox,aurora,clips/a.mp4\nfox,A fox,drift,clips/b.mp4\n",
    )
    manifest = read_clips("s3://lab/run-7")
    assert [str(problem) for problem in manifest.problems] == [
        "Line 3: there is no file clips/b.mp4."
    ]
    assert import_clips(manifest=manifest, keep_going=True).added == 1


@pytest.mark.django_db
def test_a_bucket_that_is_not_there_says_so(bucket):
    with pytest.raises(ImportRefused) as refused:
        read_clips("s3://nobody/run-7")
    assert "s3://nobody/run-7 cannot be listed" in refused.value.problems[0]
