"""Every failure of the API and of webhooks is problem details in JSON (RFC 9457)."""

import json
import logging

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations.api.problems import known_problems, title_of
from annotations.errors import JuiceError
from annotations.models import Assignment
from juice.urls import urlpatterns as all_urls
from tests.annotations.factories import make_study
from tests.annotations.visitors import QUALITY, ApiRater

pytestmark = pytest.mark.django_db


class Broken(APIView):
    permission_classes = ()

    def get(self, request) -> Response:
        raise RuntimeError("a fault")


urlpatterns = [path("api/v1/broken/", Broken.as_view()), *all_urls]
handler400 = "juice.error_pages.bad_request"
handler404 = "juice.error_pages.page_not_found"
handler500 = "juice.error_pages.server_error"


def problem_in(answer):
    """Status, code and sentence, of an answer that is problem details."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"/api/v1/problems/#{problem['code']}"
    assert problem["title"] == title_of(problem["code"])
    return answer.status_code, problem["code"], problem["detail"]


def test_an_address_that_there_is_not_is_a_404_in_json(client):
    assert problem_in(client.get("/api/v1/nothing/"))[:2] == (404, "not-found")


def test_a_method_that_there_is_not_is_a_405_in_json(client):
    answer = client.get(f"/api/v1/studies/{make_study().slug}/join/")
    assert problem_in(answer)[:2] == (405, "method-not-allowed")
    assert answer.headers["Allow"] == "POST, OPTIONS"


def test_a_body_that_is_no_json_is_a_415_in_json(client):
    answer = client.post(f"/api/v1/studies/{make_study().slug}/join/", {"consent": "on"})
    assert problem_in(answer)[:2] == (415, "unsupported-media-type")


def test_a_broken_body_is_a_400_that_says_where(client):
    url = f"/api/v1/studies/{make_study().slug}/join/"
    answer = client.post(url, '{"consent":', content_type="application/json")
    assert problem_in(answer) == (
        400,
        "bad-input",
        "The body is not JSON: Expecting value (line 1, column 12). Mend it.",
    )


def test_a_stranger_is_a_401_with_how_to_log_in(client):
    answer = client.post(f"/api/v1/studies/{make_study().slug}/claim/")
    assert problem_in(answer)[:2] == (401, "not-authenticated")
    assert answer.headers["WWW-Authenticate"] == "Rater"


def test_a_page_of_another_site_is_a_403_in_json():
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("owner"))
    assert problem_in(client.post("/api/v1/studies/"))[:2] == (403, "forbidden")


@pytest.mark.urls(__name__)
def test_a_fault_of_ours_is_a_500_in_json():
    client = Client(raise_request_exception=False)
    assert problem_in(client.get("/api/v1/broken/"))[:2] == (500, "server-error")


def test_answers_that_are_not_complete_are_told_by_question(client):
    rater = ApiRater(client, make_study())
    answer = rater.draft(rater.claim()["id"], {**QUALITY, "reasons": []})
    assert problem_in(answer) == (400, "answers-refused", "Please tick at least one reason.")
    assert answer.json()["fields"] == {"quality": ["Please tick at least one reason."]}


def test_fields_of_a_body_are_told_by_name_however_deep(client):
    rater = ApiRater(client, make_study())
    answer = rater.draft(rater.claim()["id"], QUALITY, {"axis": "quality"})
    assert problem_in(answer)[:2] == (400, "bad-input")
    assert answer.json()["fields"] == {"answers.1.choice": ["This field is required."]}
    assert answer.json()["detail"] == "answers.1.choice: This field is required."


@pytest.mark.parametrize(
    ("state", "code"), [("paused", "study-not-open"), ("closed", "study-over")]
)
def test_a_study_that_takes_nobody_is_a_409_of_its_own_code(client, state, code):
    url = f"/api/v1/studies/{make_study(state=state).slug}/join/"
    answer = client.post(url, {}, content_type="application/json")
    assert problem_in(answer)[:2] == (409, code)


@pytest.mark.parametrize("number", ["9" * 30, "0", "-1", "many", "1001", "9" * 5000])
def test_a_page_size_that_makes_no_sense_is_a_400(client, number):
    client.force_login(User.objects.create_superuser("owner"))
    answer = client.get(f"/api/v1/studies/?limit={number}")
    assert problem_in(answer) == (
        400,
        "bad-input",
        "limit is no whole number from 1 to 1000. Give one.",
    )


PLAYBACKS = ["NaN", "1e400", '"\\u0000"', '"\\ud800"', "9" * 4000, "[" * 1500 + "]" * 1500]


@pytest.mark.parametrize("value", PLAYBACKS, ids=["NaN", "1e400", "NUL", "half", "digits", "deep"])
def test_playback_that_cannot_be_kept_is_a_400_and_the_comparison_stays_open(client, value):
    rater = ApiRater(client, make_study())
    assignment = rater.claim()["id"]
    body = json.dumps({"submission_id": assignment, "answers": [], "playback": "HERE"})
    answer = rater.client.post(
        f"/api/v1/assignments/{assignment}/submit/",
        body.replace('"HERE"', f'{{"left": {value}}}'),
        content_type="application/json",
        headers=rater.headers,
    )
    assert problem_in(answer)[:2] == (400, "bad-input")
    assert Assignment.objects.get(public_id=assignment).state == "leased"


def test_playback_that_is_too_large_is_a_400(client):
    rater = ApiRater(client, make_study())
    assignment = rater.claim()["id"]
    url = f"/api/v1/assignments/{assignment}/submit/"
    body = {"submission_id": "0" * 32, "answers": [], "playback": {"left": "x" * 10_000}}
    code, kind, detail = problem_in(rater.post(url, body))
    assert (code, kind) == (400, "bad-input")
    assert detail == "“playback” has 10012 characters; at most 10000 are taken. Shorten it."


def test_a_webhook_of_nobody_is_a_403_in_the_same_shape(client):
    url = f"/hooks/prolific/{make_study().slug}/"
    answer = client.post(url, {}, content_type="application/json")
    assert problem_in(answer)[:2] == (403, "webhook-refused")
    assert problem_in(client.get(url))[:2] == (405, "method-not-allowed")
    assert problem_in(client.post("/hooks/prolific/nowhere/"))[:2] == (404, "not-found")


def test_every_refusal_has_a_code_of_its_own():
    kinds, waiting = [], [JuiceError]
    while waiting:
        kind = waiting.pop()
        # Those of tests and races are no refusals of ours.
        is_ours = not kind.__module__.startswith(("tests.", "bench."))
        kinds += [kind] if is_ours else []
        waiting += kind.__subclasses__()
    assert [kind for kind in kinds if "code" not in vars(kind)] == []
    codes = [kind.code for kind in kinds]
    assert sorted(codes) == sorted(set(codes))


def test_the_type_of_a_problem_leads_to_all_of_them(client):
    listed = {one["code"]: one["status"] for one in client.get("/api/v1/problems/").json()}
    assert listed == known_problems()
    wanted = {
        "seat-given-away": 409,
        "answers-refused": 400,
        "bad-input": 400,
        "entry-refused": 403,
    }
    assert wanted.items() <= listed.items()


def test_the_schema_says_how_every_operation_may_fail():
    schema = SchemaGenerator().get_schema(public=True)
    shape = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operations = [one for paths in schema["paths"].values() for one in paths.values()]
    assert len(operations) > 10
    assert [one["responses"]["default"]["content"] for one in operations] == [shape] * len(
        operations
    )
    problem = schema["components"]["schemas"]["Problem"]
    assert problem["required"] == ["code", "detail", "status", "title", "type"]


def test_a_refusal_in_words_is_no_fault_in_the_log(client, caplog):
    with caplog.at_level(logging.ERROR):
        client.get("/api/v1/studies/?limit=many")
    assert caplog.records == []
