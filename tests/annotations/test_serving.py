"""Clips over real HTTP: from the application, from nginx behind it, and from an S3 bucket.

The application's Django test client cannot show what nginx or a bucket makes of its answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from django.conf import settings as django_settings
from django.core.files.storage import storages
from django.utils import timezone
from moto.server import ThreadedMotoServer

from annotations.enums import StudyState
from annotations.models import Assignment, Study
from annotations.rater_session import cookie_name
from annotations.services.raters.joining import sign_rater
from scripts.services import answers, find_nginx, free_port, start_process, stop_process, wait_until
from tests.annotations.factories import CLIP_BYTES, claim, make_rater, make_study

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "clips"
Ask = Callable[..., httpx.Response]


@pytest.fixture(params=["application", "nginx", "s3"])
def site(request, live_server, settings) -> str:
    """The address under which raters reach the site, its clips sent by each in turn."""
    if request.param == "application":
        return live_server.url
    return request.getfixturevalue(f"{request.param}_site")


@pytest.fixture
def nginx_site(live_server, settings, tmp_path) -> Iterator[str]:
    settings.MEDIA_SENDFILE = "nginx"
    with nginx_before(urlsplit(live_server.url).netloc, tmp_path) as site:
        yield site


@contextmanager
def nginx_before(application: str, folder: Path) -> Iterator[str]:
    """nginx with the site file that the project ships, before the application."""
    port, log = free_port(), folder / "nginx.log"
    configuration = write_nginx_configuration(folder, port, application)
    command = [str(find_nginx()), "-c", str(configuration), "-p", str(folder), "-e", str(log)]
    process = start_process(command, log=folder / "out.log", cwd=folder, env=dict(os.environ))
    question = b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"
    try:
        wait_until(lambda: answers(port, question, b"HTTP/1.1 200"), process, "nginx", log)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop_process(process)


@contextmanager
def listener() -> Iterator[tuple[str, list[Mapping[str, str]]]]:
    """An application that says nothing: its address, and the headers of each request."""
    heard: list[Mapping[str, str]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append(self.headers)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("before", "told"), [({}, "http"), ({"X-Forwarded-Proto": "https"}, "https")]
)
def test_nginx_says_how_the_browser_came_and_logs_no_people(tmp_path, before, told):
    """Behind what ends TLS: else links would be http, and HSTS would not be sent."""
    with listener() as (application, heard), nginx_before(application, tmp_path) as site:
        heard.clear()
        httpx.get(f"{site}/s/one/?PROLIFIC_PID=5f3c", headers=before)
        [headers] = heard
    assert headers["X-Forwarded-Proto"] == told
    last = (tmp_path / "access.log").read_text().splitlines()[-1]
    assert " 200 GET /s/one/ 0 " in last and last.endswith(f"request={headers['X-Request-ID']}")
    assert "5f3c" not in last and "127.0.0.1" not in last


def write_nginx_configuration(folder: Path, port: int, application: str) -> Path:
    site = (ROOT / "deploy/nginx.conf").read_text()
    for ours, here in {
        "listen 80;": f"listen 127.0.0.1:{port};",
        "http://web:8000": f"http://{application}",
        "/data/media/": f"{django_settings.VAR_DIR}/media/",
        "/var/log/nginx/access.log": f"{folder}/access.log",
    }.items():
        assert ours in site
        site = site.replace(ours, here)
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = " ".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off; {user} pid {folder}/pid;\nevents {{}}\nhttp {{ {temporary}\n{site}\n}}\n"
    )
    return path


@pytest.fixture
def s3_site(live_server, settings, monkeypatch) -> Iterator[str]:
    """The application with its files in a bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    port = free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    endpoint = f"http://127.0.0.1:{port}"
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=BUCKET)
    options = {
        **django_settings.S3_STORAGE["OPTIONS"],
        "bucket_name": BUCKET,
        "endpoint_url": endpoint,
        "region_name": "us-east-1",
        "addressing_style": "path",
    }
    bucket = {"BACKEND": django_settings.S3_STORAGE["BACKEND"], "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": bucket}
    settings.MEDIA_SENDFILE = "s3"
    yield live_server.url
    server.stop()


