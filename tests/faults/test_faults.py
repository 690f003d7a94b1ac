"""Under load, with clips being made: each trouble in turn, and what holds after it.

`make test-faults` lets 50 raters meet every trouble and prints the table of docs/reliability.md;
`make test` lets a few raters meet some.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from annotations.models import Assignment, Judgment, Stimulus, Study
from annotations.services.pairs.books import check_books
from annotations.services.studies.states import create_study
from generation.enums import JobState
from generation.jobs.planning import plan_jobs
from generation.models import Job
from tests.annotations.factories import make_model, make_prompt, make_study
from tests.faults import troubles
from tests.faults.raters import Raters
from tests.faults.troubles import OF_THE_DISK, TROUBLES, House, Trouble, small_disk
from tests.generation.factories import make_endpoint
from tests.live.private_postgres import PrivatePostgres, private_postgres
from tests.processes import Stack, running_stack
from tests.waiting import wait_for

EVERYTHING = "FAULTS" in os.environ
RATERS = 50 if EVERYTHING else 6
CLIPS = 24 if EVERYTHING else 4
COMPARISONS = 500
IN_SHORT = (
    troubles.a_web_process_is_killed,
    troubles.postgres_crashes,
    troubles.redis_is_away,
    troubles.answers_are_lost,
    troubles.the_disk_is_full,
)
MET = TROUBLES if EVERYTHING else IN_SHORT
BACK_WITHIN_SECONDS = 15
# Far longer than the making of the clips: a slow machine is not stuck.
STUCK_SECONDS = 300
PROMPT = "A red ball, take "
FAULTS_OF_OURS = {"500"}
AS_IN_PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "of-this-trial-" * 5,
    "ALLOWED_HOSTS": "*",
    "PUBLIC_URL": "http://127.0.0.1",
}
QUICK = {
    "GENERATION_QUEUE_PATIENCE_SECONDS": "4",
    "GENERATION_SUBMIT_LEASE_SECONDS": "18",
    "GENERATION_FETCH_LEASE_SECONDS": "18",
    "GENERATION_LIST_LAG_SECONDS": "2",
    "GENERATION_FAILURE_PAUSE_SECONDS": "1",
    "LOG_LEVEL": "WARNING",
}

pytestmark = [
    pytest.mark.live,
    pytest.mark.postgres,
    pytest.mark.xdist_group("live"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(900),
]


@pytest.fixture
def postgres(transactional_db) -> Iterator[PrivatePostgres]:
    with private_postgres() as postgres:
        if not postgres.can_be_restarted:
            pytest.skip("this PostgreSQL cannot be broken off and started again")
        yield postgres


@pytest.fixture
def house(tmp_path, postgres) -> Iterator[House]:
    with (
        small_disk(tmp_path / "var") as disk,
        running_stack(
            tmp_path, endpoint=True, delay=0.5, VAR_DIR=str(tmp_path / "var"), **QUICK
        ) as stack,
    ):
        stack.own_environments["web"] = AS_IN_PRODUCTION
        stack.start_web(workers=2)
        study = make_study(comparisons=COMPARISONS, raters_per_comparison=RATERS)
        plan_clips(stack)
        with Raters(stack.site_url, study.slug, RATERS) as raters:
            yield House(stack, postgres, raters, disk)


def plan_clips(stack: Stack) -> None:
    models = [make_model(slug) for slug in ("demo-aurora", "demo-drift")]
    for model in models:
        make_endpoint(
            model,
            base_url=f"{stack.endpoint_url}/v1",
            parameters={"seconds": "1", "size": "256x256"},
            is_internal=True,
            max_concurrency=2,
        )
    prompts = [make_prompt(f"{PROMPT}{number}") for number in range(CLIPS // 2)]
    study = create_study(title="Clips", slug="clips", models=models, prompts=prompts)
    plan_jobs(study=study, now=study.created_at)


def test_whatever_befalls_it_nothing_is_lost_and_all_goes_on_by_itself(house):
    """One trouble after the other, while raters judge and clips are made."""
    raters = house.raters
    wait_for(lambda: len(raters.acknowledged) > RATERS, "An answer of each rater")
    for trouble in MET:
        if trouble in OF_THE_DISK and house.disk is None:
            continue
        seconds = seconds_until_answered_again(house, trouble)
        print(f"\n| {trouble.__name__.replace('_', ' ')} | {seconds:.1f} s |", end=" ")
        print(f"{len(raters.acknowledged)} | {dict(raters.met)} |")
        assert not FAULTS_OF_OURS & set(raters.met), trouble.__name__
        raters.met.clear()
        assert seconds < BACK_WITHIN_SECONDS, trouble.__name__
        assert raters.refused == []
        assert_every_acknowledged_answer_is_there_once(raters)
        assert check_books(Study.objects.get(slug=raters.slug)) == []
    assert_every_clip_was_made_once(house.stack)


def seconds_until_answered_again(house: House, trouble: Trouble) -> float:
    """From the trouble's end to the first answer to a request that began since."""
    trouble(house)
    ended, raters = time.monotonic(), house.raters
    wait_for(lambda: raters.first_since(ended) is not None, "An answer after it")
    wait_for(lambda: answered_since(raters, ended) > RATERS, "Answers as before")
    first = raters.first_since(ended)
    assert first is not None
    return first.at - ended


def answered_since(raters: Raters, moment: float) -> int:
    return sum(one.began > moment for one in list(raters.acknowledged))


def assert_every_acknowledged_answer_is_there_once(raters: Raters) -> None:
    acknowledged = list(raters.acknowledged)
    stored = Counter(
        str(one) for one in Assignment.objects.submitted().values_list("submission_id", flat=True)
    )
    assert [one.submission for one in acknowledged if stored[one.submission] != 1] == []
    given: dict[str, dict[str, str]] = {}
    rows = Judgment.objects.values_list(
        "assignment__submission_id", "axis__key", "choice", "assignment__side_a"
    )
    for submission, axis, choice, side_a in rows:
        side = side_a if choice == "a" else {"left": "right", "right": "left"}[side_a]
        given.setdefault(str(submission), {})[axis] = side
    assert [one for one in acknowledged if given[one.submission] != one.choices] == []


def assert_every_clip_was_made_once(stack: Stack) -> None:
    def all_have_ended() -> bool:
        stack.start_again_what_ended()
        return not Job.objects.moving().exists()

    wait_for(all_have_ended, "The end of all jobs", STUCK_SECONDS)
    assert Job.objects.all().counts_by_state() == {JobState.DONE: CLIPS}
    assert Stimulus.objects.filter(prompt__text__startswith=PROMPT).count() == CLIPS
    answer = httpx.get(f"{stack.endpoint_url}/v1/videos", params={"limit": 100})
    asked = Counter((job["model"], job["prompt"]) for job in answer.json()["data"])
    assert set(asked.values()) == {1}
