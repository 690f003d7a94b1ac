"""A study on Mechanical Turk: preview, the frame, and the form that hands the work in."""

import io

import pytest
from django.core.management import call_command
from django.test import Client

from annotations.models import Rater
from annotations.services.raters.entry import recruitment_of
from tests.annotations.factories import make_study
from tests.annotations.panel_standins import MechanicalTurk
from tests.annotations.visitors import Visitor, recruit

pytestmark = pytest.mark.django_db

MTURK = MechanicalTurk()


@pytest.fixture
def study():
    return recruit(make_study(), panel="mturk")


@pytest.fixture
def visitor(client, study):
    return Visitor(client, study)


def finish(visitor, **query):
    visitor.open(**MTURK.query(**query))
    visitor.send()
    visitor.answer_quality()
    visitor.answer_faithfulness()
    return visitor.page


def test_the_question_file_names_the_study_and_the_frame(study):
    out = io.StringIO()
    call_command(
        "mturk_question", study.slug, base_url="https://e.org", frame_height=800, stdout=out
    )
    assert MTURK.take_question(out.getvalue()) == (f"https://e.org/s/{study.slug}/", 800)


def test_the_finished_page_hands_the_work_in(visitor, study):
    fields = MTURK.take_submission(finish(visitor).content.decode())
    assert fields["completionCode"] == study.completion_code


def test_a_preview_hands_out_no_work_and_keeps_nothing(visitor):
    page = visitor.open(**MTURK.preview()).content.decode()
    assert "This is a preview." in page
    assert 'method="post"' not in page
    assert not Rater.objects.exists()


def test_a_preview_cannot_start_by_a_form_or_by_the_api(visitor, study):
    url = f"/s/{study.slug}/"
    assert visitor.client.post(url, MTURK.preview()).status_code == 403
    body = {"external_session_id": "ASSIGNMENT_ID_NOT_AVAILABLE"}
    answer = visitor.client.post(f"/api/v1/studies/{study.slug}/join/", body, "application/json")
    assert answer.status_code == 403
    assert not Rater.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example",
        "https://www.mturk.com.evil.example",
        "http://www.mturk.com",
        "https://www.mturk.com/elsewhere",
        "javascript:alert(1)",
        "",
    ],
)
def test_work_is_handed_in_to_mturk_only(visitor, address):
    page = finish(visitor, turkSubmitTo=address)
    assert "externalSubmit" not in page.content.decode()
    assert Rater.objects.get().submit_to == ""


def test_the_sandbox_is_handed_its_own_work(visitor):
    finish(visitor, turkSubmitTo="https://workersandbox.mturk.com")
    assert Rater.objects.get().submit_to == "https://workersandbox.mturk.com"


def test_mturk_may_frame_the_pages_and_take_their_forms(visitor):
    for page in (visitor.open(**MTURK.query()), visitor.send()):
        policy = page.headers["Content-Security-Policy"]
        assert "frame-ancestors https://www.mturk.com https://workersandbox.mturk.com" in policy
        assert "form-action 'self' https://www.mturk.com https://workersandbox.mturk.com;" in policy
        assert "X-Frame-Options" not in page.headers


def test_nobody_may_frame_the_pages_of_another_study(client):
    page = Visitor(client, make_study()).open(**MTURK.query())
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "mturk" not in policy
    assert page.headers["X-Frame-Options"] == "DENY"


def cookies_of(study):
    visitor = Visitor(Client(), study)
    visitor.open(**MTURK.query())
    visitor.send()
    jar = visitor.client.cookies
    return {name: (jar[name]["samesite"], bool(jar[name]["secure"])) for name in jar}


def test_cookies_are_sent_from_the_frame_of_such_a_study_only(study):
    other = make_study()
    assert cookies_of(study) == {
        "csrftoken": ("None; Partitioned", True),
        f"rater_{study.pk}": ("None; Partitioned", True),
    }
    assert cookies_of(other) == {
        "csrftoken": ("Lax", False),
        f"rater_{other.pk}": ("Lax", False),
    }


def test_who_comes_too_late_is_asked_to_return_the_task(visitor, study):
    type(study).objects.update(state="closed")
    visitor.open(**MTURK.query())
    page = visitor.send().content.decode()
    assert "Please return the task (HIT)" in page
    assert recruitment_of(study).over_quota_code not in page
