"""What comes next: a pair, a wait, or one of many ends, said alike by page and API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from annotations.enums import ENDED_AT_PANEL, AssignmentState, CheckRole, RaterOutcome, SkipReason
from annotations.models import Assignment, Rater, Study
from annotations.services.raters.endings import end_part, exclude_rater
from annotations.services.raters.entry import recruitment_of
from annotations.services.raters.invites import make_invites, revoke_invite
from annotations.services.raters.joining import sign_rater
from annotations.services.rating.qualifying import score_checks
from annotations.services.rating.skipping import skip_allowance, skip_assignment
from tests.annotations.factories import (
    NOW,
    claim,
    judge,
    make_check,
    make_rater,
    make_study,
)
from tests.annotations.panel_standins import PERSON, SESSION

pytestmark = pytest.mark.django_db


def make_panel_rater(study: Study, person: str = PERSON) -> Rater:
    rater = make_rater(study, person)
    Rater.objects.filter(pk=rater.pk).update(external_session_id=SESSION)
    rater.refresh_from_db()
    return rater


def ending_by_page(rater: Rater):
    client = Client()
    client.cookies[f"rater_{rater.study_id}"] = sign_rater(rater)
    page = client.get(f"/s/{rater.study.slug}/rate/", follow=True)
    return page.context.get("ending") if page.context else None


def turn_by_api(rater: Rater) -> dict:
    headers = {"Authorization": f"Rater {sign_rater(rater)}"}
    return Client().post(f"/api/v1/studies/{rater.study.slug}/claim/", headers=headers).json()


def skip(rater: Rater) -> Assignment:
    return skip_assignment(
        rater=rater, public_id=claim(rater).public_id, reason=SkipReason.UNSURE, now=NOW
    )


# The ends


@pytest.mark.parametrize("outcome", [one for one in RaterOutcome if one != RaterOutcome.NO_CONSENT])
def test_page_and_api_say_the_same_of_each_end(outcome):
    study = make_study(comparisons=1, raters_per_comparison=1)
    rater = make_panel_rater(study)
    if outcome == RaterOutcome.OVER_QUOTA:
        judge(make_rater(study))
    if outcome in (RaterOutcome.DONE, RaterOutcome.NOTHING_JUDGED):
        judge(rater) if outcome == RaterOutcome.DONE else skip(rater)
    else:
        end_part(rater=rater, outcome=outcome, now=timezone.now())
    page, api = ending_by_page(rater), turn_by_api(rater)
    assert api["turn"] == ("done" if outcome == RaterOutcome.DONE else "over")
    assert api["ending"]["kind"] == page.kind == outcome
    assert api["ending"]["text"] == page.text != ""
    assert api["ending"]["way_back"]["code"] == page.way_back.code
    code = "" if outcome in ENDED_AT_PANEL else recruitment_of(study).code(outcome)
    assert page.way_back.code == code


@pytest.mark.parametrize("outcome", [*RaterOutcome])
def test_every_end_says_what_happened_and_the_way_back(outcome):
    study = make_study(comparisons=1)
    recruitment = recruitment_of(study)
    rater = make_panel_rater(study)
    if outcome == RaterOutcome.NO_CONSENT:
        answer = Client().post(
            f"/s/{study.slug}/declined/", {"PROLIFIC_PID": PERSON, "SESSION_ID": SESSION}
        )
        ending = answer.context["ending"]
    else:
        Rater.objects.filter(pk=rater.pk).update(outcome=outcome)
        client = Client()
        client.cookies[f"rater_{study.pk}"] = sign_rater(rater)
        ending = client.get(f"/s/{study.slug}/done/").context["ending"]
    assert ending.title and ending.text
    assert ending.way_back.link or ending.way_back.home
    if outcome not in ENDED_AT_PANEL:
        assert recruitment.code(outcome) in ending.way_back.link


def test_each_outcome_has_a_code_of_its_own():
    recruitment = recruitment_of(make_study())
    codes = [recruitment.code(one) for one in RaterOutcome if one not in ENDED_AT_PANEL]
    assert len(set(codes)) == len(codes) == 8


def test_who_is_excluded_at_work_is_told_and_finds_the_way_back():
    rater = make_panel_rater(make_study(comparisons=2))
    judge(rater)
    exclude_rater(rater=rater, why="Bots.", now=timezone.now())
    ending = ending_by_page(rater)
    assert ending.kind == RaterOutcome.EXCLUDED
    assert recruitment_of(rater.study).excluded_code in ending.way_back.link


def test_who_is_excluded_after_being_done_keeps_the_code():
    rater = make_panel_rater(make_study(comparisons=1))
    judge(rater)
    assert turn_by_api(rater)["turn"] == "done"
    exclude_rater(rater=rater, why="Bots.", now=timezone.now())
    assert turn_by_api(rater)["ending"]["way_back"]["code"] == rater.study.completion_code


def test_the_first_end_for_finished_work_counts():
    rater = make_rater(make_study())
    assert end_part(rater=rater, outcome=RaterOutcome.OVER_QUOTA, now=NOW)
    assert rater.finished_at is None
    assert end_part(rater=rater, outcome=RaterOutcome.DONE, now=NOW)
    assert not end_part(rater=rater, outcome=RaterOutcome.FAILED_CHECK, now=NOW + timedelta(1))
    assert (rater.outcome, rater.finished_at) == (RaterOutcome.DONE, NOW)


def test_an_end_for_good_frees_the_pair_that_was_loaded_ahead():
    study = make_study(comparisons=1, raters_per_comparison=1)
    rater = make_rater(study)
    held = claim(rater)
    end_part(rater=rater, outcome=RaterOutcome.FAILED_CHECK, now=NOW)
    held.refresh_from_db()
    assert (held.state, study.comparisons.get().open_seats) == (AssignmentState.EXPIRED, 1)


@pytest.mark.parametrize("outcome", [*ENDED_AT_PANEL, RaterOutcome.FAILED_CHECK])
@pytest.mark.parametrize("in_hand", ["repeat", "gold"])
def test_who_ends_with_a_repeat_or_a_check_in_hand_frees_no_seat(in_hand, outcome):
    study = make_study(comparisons=1, raters_per_comparison=1)
    rater = make_rater(study)
    judged = judge(rater)
    check = make_check(study, CheckRole.GOLD)
    Assignment.objects.create(
        comparison=judged.comparison if in_hand == "repeat" else check.comparison,
        occasion=2 if in_hand == "repeat" else 1,
        rater=rater,
        side_a="left",
        leased_at=NOW,
        lease_expires_at=NOW + timedelta(minutes=15),
    )
    end_part(rater=rater, outcome=outcome, now=NOW)
    assert set(study.comparisons.values_list("open_seats", flat=True)) == {0}


# Waiting


@pytest.mark.parametrize("by", ["page", "api"])
def test_who_finds_all_pairs_with_others_may_come_back(by):
    study = make_study(comparisons=1, raters_per_comparison=1)
    claim(make_rater(study), now=timezone.now())
    rater = make_rater(study)
    ending = ending_by_page(rater) if by == "page" else turn_by_api(rater)["ending"]
    kind, again = (
        (ending.kind, ending.may_come_back)
        if by == "page"
        else (ending["kind"], ending["may_come_back"])
    )
    rater.refresh_from_db()
    assert (kind, again, rater.outcome) == ("waiting", True, "")


def test_who_came_in_vain_is_given_a_pair_when_one_comes_free():
    study = make_study(comparisons=1, raters_per_comparison=1)
    first, second = make_rater(study), make_rater(study)
    judge(first)
    assert turn_by_api(second)["ending"]["kind"] == RaterOutcome.OVER_QUOTA
    exclude_rater(rater=first, why="Bots.", now=timezone.now())
    assert turn_by_api(second)["turn"] == "pair"


def test_who_is_done_finds_the_code_while_the_study_is_paused():
    rater = make_rater(make_study(comparisons=1))
    judge(rater)
    turn_by_api(rater)
    Study.objects.update(state="paused")
    assert turn_by_api(rater)["ending"]["way_back"]["code"] == rater.study.completion_code


def test_whose_invite_was_withdrawn_is_told_so_and_not_ended():
    study = make_study(comparisons=2)
    [invite] = make_invites(study=study, labels=["Anna"])
    Client().post(f"/s/{study.slug}/", {"invite": invite.token})
    revoke_invite(invite=invite, now=timezone.now())
    rater = Rater.objects.get()
    turn = turn_by_api(rater)
    assert (turn["turn"], turn["ending"]["kind"]) == ("over", "invite-withdrawn")
    assert ending_by_page(rater).kind == "invite-withdrawn"
    assert Rater.objects.get().outcome == ""


# Skips


def test_skipping_does_not_earn_the_code():
    rater = make_panel_rater(make_study(comparisons=10))
    for _ in range(4):
        skip(rater)
    ending = ending_by_page(rater)
    assert ending.kind == RaterOutcome.SKIP_LIMIT
    assert ending.way_back.code == recruitment_of(rater.study).skip_limit_code
    assert rater.study.completion_code not in ending.way_back.link


def test_a_tenth_of_the_pairs_that_one_met_may_be_skipped_and_always_three():
    study = make_study(comparisons=10)
    rater = make_rater(study)
    for _ in range(3):
        skip(rater)
    assert (skip_allowance(rater).left, Rater.objects.get().outcome) == (0, "")
    Study.objects.update(skip_percent=50)
    rater.study.refresh_from_db()
    for _ in range(5):
        judge(rater)
    # Half of 8 pairs.
    assert (skip_allowance(rater).most, skip_allowance(rater).left) == (4, 1)


def test_a_study_may_set_no_limit_to_skips():
    rater = make_rater(make_study(comparisons=6, skip_percent=None))
    for _ in range(6):
        skip(rater)
    assert turn_by_api(rater)["ending"]["kind"] == RaterOutcome.NOTHING_JUDGED


def test_a_check_that_was_skipped_counts_as_failed():
    study = make_study(comparisons=1)
    gold = make_check(study, CheckRole.GOLD)
    rater = make_rater(study)
    Assignment.objects.create(
        comparison=gold.comparison,
        rater=rater,
        side_a="left",
        leased_at=NOW,
        lease_expires_at=NOW + timedelta(minutes=15),
    )
    skip(rater)
    score = score_checks(rater, [CheckRole.GOLD])
    assert (score.right, score.answered) == (0, 1)


# Who has lost the cookie


def test_a_panels_rater_without_cookie_comes_back_by_the_panels_link_as_the_same_person():
    study = make_study(comparisons=2)
    rater = make_panel_rater(study)
    link = {"PROLIFIC_PID": PERSON, "SESSION_ID": SESSION}
    Client().post(f"/s/{study.slug}/", link)
    assert [one.pk for one in Rater.objects.all()] == [rater.pk]


@pytest.mark.parametrize("method", ["get", "post"])
def test_where_only_the_panels_people_enter_nobody_becomes_a_new_person(method):
    study = make_study(comparisons=2)
    recruitment = recruitment_of(study)
    recruitment.entry = "listed"
    recruitment.save()
    answer = getattr(Client(), method)(f"/s/{study.slug}/", {"unknown": "1"})
    assert answer.status_code == 403
    assert "Please use the link you were sent." in answer.content.decode()
    assert not Rater.objects.exists()


def test_a_study_that_is_not_open_yet_keeps_the_panels_ids_in_the_way_back():
    study = make_study(comparisons=2, state="paused")
    answer = Client().post(f"/s/{study.slug}/", {"PROLIFIC_PID": PERSON, "SESSION_ID": SESSION})
    assert answer.status_code == 409
    again = f"/s/{study.slug}/?PROLIFIC_PID={PERSON}&SESSION_ID={SESSION}"
    assert answer.context["again_url"] == again
