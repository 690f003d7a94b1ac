"""The rater's way through the pages with scripts off: plain forms, one after the other."""

import uuid

import pytest

from annotations.models import Assignment, Judgment, Rater
from annotations.services.raters.joining import sign_simulation
from tests.annotations.factories import freeze_anew, judge, make_rater, make_study
from tests.annotations.visitors import Visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(client):
    return Visitor(client, make_study(comparisons=2))


@pytest.fixture
def rating(visitor):
    """A visitor on the first comparison."""
    visitor.open()
    visitor.send()
    return visitor


def prompt_of(visitor):
    return Assignment.objects.get(state="leased").comparison.prompt.text


def test_a_rater_judges_everything_and_gets_the_code(rating):
    for _ in range(2):
        rating.answer_quality()
        rating.answer_faithfulness()
    assert rating.study.completion_code in rating.page.content.decode()
    assert Judgment.objects.count() == 4


def test_the_prompt_is_not_in_the_page_before_quality_is_answered(rating):
    prompt = prompt_of(rating)
    before = prompt in rating.page.content.decode()
    after = prompt in rating.answer_quality().content.decode()
    assert (before, after) == (False, True)


def test_a_missing_reason_is_said_and_the_choice_is_kept(rating):
    page = rating.answer_quality(choice="right", reasons=())
    assert page.status_code == 422
    assert "Please tick at least one reason." in page.content.decode()
    assert page.context["asked"].questions[0].answer.choice == "right"
    assert 'value="right" checked' in page.content.decode()


def test_loading_the_page_again_gives_the_same_comparison_and_stage(rating):
    rating.answer_quality()
    first = rating.form().fields
    rating.open("rate/")
    again = rating.form().fields
    assert (again["assignment"], again["stage"]) == (first["assignment"], "open")


def test_the_ids_of_the_panel_are_kept_whatever_their_case(visitor):
    visitor.open(PROLIFIC_PID="5f00", study_id="s1", SESSION_ID="x1")
    visitor.send()
    rater = Rater.objects.get()
    assert (rater.external_id, rater.external_study_id, rater.external_session_id) == (
        "5f00",
        "s1",
        "x1",
    )


def test_a_panel_rater_who_comes_back_in_another_browser_goes_on(visitor, client_class):
    for browser in (visitor.client, client_class()):
        visit = Visitor(browser, visitor.study)
        visit.open(PROLIFIC_PID="5f00")
        visit.send()
    assert (Rater.objects.count(), Assignment.objects.count()) == (1, 1)


@pytest.fixture
def client_class():
    from django.test import Client

    return Client


def test_a_panel_rater_is_sent_back_with_the_code(visitor):
    visitor.open(PROLIFIC_PID="5f00", SESSION_ID="x1")
    visitor.send()
    for _ in range(2):
        visitor.answer_quality()
        visitor.answer_faithfulness()
    assert visitor.page.context["way_back"].link.endswith(f"cc={visitor.study.completion_code}")


def test_somebody_elses_comparison_cannot_be_answered(rating):
    other = judge(make_rater(make_study()))
    answer = rating.send(**{"assignment": str(other.public_id), "choice-quality": "left"})
    assert answer.status_code == 404


def test_a_second_answer_with_another_body_is_refused(rating):
    rating.answer_quality()
    form = rating.form()
    fields = {**form.fields, "reason-faithfulness": "spatial-text-alignment"}
    codes = [
        rating.client.post(form.action, {**fields, "choice-faithfulness": side}).status_code
        for side in ("left", "left", "right")
    ]
    assert codes == [302, 302, 409]


def test_a_script_gets_the_next_question_as_a_fragment(rating):
    form = rating.form()
    answer = rating.client.post(
        form.action,
        {**form.fields, "choice-quality": "left", "reason-quality": "pixel-sharpness"},
        headers={"X-Requested-With": "fetch"},
    )
    assert "<html" not in answer.content.decode()
    assert prompt_of(rating) in answer.content.decode()


def test_a_script_is_told_when_the_answer_is_saved(rating):
    rating.answer_quality()
    form = rating.form()
    answer = rating.client.post(
        form.action,
        {
            **form.fields,
            "choice-faithfulness": "left",
            "reason-faithfulness": "spatial-text-alignment",
            "playback": '{"loops": 2}',
        },
        headers={"X-Requested-With": "fetch"},
    )
    assert answer.json() == {"saved": True, "next": f"/s/{rating.study.slug}/rate/"}
    assert Assignment.objects.submitted().get().playback == {"loops": 2}


def test_an_open_page_keeps_its_comparison(rating):
    form = rating.form()
    url = f"/s/{rating.study.slug}/renew/"
    assert rating.client.post(url, {"assignment": form.fields["assignment"]}).status_code == 204
    assert rating.client.post(url, {"assignment": str(uuid.uuid4())}).status_code == 404


def test_a_paused_study_says_so(rating):
    type(rating.study).objects.update(state="paused")
    assert "not open at the moment" in rating.open("rate/").content.decode()


def test_somebody_without_a_session_starts_at_the_first_page_and_is_told_why(visitor):
    page = visitor.open("rate/")
    assert page.redirect_chain == [(f"/s/{visitor.study.slug}/?unknown=1", 302)]
    assert "This browser has lost who you are." in page.content.decode()
    assert "This browser has lost who you are." not in visitor.open().content.decode()


def test_the_instructions_speak_of_two_steps_only_if_there_are_two(visitor):
    two_steps = "First without the text, then with it."
    assert two_steps in visitor.open().content.decode()
    visitor.study.axes.filter(shows_prompt=True).delete()
    freeze_anew(visitor.study)
    assert two_steps not in visitor.open().content.decode()


def test_the_code_is_not_shown_before_everything_is_judged(rating):
    page = rating.open("done/")
    assert rating.study.completion_code not in page.content.decode()


def test_only_a_signed_pass_makes_a_rater_simulated(visitor, client_class):
    for token in (sign_simulation(visitor.study), "forged"):
        visit = Visitor(client_class(), visitor.study)
        visit.open(simulation=token)
        visit.send()
    assert sorted(Rater.objects.values_list("is_simulated", flat=True)) == [False, True]


def test_consent_is_asked_for_before_anything_else(visitor):
    type(visitor.study).objects.update(
        consent="Your answers are kept.", content_warning="Some clips show blood."
    )
    page = visitor.open(PROLIFIC_PID="P-1").content.decode()
    assert "Your answers are kept." in page
    assert "Some clips show blood." in page
    refused = visitor.send()
    assert refused.status_code == 422
    assert "Please tick that you agree" in refused.content.decode()
    assert not Rater.objects.exists()
    visitor.send(consent="on")
    rater = Rater.objects.get()
    assert rater.consented_at is not None
    assert rater.external_id == "P-1"


def test_the_api_asks_for_consent_too(client, visitor):
    type(visitor.study).objects.update(consent="Your answers are kept.")
    url = f"/api/v1/studies/{visitor.study.slug}/join/"
    assert client.post(url, {}, "application/json").status_code == 400
    assert client.post(url, {"consent": True}, "application/json").status_code == 201
    assert Rater.objects.get().consented_at is not None


def test_without_a_consent_text_nothing_is_ticked(rating):
    assert Rater.objects.get().consented_at is None
