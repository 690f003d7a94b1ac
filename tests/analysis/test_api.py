import pytest
from django.contrib.auth.models import User

from analysis.services.making import compute_report_now
from tests.annotations.factories import judge, make_rater, make_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    """One comparison, judged by five raters on both axes."""
    study = make_study()
    for _ in range(5):
        judge(make_rater(study))
    return study


@pytest.fixture
def owner(client):
    client.force_login(User.objects.create_superuser("owner"))
    return client


def test_an_owner_reads_the_report(owner, study):
    compute_report_now(study=study)
    answer = owner.get(f"/api/v1/studies/{study.slug}/report/")
    assert (answer.status_code, answer.json()["votes"]) == (200, 10)
    assert [result["axis"] for result in answer.json()["report"]["results"]] == [
        "quality",
        "faithfulness",
    ]


def test_a_first_report_is_under_way(owner, study):
    answer = owner.get(f"/api/v1/studies/{study.slug}/report/")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")


def test_the_report_api_is_for_owners(client, study):
    assert client.get(f"/api/v1/studies/{study.slug}/report/").status_code == 403
