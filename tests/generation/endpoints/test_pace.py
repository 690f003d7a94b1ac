"""When the jobs of a study end: by how long clips took of late, and by the endpoint's limits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from generation.endpoints.pace import Outlook, outlook, typical_seconds
from generation.enums import AttemptState, JobState
from generation.models import Endpoint
from tests.annotations.factories import NOW
from tests.generation.factories import make_attempt, make_endpoint, make_job

pytestmark = pytest.mark.django_db


def paced(*seconds: float, **values) -> Endpoint:
    """An endpoint that made clips in so many seconds each, the last one last."""
    endpoint = make_endpoint(**{"max_concurrency": 2, **values})
    for number, taken in enumerate(seconds):
        finished_at = NOW - timedelta(hours=len(seconds) - number)
        job = make_job(JobState.DONE, endpoint, finished_at=finished_at)
        sent_at = finished_at - timedelta(seconds=taken)
        make_attempt(job, sent_at=sent_at, state=AttemptState.ACCEPTED)
    return endpoint


def ends_in(endpoint: Endpoint, waiting: int = 0, under_way: int = 0) -> float:
    for _ in range(waiting):
        make_job(JobState.READY, endpoint)
    found = outlook(endpoint, waiting=waiting, under_way=under_way, now=NOW)
    assert found.ends_at is not None, found.why
    return (found.ends_at - NOW).total_seconds()


def test_the_median_of_the_last_clips_is_typical():
    assert typical_seconds(paced(10, 20, 900)) == 20


def test_only_the_last_twenty_are_looked_at():
    assert typical_seconds(paced(*[900] * 30, *[10] * 20)) == 10


def test_a_job_that_was_sent_again_took_as_long_as_its_last_attempt():
    endpoint = paced(60)
    job = endpoint.jobs.get()
    make_attempt(job, sent_at=job.finished_at - timedelta(seconds=8))
    assert typical_seconds(endpoint) == 8


def test_as_many_at_once_as_there_are_places():
    assert ends_in(paced(60), waiting=4) == 120


def test_what_is_under_way_is_half_done():
    assert ends_in(paced(60), under_way=2) == 30


def test_no_faster_than_its_rate():
    assert ends_in(paced(1, jobs_per_minute=2), waiting=6) == 180


def test_an_endpoint_that_fails_is_tried_with_one_at_a_time():
    assert ends_in(paced(60, failures=5, pause_after=5), waiting=4) == 240


def test_a_pause_comes_before():
    rests = NOW + timedelta(seconds=300)
    assert ends_in(paced(60, paused_until=rests), waiting=4) == 420


def test_other_studies_take_turns():
    endpoint = paced(60)
    for _ in range(100):
        make_job(JobState.READY, endpoint)
    assert ends_in(endpoint, waiting=4) == 240


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "It has made no clip yet to go by."),
        ({"is_active": False}, "It is switched off."),
        ({"total_jobs": 3}, "Its budget pays for 3 of the 4 that wait."),
        ({"total_jobs": 0}, "Its whole budget of 0 jobs is used up."),
    ],
)
def test_where_nobody_can_tell_it_says_why(values, why):
    endpoint = make_endpoint(**values)
    assert outlook(endpoint, waiting=4, under_way=0, now=NOW) == Outlook(None, why)
