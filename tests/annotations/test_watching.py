"""What the server's clock says of an answer: doubts are kept, nothing is refused."""

from datetime import timedelta

import pytest

from annotations.enums import Doubt
from annotations.services.rating.watching import doubts_about, seconds_to_watch
from tests.annotations.factories import NOW, claim, make_rater, make_study

pytestmark = pytest.mark.django_db

# The clips of the factories are 64 frames at 16 a second.
CLIP_SECONDS = 4.0


def facts(watched: float = 4.0, visible: float = 6.0) -> dict:
    side = {"seconds": CLIP_SECONDS, "watched_seconds": watched}
    return {"left": side, "right": side, "visible_seconds": visible}


def doubts(playback: dict, *, seconds: float, **study) -> list[str]:
    assignment = claim(make_rater(make_study(**study)))
    return doubts_about(assignment, playback, now=NOW + timedelta(seconds=seconds))


def test_an_answer_after_both_clips_were_seen_is_beyond_doubt():
    assert doubts(facts(), seconds=7) == []


def test_an_answer_that_comes_before_the_clips_can_have_ended_is_doubted():
    assert doubts(facts(visible=1.5), seconds=1.9) == [Doubt.TOO_SOON]


def test_a_rater_who_watched_at_double_speed_is_not_too_soon():
    assert doubts(facts(visible=2), seconds=2.1) == []


def test_a_browser_that_claims_more_time_than_there_was_is_doubted():
    assert doubts(facts(visible=600), seconds=10) == [Doubt.IMPOSSIBLE]


def test_clips_that_were_not_seen_in_full_are_doubted():
    assert doubts(facts(watched=2.0), seconds=10) == [Doubt.UNWATCHED]


def test_an_answer_without_playback_facts_says_so():
    assert doubts({}, seconds=10) == [Doubt.NO_FACTS]


@pytest.mark.parametrize("playback", [{"left": 3}, {"visible_seconds": "long"}, {"left": {}}])
def test_facts_of_another_shape_are_no_error(playback):
    assert doubts(playback, seconds=10) == []


def test_a_study_that_asks_for_no_watching_doubts_nothing():
    assert doubts({}, seconds=0, must_watch=False) == []


def test_one_after_the_other_takes_the_time_of_both():
    assignment = claim(make_rater(make_study(viewing="sequential")))
    assert seconds_to_watch(assignment.comparison) == 2 * CLIP_SECONDS
