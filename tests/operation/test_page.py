"""The operator's page: who may open it, and that it says what is known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from generation.enums import JobState
from operation.pages import ago
from tests.owner.at_work import study_with_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

PAGE = "/operation/"


def someone(*rights: str, is_staff: bool = True) -> Client:
    user = User.objects.create_user("someone", is_staff=is_staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(user)
    return client


def page(client: Client) -> str:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_not_of_the_staff_is_sent_to_log_in(client, method):
    for one in (client, someone("view_operation", is_staff=False)):
        answer = getattr(one, method)(PAGE)
        assert (answer.status_code, answer.url.split("?")[0]) == (302, reverse("admin:login"))


def test_owners_without_the_right_get_nothing_and_no_link():
    owner = someone("view_study", "change_study")
    assert owner.get(PAGE).status_code == 403
    assert PAGE not in owner.get(reverse("owner-studies")).content.decode()


@pytest.mark.usefixtures("at_work")
def test_who_has_the_right_may_look_and_not_more():
    operator = someone("view_operation", "view_study")
    assert operator.get(PAGE).status_code == 200
    assert operator.post(PAGE).status_code == 405
    assert f'href="{PAGE}"' in operator.get(reverse("owner-studies")).content.decode()


@pytest.mark.usefixtures("at_work")
def test_all_is_well(operator):
    assert "Nothing is wrong that can be seen from here." in page(operator)


@pytest.mark.usefixtures("no_redis")
def test_a_redis_that_is_away_is_said_in_words(operator):
    text = page(operator)
    assert "Redis does not answer: workers are given nothing to do." in text
    assert "Not known: Redis does not answer." in text
    assert "secret" not in text


@pytest.mark.usefixtures("at_work")
def test_a_failure_says_where_why_and_what_to_do(operator, now):
    study_with_jobs((JobState.FAILED, {"error": "No <b>memory</b>.", "finished_at": now}))
    text = page(operator)
    assert reverse("owner-clips", args=["planned"]) in text
    assert "No &lt;b&gt;memory&lt;/b&gt;." in text
    assert "Open the study&#x27;s clips: try again, or give them up." in text


@pytest.mark.usefixtures("at_work")
def test_it_is_kept_by_nobody(operator):
    assert "no-store" in operator.get(PAGE).headers["Cache-Control"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s ago"), (119, "119 s ago"), (120, "2 min ago"), (7200, "2 h ago")],
)
def test_how_long_ago(now, seconds, said):
    assert ago(now - timedelta(seconds=seconds), now) == said
    assert ago(None, now) == "not seen yet"
