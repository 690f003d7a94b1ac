"""The same message and the same link many times at once, each with a connection of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from annotations.models import PanelEvent, Rater
from annotations.services.raters.invites import make_invites
from tests.annotations.factories import make_study
from tests.annotations.panel_standins import PERSON, SECRET, SESSION, Prolific
from tests.annotations.visitors import Visitor, recruit

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 8


def at_once(act, argument):
    def act_and_hang_up(_: int):
        try:
            return act(argument)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(act_and_hang_up, range(AT_ONCE)))


def test_a_message_sent_many_times_at_once_frees_one_seat(monkeypatch):
    monkeypatch.setenv("PROLIFIC_SECRET_OF_TEST", SECRET)
    study = recruit(make_study(), webhook_secret_env="PROLIFIC_SECRET_OF_TEST")
    visitor = Visitor(Client(), study)
    visitor.open(PROLIFIC_PID=PERSON, SESSION_ID=SESSION)
    visitor.send()

    def send(study):
        headers = {"X-Event-Id": "the same"}
        return Prolific().send(Client(), study, "RETURNED", **headers).json()["taken"]

    assert sorted(at_once(send, study)) == [False] * (AT_ONCE - 1) + [True]
    assert PanelEvent.objects.count() == 1
    assert study.comparisons.get().open_seats == study.raters_per_comparison


def test_a_single_use_link_opened_many_times_at_once_opens_once():
    study = make_study()
    [invite] = make_invites(study=study, labels=["Anna"])

    def enter(invite):
        answer = Client().post(f"/s/{study.slug}/", {"invite": invite.token})
        return answer.status_code

    assert sorted(at_once(enter, invite)) == [302] + [403] * (AT_ONCE - 1)
    assert Rater.objects.count() == 1


def test_people_who_come_at_once_to_a_new_study_share_one_recruitment():
    study = make_study()

    def look(study):
        return Client().get(f"/s/{study.slug}/").status_code

    assert at_once(look, study) == [200] * AT_ONCE
    study.refresh_from_db()
    assert study.recruitment.panel == "prolific"
