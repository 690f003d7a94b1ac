"""Personal links: each opens as one rater, and a revoked one says so."""

import csv
import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from annotations.errors import InviteRefused, InvitesNotMade
from annotations.models import Rater
from annotations.services.raters.entry import recruitment_of
from annotations.services.raters.invites import (
    accept_invite,
    invite_link,
    make_invites,
    revoke_invite,
)
from annotations.services.raters.joining import sign_simulation
from tests.annotations.factories import NOW, claim, judge, make_rater, make_study
from tests.annotations.visitors import Visitor, recruit

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return make_study(comparisons=2)


def invite_one(study, label="Anna", **settings):
    [invite] = make_invites(study=study, labels=[label], **settings)
    return invite


def open_link(invite, client=None):
    visitor = Visitor(client or Client(), invite.study)
    visitor.page = visitor.client.get(invite_link(invite, base_url=""))
    return visitor


def enter(invite, client=None):
    visitor = open_link(invite, client)
    visitor.send()
    return visitor


def accept(invite):
    return accept_invite(study=invite.study, token=invite.token, now=NOW, consented_at=None)


def test_a_link_opens_as_its_rater(study):
    invite = invite_one(study)
    assert "assignment" in enter(invite).form().fields
    invite.refresh_from_db()
    assert (str(invite.rater), invite.used_at is None) == ("Anna", False)


def test_looking_at_the_link_does_not_use_it_up(study):
    invite = invite_one(study)
    open_link(invite)
    invite.refresh_from_db()
    assert (invite.used_at, Rater.objects.count()) == (None, 0)


def test_a_single_use_link_opens_once_and_goes_on_in_its_browser(study):
    invite = invite_one(study)
    browser = Client()
    enter(invite, browser)
    assert "assignment" in enter(invite, browser).form().fields
    page = enter(invite).page
    assert page.status_code == 403
    assert "was used already" in page.content.decode()
    assert Rater.objects.count() == 1


def test_a_reusable_link_opens_as_the_same_rater_everywhere(study):
    invite = invite_one(study, is_reusable=True)
    assigned = {enter(invite).form().fields["assignment"] for _ in range(2)}
    assert (len(assigned), Rater.objects.count()) == (1, 1)


def test_a_revoked_link_says_so_politely(study):
    invite = invite_one(study)
    assert revoke_invite(invite=invite, now=NOW)
    page = open_link(invite).page
    assert page.status_code == 403
    assert "This invite was withdrawn" in page.content.decode()
    with pytest.raises(InviteRefused):
        accept(invite)


def test_who_is_at_work_by_a_revoked_link_is_given_no_further_pair(study):
    invite = invite_one(study)
    visitor = enter(invite)
    revoke_invite(invite=invite, now=NOW)
    visitor.answer_quality()
    page = visitor.answer_faithfulness().content.decode()
    assert "Your invite was withdrawn" in page
    assert Rater.objects.get().assignments.submitted().count() == 1


def test_a_link_of_another_study_opens_nothing(study):
    invite = invite_one(make_study())
    page = Client().get(f"/s/{study.slug}/", {"invite": invite.token})
    assert page.status_code == 403


def test_a_listed_study_is_entered_by_invite_and_by_nothing_else(study):
    recruit(study, entry="listed")
    stranger = Visitor(Client(), study)
    stranger.open()
    assert stranger.send().status_code == 403
    assert "assignment" in enter(invite_one(study)).form().fields


def test_simulated_raters_enter_a_listed_study_by_their_pass(study):
    recruit(study, entry="listed")
    visitor = Visitor(Client(), study)
    visitor.open(simulation=sign_simulation(study))
    visitor.send()
    assert Rater.objects.get().is_simulated


def test_the_api_lets_people_in_by_invite(study, client):
    recruit(study, entry="listed")
    url = f"/api/v1/studies/{study.slug}/join/"
    assert client.post(url, {}, "application/json").status_code == 403
    token = {"invite": invite_one(study).token}
    assert client.post(url, token, "application/json").status_code == 201
    assert client.post(url, token, "application/json").status_code == 403


def test_the_name_of_an_invited_rater_opens_nothing(study):
    enter(invite_one(study, "5f00c0ffee5f00c0ffee5f00"))
    stranger = Visitor(Client(), study)
    stranger.open(PROLIFIC_PID="5f00c0ffee5f00c0ffee5f00")
    assert "personal link" in stranger.send().content.decode()


def test_who_took_an_invited_persons_name_keeps_their_own_seat(study):
    stranger = make_rater(study, "Anna")
    assert accept(invite_one(study)) != stranger


def test_a_new_link_of_the_same_name_goes_on_as_the_same_rater(study):
    first = invite_one(study)
    rater = accept(first)
    revoke_invite(invite=first, now=NOW)
    assert accept(invite_one(study)) == rater


def test_a_study_refuses_people_of_another_one_by_name(study):
    earlier = make_study()
    claim(accept(invite_one(earlier)))
    recruitment_of(study).refused_studies.add(earlier)
    assert "You took part in another study" in enter(invite_one(study)).page.content.decode()


def test_an_invited_rater_is_done_without_a_way_to_a_panel(study):
    visitor = enter(invite_one(study))
    for _ in range(2):
        visitor.answer_quality()
        visitor.answer_faithfulness()
    assert visitor.page.context["way_back"].link == ""


def test_another_persons_link_in_the_same_browser_opens_as_that_person(study):
    browser = Client()
    enter(invite_one(study, "Anna"), browser)
    enter(invite_one(study, "Ben"), browser)
    assert sorted(map(str, Rater.objects.all())) == ["Anna", "Ben"]


def test_links_are_made_in_bulk_once_for_each_name(study):
    made = make_invites(study=study, labels=["Anna", " Ben ", "", "Anna"], unnamed=2)
    assert [one.label for one in made] == ["Anna", "Ben", "", ""]
    again = make_invites(study=study, labels=["Anna", "Cleo"])
    assert [one.label for one in again] == ["Cleo"]
    assert len({one.token for one in study.invites.all()}) == 5


def test_no_links_without_names_or_a_number(study):
    with pytest.raises(InvitesNotMade):
        make_invites(study=study, labels=[" "])
    with pytest.raises(InvitesNotMade):
        make_invites(study=study, unnamed=1001)


def test_the_command_prints_links_that_open(study, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("Anna\nBen\n", encoding="utf-8")
    out = io.StringIO()
    call_command("invite_raters", study.slug, names=names, base_url="", stdout=out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [row["name"] for row in rows] == ["Anna", "Ben"]
    assert Client().get(rows[0]["link"]).status_code == 200


def test_the_command_says_when_nothing_was_asked_for(study):
    with pytest.raises(CommandError, match="for whom"):
        call_command("invite_raters", study.slug, unnamed=0, base_url="")


def test_invited_and_open_raters_judge_side_by_side(study):
    judge(accept(invite_one(study)))
    judge(make_rater(study))
    assert Rater.objects.filter(assignments__state="submitted").count() == 2
