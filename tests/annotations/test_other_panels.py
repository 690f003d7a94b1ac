"""Connect, SONA and any other panel: one code path, told apart by a table."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from annotations.models import Rater
from annotations.services.raters.entry import recruitment_of
from annotations.services.raters.panel_files import panel_link
from tests.annotations.factories import make_study
from tests.annotations.visitors import Visitor, recruit

pytestmark = pytest.mark.django_db

SONA_LINK = (
    "https://school.sona-systems.com/webstudy_credit.aspx?experiment_id=1&credit_token=t"
    "&survey_code={id}"
)
CASES = [
    (
        {"panel": "connect", "return_link": "https://connect.cloudresearch.com/done?x={code}"},
        {"participantId": "P 1", "assignmentId": "a1", "projectId": "p1"},
        ("P 1", "p1", "a1"),
        "https://connect.cloudresearch.com/done?x=CODE",
    ),
    (
        {"panel": "sona", "return_link": SONA_LINK},
        {"survey_code": "12345"},
        ("12345", "", ""),
        SONA_LINK.replace("{id}", "12345"),
    ),
    (
        {
            "panel": "other",
            "id_parameter": "rid",
            "return_link": "https://panel.example/back/{id}?c={code}",
        },
        {"RID": "a/b&c"},
        ("a/b&c", "", ""),
        "https://panel.example/back/a%2Fb%26c?c=CODE",
    ),
]


def walk(study, query, **fields):
    visitor = Visitor(Client(), study)
    visitor.open(**query)
    visitor.send(**fields)
    return visitor


@pytest.mark.parametrize(("settings", "query", "ids", "link"), CASES)
def test_a_panels_people_come_in_by_their_id_and_go_back_by_its_link(settings, query, ids, link):
    study = recruit(make_study(completion_code="CODE"), **settings)
    visitor = walk(study, query)
    visitor.answer_quality()
    visitor.answer_faithfulness()
    rater = Rater.objects.get()
    assert (rater.external_id, rater.external_study_id, rater.external_session_id) == ids
    assert visitor.page.context["way_back"].link == link


def test_a_link_that_means_done_is_not_shown_to_who_did_nothing():
    study = recruit(make_study(state="closed"), panel="sona", return_link=SONA_LINK)
    page = walk(study, {"survey_code": "12345"}).page
    assert page.context["way_back"].link == ""
    assert "sona-systems" not in page.content.decode()


def test_a_link_with_the_code_takes_back_who_came_too_late():
    study = recruit(
        make_study(state="closed"),
        panel="other",
        id_parameter="rid",
        return_link="https://panel.example/?c={code}",
    )
    code = recruitment_of(study).over_quota_code
    page = walk(study, {"rid": "1"}).page
    assert page.context["way_back"].link == f"https://panel.example/?c={code}"


def test_ids_of_another_panel_are_not_read():
    study = recruit(make_study(), panel="sona")
    walk(study, {"PROLIFIC_PID": "p"})
    assert Rater.objects.get().external_id == ""


@pytest.mark.parametrize(
    ("panel", "link"),
    [
        ("other", "http://panel.example/"),
        ("other", "javascript:alert(1)//a.example"),
        ("other", "//panel.example/"),
        ("other", "https://localhost/"),
        ("other", "https://127.0.0.1/"),
        ("other", "https://[::1]/"),
        ("other", "https://intranet/"),
        ("other", "https://panel.example@evil.example/"),
        ("other", "https://{id}.example/"),
        ("other", "https://panel.example/{name}"),
        ("connect", "https://panel.example/"),
        ("connect", "https://connect.cloudresearch.com.evil.example/"),
        ("sona", "https://evilsona-systems.com/"),
        ("sona", "https://sona-systems.com.evil.example/"),
        ("prolific", "https://app.prolific.com/submissions/complete?cc={code}"),
    ],
)
def test_a_return_link_that_does_not_lead_to_the_panel_is_refused(panel, link):
    with pytest.raises(ValidationError) as refused:
        recruit(make_study(), panel=panel, id_parameter="rid", return_link=link)
    assert list(refused.value.message_dict) == ["return_link"]


def test_another_panel_needs_the_name_of_its_parameter():
    with pytest.raises(ValidationError, match="needs it"):
        recruit(make_study(), panel="other")


def test_one_code_stands_for_one_outcome():
    study = make_study(completion_code="SAME")
    with pytest.raises(ValidationError, match="Another outcome"):
        recruit(study, over_quota_code="SAME")


@pytest.mark.parametrize(
    ("settings", "query"),
    [
        ({"panel": "sona"}, "?survey_code=%SURVEY_CODE%"),
        ({"panel": "other", "id_parameter": "rid"}, "?rid=ID"),
        ({"panel": "connect"}, ""),
        ({"panel": "mturk"}, ""),
    ],
)
def test_the_owner_is_given_the_link_as_the_panel_wants_it(settings, query):
    study = recruit(make_study(), **settings)
    link = panel_link(study, base_url="https://e.org/")
    assert link == f"https://e.org/s/{study.slug}/{query}"