@pytest.fixture
def assignment(site) -> Assignment:
    return claim(make_rater(make_study()), now=timezone.now())


@pytest.fixture
def ask(site, assignment) -> Ask:
    """Ask for the left clip as its rater's browser does."""
    return asking(site, assignment, follow_redirects=True)


def asking(site: str, assignment: Assignment, *, follow_redirects: bool) -> Ask:
    cookies = {cookie_name(assignment.rater.study_id): sign_rater(assignment.rater)}

    def ask(method: str = "GET", **headers: str) -> httpx.Response:
        with httpx.Client(cookies=cookies, follow_redirects=follow_redirects) as client:
            url = f"{site}/m/{assignment.left_token}/"
            return client.request(method, url, headers=headers)

    return ask


# RFC 9110, section 14, for a file of 1024 bytes.
@pytest.mark.parametrize(
    ("asked", "content_range", "start", "stop"),
    [
        ("bytes=0-1", "bytes 0-1/1024", 0, 2),
        ("bytes=1000-", "bytes 1000-1023/1024", 1000, 1024),
        ("bytes=-24", "bytes 1000-1023/1024", 1000, 1024),
    ],
)
def test_one_range(ask, asked, content_range, start, stop):
    answer = ask(Range=asked)
    assert (answer.status_code, answer.headers["Content-Range"]) == (206, content_range)
    assert answer.content == CLIP_BYTES[start:stop]


def test_the_whole_clip_and_its_type(ask):
    answer = ask()
    assert (answer.status_code, answer.content) == (200, CLIP_BYTES)
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Cache-Control"] == "private, max-age=3600"


def test_a_range_beyond_the_end(ask):
    assert ask(Range="bytes=5000-6000").status_code == 416


def test_head_tells_the_length(ask):
    answer = ask("HEAD")
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, "1024")
    assert answer.content == b""


def test_no_header_names_or_dates_the_file(ask, assignment):
    answer = ask()
    names = [rendition.file.name for rendition in renditions(assignment)]
    for header in ("ETag", "Last-Modified", "Content-Disposition"):
        value = answer.headers.get(header, "")
        assert not any(Path(name).stem in value for name in names)
    assert "X-Accel-Redirect" not in answer.headers


def renditions(assignment: Assignment):
    return (assignment.comparison.rendition_a, assignment.comparison.rendition_b)


def test_a_closed_study_has_no_clips(ask):
    Study.objects.update(state=StudyState.CLOSED)
    assert ask().status_code == 404


def test_nginx_sends_nothing_that_was_not_allowed(nginx_site):
    """The files are reached through the application only."""
    assignment = claim(make_rater(make_study()), now=timezone.now())
    name = renditions(assignment)[0].file.name
    assert httpx.get(f"{nginx_site}/_media/{name}").status_code == 404
    assert httpx.get(f"{nginx_site}/m/{assignment.left_token}/").status_code == 404


def test_the_address_of_the_bucket_is_short_lived_and_kept_nowhere(s3_site):
    assignment = claim(make_rater(make_study()), now=timezone.now())
    answer = asking(s3_site, assignment, follow_redirects=False)()
    assert answer.status_code == 302
    assert answer.headers["Cache-Control"] == "no-store"
    assert "X-Amz-Expires=60" in answer.headers["Location"]
    bare = answer.headers["Location"].partition("?")[0]
    assert bare.endswith(f"{BUCKET}/{rendition_on_left(assignment).file.name}")


def rendition_on_left(assignment: Assignment):
    first, second = renditions(assignment)
    return first if assignment.side_a == "left" else second


def test_files_are_stored_in_the_bucket_and_read_back(s3_site):
    rendition = renditions(claim(make_rater(make_study()), now=timezone.now()))[0]
    assert rendition.file.storage is not None
    assert storages["default"].exists(rendition.file.name)
    with rendition.file.open() as file:
        assert file.read() == CLIP_BYTES
