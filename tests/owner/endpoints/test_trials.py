"""“Try this endpoint”: what it costs, how it goes, and what to do when it does not work."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from generation.enums import JobState
from generation.models import Job
from tests.annotations.factories import NOW, make_model, make_stimulus, make_study
from tests.generation.factories import make_endpoint, make_job
from tests.owner.at_work import planned_study

pytestmark = pytest.mark.django_db


def page_of(endpoint) -> str:
    return reverse("owner-endpoint-trial", args=[endpoint.pk])


def sent(owner, endpoint, **values):
    return owner.post(page_of(endpoint), {"prompt": "A fox", **values}, follow=True)


def job_url(job, name="owner-endpoint-trial-job", *more) -> str:
    return reverse(name, args=[job.endpoint_id, job.pk, *more])


def a_test(state=JobState.READY, endpoint=None, **values) -> Job:
    return make_job(state, endpoint or make_endpoint(make_model()), is_trial=True, **values)


def test_what_it_costs_is_said_before(owner):
    endpoint = make_endpoint(
        make_model(), cost_per_job=Decimal("0.4"), currency="USD", total_cost=Decimal(2)
    )
    page = owner.get(page_of(endpoint)).content.decode()
    assert "It costs about <strong>0.40 USD</strong>. The budget pays for 5 more." in page
    assert not Job.objects.exists()


def test_exactly_one_job_is_planned_and_nothing_is_called(owner):
    answer = sent(owner, make_endpoint(make_model()))
    job = Job.objects.get()
    assert answer.request["PATH_INFO"] == job_url(job)
    assert (job.is_trial, job.study, job.prompt.text, job.state) == (True, None, "A fox", "ready")


def test_a_study_offers_its_prompts(owner):
    study = planned_study(prompts=2)
    endpoint = make_endpoint(study.study_models.first().model)
    page = owner.get(f"{page_of(endpoint)}?study={study.slug}").content.decode()
    prompt = study.prompts.last()
    assert prompt.text in page
    sent(owner, endpoint, study=study.slug, prompt=prompt.pk)
    job = Job.objects.get()
    assert (job.study, job.prompt.text, job.prompt == prompt) == (study, prompt.text, False)
    assert not Job.objects.for_study(study.pk).exists()


def test_the_studys_page_leads_to_it(owner):
    study = planned_study()
    endpoint = make_endpoint(study.study_models.first().model)
    page = owner.get(reverse("owner-study", args=[study.slug])).content.decode()
    assert f"{page_of(endpoint)}?study={study.slug}" in page


def test_the_endpoints_own_page_leads_to_it(owner):
    endpoint = make_endpoint(make_model())
    change = owner.get(reverse("admin:generation_endpoint_change", args=[endpoint.pk]))
    assert "Try this endpoint" in change.content.decode()
    button = reverse("admin:generation_endpoint_trial", args=[endpoint.pk])
    assert owner.get(button).url == page_of(endpoint)


def test_the_prompts_of_another_models_study_are_not_offered(owner):
    endpoint, other = make_endpoint(make_model()), make_study()
    page = owner.get(f"{page_of(endpoint)}?study={other.slug}")
    assert "<textarea" in page.content.decode()


@pytest.mark.parametrize(
    ("values", "prompt", "words"),
    [({"is_active": False}, "A fox", "switched off"), ({}, "", "This field is required")],
)
def test_what_cannot_be_sent_is_refused(owner, values, prompt, words):
    answer = sent(owner, make_endpoint(make_model(), **values), prompt=prompt)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not Job.objects.exists()


def test_a_test_shows_its_progress_and_refreshes_itself(owner):
    job = a_test(JobState.REMOTE_PENDING, progress=40)
    page = owner.get(job_url(job)).content.decode()
    assert "Being made, 40 %" in page
    assert f'data-live="{job_url(job, "owner-endpoint-trial-part")}"' in page
    part = owner.get(job_url(job, "owner-endpoint-trial-part"))
    assert part.headers["ETag"]
    assert "Being made, 40 %" in part.content.decode()


def test_a_test_that_works_shows_the_clip(owner):
    job = a_test(JobState.DONE, error="")
    stimulus = make_stimulus(job.endpoint.model, job.prompt)
    Job.objects.update(stimulus=stimulus)
    page = owner.get(job_url(job)).content.decode()
    assert "It works" in page
    assert reverse("owner-original", args=[stimulus.pk]) in page
    assert "data-live=" not in page


def test_a_test_that_fails_shows_the_words_and_what_to_do(owner):
    job = a_test(JobState.FAILED, error="Model not found (HTTP 404)")
    page = owner.get(job_url(job)).content.decode()
    assert "Model not found (HTTP 404)" in page
    assert "Check the address and the remote model" in page


def test_a_test_that_cannot_be_sent_says_why_and_goes_on_at_once(owner):
    rests = timezone.now() + timedelta(hours=1)
    endpoint = make_endpoint(make_model(), paused_until=rests, paused_why="No money.")
    job = a_test(endpoint=endpoint)
    assert "No money." in owner.get(job_url(job)).content.decode()
    owner.post(job_url(job, "owner-endpoint-trial-action", "resume"))
    endpoint.refresh_from_db()
    assert endpoint.paused_until is None


def test_a_test_that_no_worker_takes_says_so(owner):
    job = a_test()
    assert "Do the workers run?" not in owner.get(job_url(job)).content.decode()
    Job.objects.update(created_at=NOW - timedelta(days=1))
    assert "Do the workers run?" in owner.get(job_url(job)).content.decode()


def test_a_test_can_be_given_up_and_tried_again(owner):
    job = a_test()
    for what, state in [("give-up", JobState.CANCELLED), ("retry", JobState.READY)]:
        owner.post(job_url(job, "owner-endpoint-trial-action", what))
        job.refresh_from_db()
        assert job.state == state


def test_jobs_of_studies_are_no_tests(owner):
    job = make_job(JobState.FAILED, make_endpoint(make_model()))
    assert owner.get(job_url(job)).status_code == 404
    assert owner.post(job_url(job, "owner-endpoint-trial-action", "retry")).status_code == 404


def test_only_staff_test_endpoints(client):
    User.objects.create_user("visitor", password="a long password")
    client.login(username="visitor", password="a long password")
    endpoint = make_endpoint(make_model())
    assert client.post(page_of(endpoint), {"prompt": "A fox"}).status_code == 302
    assert not Job.objects.exists()
