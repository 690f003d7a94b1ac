import uuid

import pytest
from django.contrib.auth.models import User

from annotations.models import Assignment, Judgment
from tests.annotations.factories import judge, make_rater, make_study
from tests.annotations.visitors import FAITHFULNESS, QUALITY, ApiRater

pytestmark = pytest.mark.django_db


@pytest.fixture
def rater(client):
    return ApiRater(client, make_study())


def test_the_prompt_is_hidden_until_quality_is_answered(rater):
    claimed = rater.claim()
    assert (claimed["prompt"], [q["key"] for q in claimed["questions"]]) == (None, ["quality"])
    revealed = rater.draft(claimed["id"], QUALITY).json()
    assert revealed["prompt"] == rater.study.comparisons.get().prompt.text
    assert [q["key"] for q in revealed["questions"]] == ["faithfulness"]


def test_a_comparison_is_judged_and_then_nothing_is_left(rater):
    assignment = rater.claim()["id"]
    rater.draft(assignment, QUALITY)
    assert rater.submit(assignment, FAITHFULNESS).json()["saved"] is True
    turn = rater.turn()
    assert (turn["turn"], turn["assignment"]) == ("done", None)
    assert turn["ending"]["way_back"]["code"] == rater.study.completion_code


def test_a_missing_reason_is_a_400_that_names_the_axis(rater):
    answer = rater.draft(rater.claim()["id"], {**QUALITY, "reasons": []})
    assert answer.status_code == 400
    assert answer.json()["fields"] == {"quality": ["Please tick at least one reason."]}


def test_a_second_submission_with_another_body_is_a_409(rater):
    assignment = rater.claim()["id"]
    rater.draft(assignment, QUALITY)
    submission_id = uuid.uuid4()
    rater.submit(assignment, FAITHFULNESS, submission_id=submission_id)
    changed = {**FAITHFULNESS, "choice": "right"}
    assert rater.submit(assignment, changed, submission_id=submission_id).status_code == 409


def test_the_same_submission_again_is_a_200(rater):
    assignment = rater.claim()["id"]
    rater.draft(assignment, QUALITY)
    submission_id = uuid.uuid4()
    codes = [
        rater.submit(assignment, FAITHFULNESS, submission_id=submission_id).status_code
        for _ in range(2)
    ]
    assert codes == [200, 200]


def test_the_answer_to_a_submission_brings_what_comes_next_if_asked(client):
    rater = ApiRater(client, make_study(comparisons=2))
    first = rater.claim()["id"]
    rater.draft(first, QUALITY)
    sent = {"submission_id": str(uuid.uuid4()), "answers": [FAITHFULNESS], "next": True}
    address = f"/api/v1/assignments/{first}/submit/"
    saved = rater.post(address, sent).json()
    told = [saved["next"], rater.turn(), rater.post(address, sent).json()["next"]]
    for turn in told:
        # The lease is prolonged each time that one asks.
        turn["assignment"].pop("lease_expires_at")
    assert told[0] == told[1] == told[2]
    second = saved["next"]["assignment"]["id"]
    assert second != first
    rater.draft(second, QUALITY)
    assert rater.submit(second, FAITHFULNESS).json()["next"] is None
    ended = rater.post(f"/api/v1/assignments/{second}/submit/", _last_of(second)).json()["next"]
    assert (ended["turn"], ended["assignment"]) == ("done", None)
    assert ended == rater.turn()


def _last_of(public_id: str) -> dict[str, object]:
    """The same submission again, and what comes next."""
    saved = Assignment.objects.get(public_id=public_id)
    return {"submission_id": str(saved.submission_id), "answers": [FAITHFULNESS], "next": True}


def test_what_was_saved_stays_saved_whatever_becomes_of_what_comes_next(rater, monkeypatch):
    def fail(**_):
        raise RuntimeError("out of order")

    assignment = rater.claim()["id"]
    rater.draft(assignment, QUALITY)
    monkeypatch.setattr("annotations.api.views.next_turn", fail)
    rater.client.raise_request_exception = False
    sent = {"submission_id": str(uuid.uuid4()), "answers": [FAITHFULNESS], "next": True}
    assert rater.post(f"/api/v1/assignments/{assignment}/submit/", sent).status_code == 500
    assert Assignment.objects.get().state == "submitted"
    assert Judgment.objects.count() == 2


def test_a_comparison_of_somebody_else_is_a_404(rater):
    other = judge(make_rater(make_study()))
    assert rater.draft(other.public_id, QUALITY).status_code == 404


def test_a_forged_credential_is_a_401(rater):
    rater.headers = {"Authorization": "Rater forged"}
    assert rater.post(f"/api/v1/studies/{rater.study.slug}/claim/").status_code == 401


