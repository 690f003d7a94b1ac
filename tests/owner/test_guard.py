"""Every address of the owner's pages, as everybody who might ask for it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import URLPattern, reverse

from annotations.services.raters.invites import make_invites
from generation.enums import JobState
from generation.models import Job
from owner.urls import urlpatterns
from tests.annotations.factories import make_check
from tests.owner.at_work import study_with_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

ROUTES = {pattern.name: pattern for pattern in urlpatterns}
# What an address holds where a row of the study is not enough.
WORDS = {"what": "no-such-act", "which": "a"}
# Answers to an owner: a page, a file, a redirect, or a form that was sent empty.
ANSWERS = (200, 302, 304, 400, 404, 405)


@pytest.fixture
def address(db):
    """Of a route, filled in with rows that are there."""
    study = study_with_jobs((JobState.READY, {}))
    job, check = Job.objects.get(), make_check(study, "gold")
    Job.objects.update(is_trial=True)
    [invite] = make_invites(study=study, labels=["Ada"], unnamed=0, is_reusable=False)
    rows = {
        "slug": study.slug,
        "job_id": job.pk,
        "endpoint_id": job.endpoint_id,
        "model_id": job.endpoint.model_id,
        "prompt_id": job.prompt_id,
        "check_id": check.pk,
        "stimulus_id": check.stimulus_a_id,
        "invite_id": invite.pk,
        **WORDS,
    }

    def fill(pattern: URLPattern) -> str:
        names = pattern.pattern.converters
        # One that is not there: the guard answers before anything is looked for.
        return reverse(pattern.name, kwargs={name: rows.get(name, 999_999) for name in names})

    return fill


def someone(*rights: str, is_staff: bool = True) -> Client:
    user = User.objects.create_user("someone", is_staff=is_staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(user)
    return client


def statuses(client: Client, url: str) -> tuple[int, int]:
    return client.get(url).status_code, client.post(url).status_code


@pytest.mark.parametrize("name", ROUTES)
def test_who_is_not_logged_in_is_sent_to_log_in(client, address, name):
    url = address(ROUTES[name])
    for answer in (client.get(url), client.post(url)):
        assert (answer.status_code, answer.url.split("?")[0]) == (302, reverse("admin:login"))


@pytest.mark.parametrize("name", ROUTES)
def test_who_is_not_staff_is_sent_to_log_in(address, name):
    assert statuses(someone("view_study", is_staff=False), address(ROUTES[name])) == (302, 302)


@pytest.mark.parametrize("name", ROUTES)
def test_staff_without_a_right_get_nothing(address, name):
    assert statuses(someone(), address(ROUTES[name])) == (403, 403)


@pytest.mark.parametrize("name", ROUTES)
def test_who_may_only_look_changes_nothing(address, name):
    read, act = statuses(someone("view_study"), address(ROUTES[name]))
    assert (read in ANSWERS, act) == (True, 403)


@pytest.mark.parametrize("name", ROUTES)
def test_an_owner_is_answered(address, name):
    read, act = statuses(someone("view_study", "change_study"), address(ROUTES[name]))
    assert {read, act} <= {*ANSWERS}
    assert (read, act) != (405, 405)


def test_no_address_of_the_owners_pages_stands_elsewhere():
    from django.urls import get_resolver

    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    assert {name for name in names if name.startswith("owner-")} == {*ROUTES}
