"""A study on Prolific: the study file, the way in, the codes, and the webhooks."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from annotations.enums import RaterOutcome
from annotations.models import Assignment, PanelEvent, Rater
from annotations.services.raters.endings import end_part
from annotations.services.raters.entry import recruitment_of
from tests.annotations.factories import claim, judge, make_rater, make_study
from tests.annotations.panel_standins import PERSON, SECRET, SESSION, Prolific
from tests.annotations.visitors import Visitor, recruit

pytestmark = pytest.mark.django_db

PROLIFIC = Prolific()
OTHER_PERSON = "5f00c0ffee5f00c0ffee5f99"


def study_file(study, base_url="https://eval.example.org"):
    out = io.StringIO()
    call_command("prolific_study", study.slug, base_url=base_url, stdout=out)
    return out.getvalue()


@pytest.fixture
def study():
    return recruit(make_study(), estimated_minutes=10, reward=150)


@pytest.fixture
def hooked(study, monkeypatch):
    """A study that takes webhooks, with a rater at work who came from Prolific."""
    monkeypatch.setenv("PROLIFIC_SECRET_OF_TEST", SECRET)
    recruit(study, webhook_secret_env="PROLIFIC_SECRET_OF_TEST")
    visit = arrive(study)
    assert "assignment" in visit.form().fields
    return study


def arrive(study, client=None, *, person=PERSON, session=SESSION, **fields):
    """Open the link that Prolific makes of the study file, and press Start."""
    link = PROLIFIC.link_for(PROLIFIC.take_study(study_file(study)), person=person, session=session)
    visit = Visitor(client or Client(), study)
    visit.page = visit.client.get(link.removeprefix("https://eval.example.org"))
    visit.send(**fields)
    return visit


def open_seats(study):
    return study.comparisons.get().open_seats


# The study file


def test_the_study_file_has_the_fields_of_the_official_tool(study):
    found = PROLIFIC.take_study(study_file(study))
    assert (found["name"], found["internal_name"]) == (study.title, study.slug)
    assert (found["estimated_completion_time"], found["reward"]) == (10, 150)
    assert found["external_study_url"].startswith(f"https://eval.example.org/s/{study.slug}/?")


def test_the_study_file_has_a_code_for_each_outcome(study):
    codes = PROLIFIC.take_study(study_file(study))["completion_codes"]
    assert [one["code_type"] for one in codes] == [
        "COMPLETED",
        "SCREENED_OUT",
        "FAILED_ATTENTION_CHECK",
        "NO_CONSENT",
        "OTHER",
        "OTHER",
        "OTHER",
        "OTHER",
    ]
    assert len({one["code"] for one in codes}) == 8


def test_places_are_counted_from_what_the_study_needs():
    study = make_study(comparisons=10, max_per_rater=4)
    recruit(study, estimated_minutes=10, reward=150)
    # 10 pairs x 5 raters = 50 judgments, 4 from each: 12.5 people.
    assert PROLIFIC.take_study(study_file(study))["total_available_places"] == 13


def test_a_study_file_without_a_reward_says_what_is_missing():
    study = recruit(make_study(), estimated_minutes=10)
    with pytest.raises(CommandError, match="reward"):
        study_file(study)


def test_a_study_file_wants_https(study):
    with pytest.raises(CommandError, match="https"):
        study_file(study, base_url="http://eval.example.org")


# The way in and out


def test_the_code_comes_after_the_last_answer_and_says_completed(study):
    visit = arrive(study)
    assert study.completion_code not in visit.page.content.decode()
    visit.answer_quality()
    assert study.completion_code not in visit.page.content.decode()
    visit.answer_faithfulness()
    link = visit.page.context["way_back"].link
    assert PROLIFIC.code_type_of(PROLIFIC.take_study(study_file(study)), link) == "COMPLETED"


def test_parameters_are_read_in_any_case_of_letters(study):
    visit = Visitor(Client(), study)
    visit.open(prolific_pid=PERSON, Study_Id="s1", session_id=SESSION)
    visit.send()
    rater = Rater.objects.get()
    assert (rater.external_id, rater.external_session_id) == (PERSON, SESSION)


def test_a_link_that_nobody_filled_in_has_no_ids(study):
    visit = Visitor(Client(), study)
    link = PROLIFIC.take_study(study_file(study))["external_study_url"]
    visit.page = visit.client.get(link.removeprefix("https://eval.example.org"))
    visit.send()
    rater = Rater.objects.get()
    assert (rater.external_id, rater.external_session_id) == ("", "")


def test_who_does_not_agree_gets_the_code_of_no_consent_and_is_not_kept(study):
    type(study).objects.update(consent="Your answers are kept.")
    visit = Visitor(Client(), study)
    visit.open(PROLIFIC_PID=PERSON, SESSION_ID=SESSION)
    page = visit.client.post(f"/s/{study.slug}/declined/", visit.form().fields)
    link = page.context["way_back"].link
    assert PROLIFIC.code_type_of(PROLIFIC.take_study(study_file(study)), link) == "NO_CONSENT"
    assert not Rater.objects.exists()


def test_who_comes_when_the_study_is_closed_gets_the_code_for_it(study):
    type(study).objects.update(state="closed")
    page = arrive(study).page
    link = page.context["way_back"].link
    assert PROLIFIC.code_type_of(PROLIFIC.take_study(study_file(study)), link) == "OTHER"
    assert study.completion_code not in page.content.decode()


def test_who_comes_when_every_seat_is_judged_gets_the_code_for_it():
    study = recruit(make_study(raters_per_comparison=1), estimated_minutes=1, reward=1)
    judge(make_rater(study))
    page = arrive(study).page
    assert page.context["way_back"].code == recruitment_of(study).over_quota_code
    assert study.completion_code not in page.content.decode()


def test_who_comes_while_the_last_seat_is_held_may_try_again():
    study = recruit(make_study(raters_per_comparison=1), estimated_minutes=1, reward=1)
    arrive(study)
    page = arrive(study, person=OTHER_PERSON, session="other").page
    assert "Please try again later." in page.content.decode()


def test_who_failed_a_check_gets_that_code_and_no_more_work(study):
    visit = arrive(study)
    end_part(rater=Rater.objects.get(), outcome=RaterOutcome.FAILED_CHECK, now=timezone.now())
    page = visit.open("rate/")
    link = page.context["way_back"].link
    found = PROLIFIC.code_type_of(PROLIFIC.take_study(study_file(study)), link)
    assert found == "FAILED_ATTENTION_CHECK"


def test_who_is_found_to_have_failed_after_being_done_gets_that_code(study):
    visit = arrive(study)
    visit.answer_quality()
    visit.answer_faithfulness()
    Rater.objects.update(outcome=RaterOutcome.FAILED_CHECK)
    page = visit.open("done/")
    assert page.context["way_back"].code == recruitment_of(study).failed_check_code


def test_who_is_done_finds_the_code_again_when_the_study_is_closed(study):
    visit = arrive(study)
    visit.answer_quality()
    visit.answer_faithfulness()
    type(study).objects.update(state="closed", consent="Asked later.")
    page = arrive(study, consent="on").page
    assert page.context["way_back"].code == study.completion_code


def test_who_judged_in_a_refused_study_is_screened_out(study):
    earlier = make_study()
    claim(make_rater(earlier, PERSON))
    recruitment_of(study).refused_studies.add(earlier)
    page = arrive(study).page
    link = page.context["way_back"].link
    assert PROLIFIC.code_type_of(PROLIFIC.take_study(study_file(study)), link) == "SCREENED_OUT"
    assert not study.raters.exists()


def test_who_only_opened_a_refused_study_is_let_in(study):
    earlier = make_study()
    make_rater(earlier, PERSON)
    recruitment_of(study).refused_studies.add(earlier)
    arrive(study)
    assert study.raters.count() == 1


def test_who_is_done_is_not_paid_twice_by_a_second_submission(study):
    visit = arrive(study)
    visit.answer_quality()
    visit.answer_faithfulness()
    page = arrive(study, session="another submission").page
    assert "You have taken part in this study before" in page.content.decode()
    assert study.completion_code not in page.content.decode()


def test_who_comes_back_by_another_submission_is_sent_back_to_that_one(study):
    arrive(study, session="first")
    arrive(study, session="second")
    assert Rater.objects.get().external_session_id == "second"


def test_only_ids_that_look_like_the_panels_enter_a_listed_study(study):
    recruit(study, entry="listed")
    for person in ("made-up", "", PERSON.upper()):
        assert arrive(study, person=person).page.status_code in (403, 409)
    assert arrive(study).page.status_code == 200
    assert Rater.objects.get().external_id == PERSON


# Webhooks


def test_a_returned_submission_frees_the_seat_at_once(hooked, client):
    before = open_seats(hooked)
    answer = PROLIFIC.send(client, hooked, "RETURNED")
    assert answer.json() == {"taken": True}
    assert open_seats(hooked) == before + 1
    assert Rater.objects.get().outcome == "returned"


def test_a_timed_out_submission_frees_the_seat_and_keeps_the_judgments(hooked, client):
    before = open_seats(hooked)
    PROLIFIC.send(client, hooked, "TIMED-OUT")
    rater = Rater.objects.get()
    assert (open_seats(hooked), rater.outcome) == (before + 1, "timed-out")
    assert rater.excluded_at is None


def test_who_returned_has_withdrawn_and_their_judgments_are_left_out(hooked, client):
    visit = arrive(hooked)
    visit.answer_quality()
    visit.answer_faithfulness()
    PROLIFIC.send(client, hooked, "RETURNED")
    assert Rater.objects.get().excluded_why == "Returned the submission on Prolific."
    assert open_seats(hooked) == hooked.raters_per_comparison


def test_judgments_of_people_who_returned_stay_where_the_study_keeps_them(hooked, client):
    recruit(hooked, keeps_returned=True)
    visit = arrive(hooked)
    visit.answer_quality()
    visit.answer_faithfulness()
    PROLIFIC.send(client, hooked, "RETURNED")
    assert Rater.objects.get().excluded_at is None
    assert open_seats(hooked) == hooked.raters_per_comparison - 1


def test_who_returned_is_given_nothing_more_and_no_code(hooked, client):
    recruit(hooked, keeps_returned=True)
    visit = arrive(hooked)
    PROLIFIC.send(client, hooked, "RETURNED")
    page = visit.open("rate/").content.decode()
    assert "you returned your submission" in page
    assert hooked.completion_code not in page


def test_an_event_is_taken_once(hooked, client):
    for taken in (True, False):
        answer = PROLIFIC.send(client, hooked, "TIMED-OUT", **{"X-Event-Id": "e1"})
        assert answer.json() == {"taken": taken}
    assert PanelEvent.objects.count() == 1
    assert open_seats(hooked) == hooked.raters_per_comparison


def test_a_late_event_of_an_earlier_submission_does_not_end_the_present_one(hooked, client):
    arrive(hooked, session="second")
    PROLIFIC.send(client, hooked, "TIMED-OUT")
    assert Rater.objects.get().outcome == ""


def test_other_states_change_nothing(hooked, client):
    before = open_seats(hooked)
    for status in ("ACTIVE", "AWAITING REVIEW", "APPROVED"):
        assert PROLIFIC.send(client, hooked, status).status_code == 200
    assert (open_seats(hooked), Rater.objects.get().outcome) == (before, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": "another secret"},
        {"X-Prolific-Request-Signature": ""},
        {"X-Prolific-Request-Signature": "ünsigned"},
        {"seconds_from_now": "-361"},
        {"seconds_from_now": "3600"},
        {"X-Event-Id": ""},
    ],
)
def test_what_is_not_signed_now_by_the_panel_is_refused(hooked, client, changes):
    before = open_seats(hooked)
    assert PROLIFIC.send(client, hooked, "RETURNED", **changes).status_code == 403
    assert (open_seats(hooked), PanelEvent.objects.count()) == (before, 0)


def test_a_signature_holds_for_its_own_body_only(hooked, client):
    headers = PROLIFIC.headers(PROLIFIC.body("ACTIVE"))
    answer = client.post(
        f"/hooks/prolific/{hooked.slug}/",
        PROLIFIC.body("RETURNED"),
        content_type="application/json",
        headers=headers,
    )
    assert answer.status_code == 403


def test_a_signed_time_that_is_no_number_is_a_400(hooked, client):
    assert PROLIFIC.send(client, hooked, "RETURNED", timestamp="yesterday").status_code == 400


@pytest.mark.parametrize(
    ("body", "status"), [(b"[]", 403), (b"no json", 400), (b"\xff", 400), (b"[" * 9999, 400)]
)
def test_a_signed_body_that_says_nothing_is_refused(hooked, client, body, status):
    answer = client.post(
        f"/hooks/prolific/{hooked.slug}/",
        body,
        content_type="application/json",
        headers=PROLIFIC.headers(body),
    )
    assert answer.status_code == status


def test_a_study_without_a_secret_takes_no_webhook(study, client, monkeypatch):
    monkeypatch.delenv("PROLIFIC_SECRET_OF_TEST", raising=False)
    assert PROLIFIC.send(client, study, "RETURNED", secret="").status_code == 403
    recruit(study, webhook_secret_env="PROLIFIC_SECRET_OF_TEST")
    assert PROLIFIC.send(client, study, "RETURNED", secret="").status_code == 403


def test_a_webhook_needs_no_csrf_token(hooked):
    strict = Client(enforce_csrf_checks=True)
    assert PROLIFIC.send(strict, hooked, "ACTIVE").status_code == 200


def test_a_late_answer_of_who_timed_out_counts_while_the_seat_is_free(hooked, client):
    visit = arrive(hooked)
    visit.answer_quality()
    PROLIFIC.send(client, hooked, "TIMED-OUT")
    visit.answer_faithfulness()
    assert Assignment.objects.get().state == "submitted"


def test_a_draft_of_who_timed_out_takes_no_seat(hooked, client):
    visit = arrive(hooked)
    PROLIFIC.send(client, hooked, "TIMED-OUT")
    page = visit.answer_quality()
    assert (page.status_code, Assignment.objects.get().state) == (409, "expired")
    assert open_seats(hooked) == hooked.raters_per_comparison
