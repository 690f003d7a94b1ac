from datetime import timedelta

import pytest
from django.utils import timezone

from annotations.models import Assignment
from annotations.rater_session import cookie_name
from annotations.services.raters.joining import sign_rater
from tests.annotations.factories import CLIP_BYTES, claim, make_rater, make_study

pytestmark = pytest.mark.django_db

SIZE = len(CLIP_BYTES)


@pytest.fixture
def assignment():
    return claim(make_rater(make_study()), now=timezone.now())


@pytest.fixture
def clip(client, assignment):
    """Ask for the left clip as its rater."""
    client.cookies[cookie_name(assignment.rater.study_id)] = sign_rater(assignment.rater)
    return lambda method="get", **headers: getattr(client, method)(
        f"/m/{assignment.left_token}/", headers=headers
    )


def test_the_whole_clip_is_served(clip):
    answer = clip()
    assert (answer.status_code, answer.getvalue()) == (200, CLIP_BYTES)
    assert answer.headers["Accept-Ranges"] == "bytes"


# The table of RFC 9110, section 14: what each range of a 1024-byte file answers.
@pytest.mark.parametrize(
    ("asked", "content_range", "start", "stop"),
    [
        ("bytes=0-1", "bytes 0-1/1024", 0, 2),
        ("bytes=1000-", "bytes 1000-1023/1024", 1000, 1024),
        ("bytes=-24", "bytes 1000-1023/1024", 1000, 1024),
        ("bytes=-5000", "bytes 0-1023/1024", 0, 1024),
        ("bytes=1000-9999", "bytes 1000-1023/1024", 1000, 1024),
    ],
)
def test_one_range_is_served(clip, asked, content_range, start, stop):
    answer = clip(range=asked)
    assert (answer.status_code, answer.headers["Content-Range"]) == (206, content_range)
    assert answer.getvalue() == CLIP_BYTES[start:stop]
    assert answer.headers["Content-Length"] == str(stop - start)


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_beyond_the_end_is_416(clip, asked):
    answer = clip(range=asked)
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */1024")


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "bytes=-", "lines=1-2", "bytes=a-b"])
def test_what_is_not_one_range_is_answered_whole(clip, asked):
    assert clip(range=asked).status_code == 200


def test_a_range_of_another_version_is_answered_whole(clip):
    assert clip(**{"range": "bytes=0-1", "if-range": '"other"'}).status_code == 200


def test_a_range_of_this_version_is_served(clip):
    etag = clip().headers["ETag"]
    assert clip(**{"range": "bytes=0-1", "if-range": etag}).status_code == 206


def test_head_tells_the_length_without_the_bytes(clip):
    answer = clip("head")
    assert (answer.headers["Content-Length"], answer.content) == (str(SIZE), b"")


def test_a_clip_may_be_kept_by_this_browser_only(clip):
    headers = clip().headers
    assert headers["Cache-Control"] == "private, max-age=3600"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_without_the_raters_cookie_there_is_no_clip(client, assignment):
    assert client.get(f"/m/{assignment.left_token}/").status_code == 404


def test_the_header_of_an_api_client_is_as_good_as_the_cookie(client, assignment):
    headers = {"Authorization": f"Rater {sign_rater(assignment.rater)}"}
    answer = client.get(f"/m/{assignment.left_token}/", headers=headers)
    assert (answer.status_code, answer.getvalue()) == (200, CLIP_BYTES)


def test_the_header_counts_before_a_cookie_of_somebody_else(client, assignment):
    stranger = make_rater(assignment.rater.study)
    client.cookies[cookie_name(stranger.study_id)] = sign_rater(stranger)
    headers = {"Authorization": f"Rater {sign_rater(assignment.rater)}"}
    assert client.get(f"/m/{assignment.left_token}/", headers=headers).status_code == 200


def test_a_forged_header_gets_no_clip(client, assignment):
    headers = {"Authorization": "Rater forged"}
    assert client.get(f"/m/{assignment.left_token}/", headers=headers).status_code == 404


def test_another_rater_gets_no_clip(client, assignment):
    stranger = make_rater(assignment.rater.study)
    client.cookies[cookie_name(stranger.study_id)] = sign_rater(stranger)
    assert client.get(f"/m/{assignment.left_token}/").status_code == 404


def test_after_the_lease_there_is_no_clip(clip, assignment):
    Assignment.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert clip().status_code == 404


def test_nginx_is_told_which_file_to_send(clip, assignment, settings):
    settings.MEDIA_SENDFILE = "nginx"
    answer = clip()
    on_left = assignment.comparison.rendition_a
    if assignment.side_a == "right":
        on_left = assignment.comparison.rendition_b
    assert answer.headers["X-Accel-Redirect"] == f"/_media/{on_left.file.name}"
    assert answer.content == b""


def test_a_clip_whose_file_is_lost_is_a_404_and_a_line_in_the_log(clip, assignment, caplog):
    for one in (assignment.comparison.rendition_a, assignment.comparison.rendition_b):
        one.file.storage.delete(one.file.name)
    assert clip().status_code == 404
    assert "is not in the storage" in caplog.text


def test_a_clip_costs_one_look_at_the_database(clip, django_assert_num_queries):
    """With all that says who may have it: no column is fetched by itself."""
    with django_assert_num_queries(1):
        assert clip().status_code == 200
