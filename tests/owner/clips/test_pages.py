"""A study's clips: the matrix, what they cost and when they end, and what an owner can do."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from annotations.enums import StudyState
from annotations.models import Stimulus
from generation import tasks
from generation.enums import AttemptState, JobState
from generation.models import Endpoint, Job
from owner.clips.matrix import FILTERS, matrix_rows, prompts_to_show
from owner.clips.state import clips_of
from tests.annotations.factories import NOW, make_model, make_prompt, make_stimulus, make_study
from tests.generation.factories import make_attempt, make_endpoint, make_job
from tests.owner.at_work import STANDINGS, first_model, planned_study, shown, study_with_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def stopped(monkeypatch) -> list[int]:
    """The attempts that workers are asked to stop."""
    asked: list[int] = []
    monkeypatch.setattr(tasks.stop, "apply_async", lambda args, retry: asked.append(args[0]))
    return asked


def endpoint_of(study) -> Endpoint:
    return Endpoint.objects.get(model__studies=study)


def act(owner, study, what, **chosen):
    url = reverse("owner-clip-action", args=[study.slug, what])
    return owner.post(url, {name: str(value) for name, value in chosen.items()}, follow=True)


def states(study) -> list[str]:
    return list(Job.objects.for_study(study.pk).order_by("pk").values_list("state", flat=True))


# The matrix


def test_each_square_says_how_its_clip_stands():
    study = study_with_jobs(*[(state, values) for state, values, _ in STANDINGS])
    rows = matrix_rows(study, study.prompts.order_by("pk"))
    assert [cells[0].state for _, cells in rows] == [state for _, _, state in STANDINGS]
    assert {cells[1].state for _, cells in rows} == {"missing"}


def test_a_clip_that_is_there_counts_as_there_whatever_became_of_its_job():
    study = study_with_jobs((JobState.FAILED, {}))
    make_stimulus(first_model(study), study.prompts.get(), study=study)
    [(_, [first, second])] = matrix_rows(study, study.prompts.all())
    assert (first.state, second.state) == ("there", "missing")
    assert [line.there for line in clips_of(study, now=NOW).lines] == [1, 0]


def test_a_square_tells_progress_and_the_failures_own_words(owner):
    study = study_with_jobs(
        (JobState.REMOTE_PENDING, {"progress": 40}), (JobState.REJECTED, {"error": "No foxes."})
    )
    page = owner.get(reverse("owner-clips", args=[study.slug])).content.decode()
    assert "being made, 40 %" in page
    assert "refused. No foxes." in page


def test_no_two_states_have_the_same_sign(owner):
    page = owner.get(reverse("owner-clips", args=[study_with_jobs().slug]))
    signs = [sign for _, sign, _ in page.context["signs"]]
    assert len(set(signs)) == len(signs) == 9


def test_the_models_are_counted_by_state():
    study = study_with_jobs(*[(state, values) for state, values, _ in STANDINGS])
    first, second = clips_of(study, now=NOW).lines
    told = (first.under_way, first.failed, first.lost, first.refused, first.given_up)
    assert told == (5, 1, 1, 1, 1)
    assert (first.without_clip, second.without_clip) == (1, 10)


@pytest.mark.parametrize(("which", "prompts"), [("", 4), ("open", 3), ("moving", 1), ("failed", 1)])
def test_the_prompts_can_be_narrowed_to_what_wants_a_look(which, prompts):
    assert which in FILTERS
    study = study_with_jobs(
        (JobState.READY, {}), (JobState.FAILED, {}), (JobState.DONE, {}), (JobState.DONE, {})
    )
    for model in study.generative_models.all():
        make_stimulus(model, study.prompts.order_by("pk").last(), study=study)
    assert prompts_to_show(study, which).count() == prompts


def test_a_hundred_prompts_are_shown_at_a_time(owner):
    study = planned_study(prompts=103)
    url = reverse("owner-clips", args=[study.slug])
    first, last = owner.get(url).content.decode(), owner.get(f"{url}?page=2").content.decode()
    assert "prompts 1 to 100 of 103" in first
    assert "prompts 101 to 103 of 103" in last


def test_the_part_that_refreshes_itself_is_not_sent_again_while_it_is_the_same(owner):
    study = study_with_jobs((JobState.READY, {}))
    url = reverse("owner-clips-part", args=[study.slug])
    first = owner.get(url)
    same = owner.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, same.status_code, same.content) == (200, 304, b"")
    Job.objects.update(state=JobState.FAILED, error="Broken.")
    other = owner.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


@pytest.mark.parametrize("name", ["owner-clips", "owner-clips-part", "owner-study"])
def test_the_number_of_queries_does_not_grow_with_prompts(
    owner, name, django_assert_max_num_queries
):
    counts = []
    for size in (3, 60):
        study = study_with_jobs(*[(JobState.FAILED, {})] * size, slug=f"of-{size}")
        url = reverse(name, args=[study.slug])
        owner.get(url)
        with django_assert_max_num_queries(40) as seen:
            owner.get(url)
        counts.append(len(seen))
    assert counts[0] == counts[1]


# One clip


def clip_url(study) -> str:
    return reverse(
        "owner-clip-of", args=[study.slug, first_model(study).pk, study.prompts.first().pk]
    )


def test_a_clips_page_shows_its_attempts_and_all_that_was_said(owner):
    study = study_with_jobs(
        (JobState.REJECTED, {"error": "Flagged <b>."}), currency="USD", cost_per_job=Decimal(1)
    )
    answer = {"id": "v9", "revised_prompt": "A red fox"}
    raw = {"sent": {"prompt": "A fox", "seed": 3, "parameters": {"size": "720p"}}, "answer": answer}
    values = {"cost": Decimal("0.25"), "is_cost_told": True, "state": AttemptState.ACCEPTED}
    make_attempt(Job.objects.get(), remote_id="v9", raw=raw, **values)
    page = owner.get(clip_url(study)).content.decode()
    for words in ("Flagged &lt;b&gt;.", "A red fox", "720p", "v9", "0.25 USD", "recorded"):
        assert words in page
    assert "never asked for in other words" in page


def test_a_clips_page_plays_the_clip(owner):
    study = planned_study(prompts=1)
    stimulus = make_stimulus(first_model(study), study.prompts.get(), study=study)
    page = owner.get(clip_url(study)).content.decode()
    address = reverse("owner-original", args=[stimulus.pk])
    assert f'src="{address}"' in page
    assert Stimulus.objects.get().source in page


def test_a_clip_that_nobody_makes_says_what_to_do(owner):
    assert "has no endpoint" in owner.get(clip_url(planned_study())).content.decode()


def test_clips_of_another_study_are_not_shown_here(owner):
    study = study_with_jobs((JobState.READY, {}))
    url = reverse("owner-clip-of", args=[study.slug, first_model(study).pk, make_prompt().pk])
    assert owner.get(url).status_code == 404


@pytest.mark.parametrize(
    "path", ["owner-clips", "owner-clips-part", "owner-clip-of", "owner-generation"]
)
def test_only_staff_see_them(client, path):
    study = study_with_jobs((JobState.READY, {}))
    own = [first_model(study).pk, study.prompts.get().pk] if path == "owner-clip-of" else []
    assert client.get(reverse(path, args=[study.slug, *own])).status_code == 302


def test_only_staff_see_originals(client):
    stimulus = make_stimulus(make_model(), make_prompt())
    assert client.get(reverse("owner-original", args=[stimulus.pk])).status_code == 302


# What can be done

ENDED_BADLY = [
    (JobState.FAILED, {}),
    (JobState.UNKNOWN_OUTCOME, {"wake_at": None}),
    (JobState.REJECTED, {}),
    (JobState.CANCELLED, {}),
]


@pytest.mark.parametrize("chosen", ["all", "model"])
def test_retrying_many_takes_up_only_what_failed(owner, chosen):
    study = study_with_jobs(*ENDED_BADLY)
    where = {"model": first_model(study).pk} if chosen == "model" else {}
    assert "1 clip is tried again" in act(owner, study, "retry", **where).content.decode()
    assert states(study) == [JobState.READY, *[state for state, _ in ENDED_BADLY[1:]]]


def test_what_may_be_paid_for_twice_is_sent_again_only_when_asked_for(owner):
    study = study_with_jobs(*ENDED_BADLY, (JobState.UNKNOWN_OUTCOME, {}))
    assert "may be paid for twice" in shown(owner, study)
    answer = act(owner, study, "send-again", model=first_model(study).pk)
    assert "1 clip is sent once more" in answer.content.decode()
    assert states(study)[1] == JobState.READY
    assert states(study)[4] == JobState.UNKNOWN_OUTCOME


def test_one_clip_can_be_tried_again_even_if_it_was_refused(owner):
    study = study_with_jobs(*ENDED_BADLY)
    refused = Job.objects.get(state=JobState.REJECTED)
    answer = act(owner, study, "retry", job=refused.pk)
    assert "1 clip is tried again" in answer.content.decode()
    refused.refresh_from_db()
    assert refused.state == JobState.READY


def test_another_models_failures_are_left_alone(owner):
    study = study_with_jobs((JobState.FAILED, {}))
    act(owner, study, "retry", model=study.study_models.last().model.pk)
    assert states(study) == [JobState.FAILED]


def test_giving_up_never_waits_for_an_endpoint(owner, stopped):
    study = study_with_jobs((JobState.READY, {}), (JobState.REMOTE_PENDING, {}))
    assert "2 clips are given up" in act(owner, study, "give-up").content.decode()
    assert states(study) == [JobState.CANCELLED] * 2
    assert stopped == [Job.objects.get(remote_id="v1").attempts.get().pk]


def test_what_was_given_up_can_be_taken_up_again(owner, stopped):
    study = study_with_jobs((JobState.READY, {}), (JobState.FAILED, {}))
    act(owner, study, "give-up")
    act(owner, study, "take-up")
    assert states(study) == [JobState.READY, JobState.FAILED]


def test_a_paused_endpoint_can_be_called_again(owner):
    study = study_with_jobs(
        (JobState.READY, {}), paused_until=NOW.replace(year=2126), paused_why="No money."
    )
    page = shown(owner, study)
    assert "No money." in page
    assert "Call it again now" in page
    act(owner, study, "resume", model=first_model(study).pk)
    assert endpoint_of(study).paused_until is None


def test_the_job_of_another_study_is_left_alone(owner):
    job, study = make_job(JobState.FAILED), make_study()
    act(owner, study, "retry", job=job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED


@pytest.mark.parametrize(("what", "status"), [("delete", 400), ("retry", 400)])
def test_what_is_no_action_is_refused(owner, what, status):
    assert act(owner, make_study(), what, job="1 or 1=1").status_code == status


@pytest.mark.parametrize(
    ("asked", "given"),
    [("/studies/", "/studies/"), ("https://evil.test/", None), ("//evil.test/", None)],
)
def test_the_way_back_never_leaves_the_site(owner, asked, given):
    study = study_with_jobs((JobState.READY, {}))
    url = reverse("owner-clip-action", args=[study.slug, "retry"])
    answer = owner.post(url, {"back": asked})
    assert answer.url == (given or reverse("owner-clips", args=[study.slug]))


# Money and time


def test_recorded_and_estimated_costs_stand_apart():
    study = study_with_jobs(*[(JobState.REMOTE_PENDING, {})] * 4, currency="USD")
    costs = [("1.5", True), ("2", True), ("0.25", False), (None, False)]
    for job, (cost, is_told) in zip(Job.objects.order_by("pk"), costs, strict=True):
        job.attempts.update(cost=cost, is_cost_told=is_told)
    [spent] = clips_of(study, now=NOW).spent
    assert str(spent) == ("3.50 USD recorded, 0.25 USD estimated, 1 sent at an unknown price")


def test_what_was_refused_before_it_was_made_cost_nothing():
    study = study_with_jobs((JobState.REMOTE_PENDING, {}), currency="USD")
    Job.objects.get().attempts.update(cost=Decimal(3), state=AttemptState.REFUSED)
    assert clips_of(study, now=NOW).spent == []


def test_a_run_is_estimated_before_it_is_started(owner):
    study = planned_study(prompts=31)
    for model in study.generative_models.all():
        make_endpoint(model, currency="USD", cost_per_job=Decimal("0.2"), total_cost=Decimal(20))
    page = shown(owner, study)
    assert "62 clips to make: about 12.40 USD." in page
    assert "31 clips, about 6.20 USD; its budget pays for 100 (20.00 USD in all)" in page


def test_a_budget_that_does_not_reach_says_so_before_the_run():
    study = planned_study(prompts=5)
    make_endpoint(first_model(study), cost_per_job=Decimal(1), total_cost=Decimal(3))
    [plan] = clips_of(study, now=NOW).plans
    assert (plan.is_over_budget, plan.budget.jobs, plan.clips) == (True, 3, 5)


def test_without_prices_the_run_costs_nobody_knows_what(owner):
    study = planned_study(prompts=2)
    make_endpoint(first_model(study))
    assert "2 clips to make: all at an unknown price." in shown(owner, study)


def test_a_used_up_budget_says_what_to_do(owner):
    study = study_with_jobs((JobState.READY, {}), (JobState.REMOTE_PENDING, {}), total_jobs=1)
    page = shown(owner, study)
    assert "Its whole budget of 1 jobs is used up." in page
    assert "Raise the budget in its settings" in page


def test_the_end_is_told_by_the_pace_of_the_last_clips():
    study = study_with_jobs(*[(JobState.READY, {})] * 4, max_concurrency=2)
    made = make_job(JobState.DONE, endpoint_of(study), finished_at=NOW)
    make_attempt(made, sent_at=NOW - timedelta(seconds=90), state=AttemptState.ACCEPTED)
    assert clips_of(study, now=NOW).ends_at == NOW + timedelta(seconds=180)


def test_nobody_knows_the_end_before_the_first_clip(owner):
    study = study_with_jobs((JobState.READY, {}))
    assert clips_of(study, now=NOW).ends_at is None
    assert "It has made no clip yet to go by." in shown(owner, study)


def test_a_closed_study_that_has_all_clips_shows_none_of_this(owner):
    study = make_study(state=StudyState.CLOSED)
    assert 'id="clips"' not in shown(owner, study)
