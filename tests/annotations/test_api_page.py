"""docs/api.md holds: its example runs, and it names every call that a rater's front end makes."""

import re
from pathlib import Path

import httpx
import pytest

from annotations.api.urls import urlpatterns
from annotations.api.views import RaterView
from annotations.enums import CheckRole
from annotations.models import Assignment, Judgment
from tests.annotations.factories import make_check, make_study

pytestmark = pytest.mark.django_db

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


class InProcess(httpx.BaseTransport):
    """Asks the application of this very process, within the test's transaction."""

    def __init__(self, client):
        self.client = client

    def handle_request(self, request):
        answer = self.client.generic(
            request.method,
            request.url.raw_path.decode(),
            request.read(),
            content_type=request.headers.get("Content-Type", ""),
            headers={"Authorization": request.headers.get("Authorization", "")},
        )
        return httpx.Response(answer.status_code, content=answer.getvalue())


@pytest.fixture
def http(client):
    with httpx.Client(transport=InProcess(client), base_url="http://testserver") as client:
        yield client


@pytest.fixture
def example():
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {}
    exec(compile(code, "docs/api.md", "exec"), names)
    return names


def test_the_example_judges_a_whole_study(http, example, capsys):
    study = make_study(comparisons=3, consent="Do you agree?")
    make_check(study, CheckRole.PRACTICE, explanation="The left one flickers.")
    judged = example["rate"](http, study.slug, "r1", lambda asked, question: "left")
    assert judged == 4
    assert Judgment.objects.count() == 2 * 4
    assert capsys.readouterr().out.splitlines() == [
        "Which clip is better?",
        "The left one flickers.",
        f"You judged 3 pairs, and your answers are saved. {study.completion_code}",
    ]


def test_the_example_sees_the_prompt_only_when_it_is_asked_about(http, example):
    study, seen = make_study(), []

    def choose(asked, question):
        seen.append((question["key"], asked["prompt"]))
        return "right"

    example["rate"](http, study.slug, "r1", choose)
    text = Assignment.objects.get().comparison.prompt.text
    assert seen == [("quality", None), ("faithfulness", text)]


def test_the_page_names_every_call_of_a_rater():
    calls = [
        re.sub(r"<\w+:(\w+)>", r"<\1>", str(one.pattern)).replace("<public_id>", "<id>")
        for one in urlpatterns
        if issubclass(one.callback.view_class, RaterView)
    ]
    assert [call for call in calls if f"{call}`" not in PAGE] == []