def test_in_a_paused_study_one_waits_and_answers_are_a_409(rater):
    assignment = rater.claim()["id"]
    type(rater.study).objects.update(state="paused")
    turn = rater.turn()
    assert (turn["turn"], turn["ending"]["may_come_back"]) == ("wait", True)
    assert rater.draft(assignment, QUALITY).status_code == 409


def test_of_the_next_pair_only_the_clips_are_told(client):
    rater = ApiRater(client, make_study(comparisons=2))
    rater.claim()
    ahead = rater.post(f"/api/v1/studies/{rater.study.slug}/ahead/").json()
    following = Assignment.objects.order_by("pk").last()
    assert ahead == {
        "left_url": f"/m/{following.left_token}/",
        "right_url": f"/m/{following.right_token}/",
    }


def test_the_last_answer_comes_back_to_be_changed(rater):
    assignment = rater.claim()["id"]
    rater.draft(assignment, QUALITY)
    rater.submit(assignment, FAITHFULNESS)
    again = rater.get(f"/api/v1/studies/{rater.study.slug}/back/").json()
    [question] = again["questions"]
    assert (again["id"], question["answer"]["choice"]) == (assignment, "left")
    changed = {**FAITHFULNESS, "choice": "right"}
    body = {"submission_id": str(uuid.uuid4()), "answers": [changed]}
    assert rater.post(f"/api/v1/assignments/{assignment}/revise/", body).status_code == 200
    assert Judgment.objects.get(axis__key="faithfulness").assignment.revisions.count() == 1


def test_without_an_answer_there_is_no_way_back(rater):
    assert rater.get(f"/api/v1/studies/{rater.study.slug}/back/").status_code == 204


def test_the_answer_to_a_pair_that_is_no_practice_is_a_404(rater):
    assignment = rater.claim()["id"]
    rater.draft(assignment, QUALITY)
    assert rater.submit(assignment, FAITHFULNESS).json()["feedback_url"] is None
    assert rater.get(f"/api/v1/assignments/{assignment}/feedback/").status_code == 404


@pytest.mark.parametrize("call", ["claim/", "ahead/", "back/", "examples/"])
def test_a_study_of_others_is_a_404(rater, call):
    ask = rater.post if call in ("claim/", "ahead/") else rater.get
    assert ask(f"/api/v1/studies/{make_study().slug}/{call}").status_code == 404


def test_everybody_is_told_what_a_study_asks_in_their_language(client):
    study = make_study(protocol="plain")
    answer = client.get(
        f"/api/v1/studies/{study.slug}/welcome/", headers={"Accept-Language": "es-MX"}
    )
    told = answer.json()
    assert told["title"] == {"text": "Which clip is better?", "language": "en"}
    first = told["questions"][0]
    assert (first["question"], first["language"]) == ("¿Qué video prefieres?", "es")
    # Without reasons to tick, nothing is said about them.
    assert [one["reasons"] for one in told["questions"]] == [[], []]
    assert len(told["advice"]) == 3


@pytest.fixture
def owner(client):
    client.force_login(User.objects.create_superuser("owner"))
    return client


def test_owners_list_studies_with_their_progress(owner):
    study = make_study(comparisons=2)
    judge(make_rater(study))
    listed = owner.get("/api/v1/studies/").json()["results"]
    assert [(row["slug"], row["comparisons"], row["submitted"]) for row in listed] == [
        (study.slug, 2, 1)
    ]


def test_owners_read_judgments_in_the_order_of_the_models(owner):
    study = make_study()
    assignment = judge(make_rater(study), "left")
    rows = owner.get(f"/api/v1/studies/{study.slug}/judgments/").json()["results"]
    assert [row["axis"] for row in rows] == ["quality", "faithfulness"]
    assert rows[0]["choice"] == ("a" if assignment.side_a == "left" else "b")
    assert rows[0]["model_a"] == study.study_models.first().model.name


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_of_judgments_takes_the_same_queries_whatever_its_length(
    owner, count, django_assert_num_queries
):
    study = make_study(comparisons=count)
    rater = make_rater(study)
    for _ in range(count):
        judge(rater)
    # Session, user, study, count, judgments, reasons.
    with django_assert_num_queries(6):
        owner.get(f"/api/v1/studies/{study.slug}/judgments/")


@pytest.mark.parametrize("page", ["", "{slug}/", "{slug}/judgments/"])
def test_raters_and_strangers_see_no_studies(client, page):
    path = page.format(slug=make_study().slug)
    assert client.get(f"/api/v1/studies/{path}").status_code == 403


def test_the_schema_describes_claim_and_submit(owner):
    schema = owner.get("/api/v1/schema/?format=json").json()
    assert "/api/v1/studies/{slug}/claim/" in schema["paths"]
    assert "/api/v1/assignments/{public_id}/submit/" in schema["paths"]
