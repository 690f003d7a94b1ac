"""The owner's pages about where raters come from."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse

from annotations.models import Study
from annotations.services.raters.entry import recruitment_of
from annotations.services.raters.invites import make_invites
from tests.annotations.factories import make_study
from tests.annotations.panel_standins import MechanicalTurk, Prolific
from tests.annotations.visitors import recruit
from tests.owner.forms import form_values

pytestmark = pytest.mark.django_db

PAGES = [
    "owner-recruitment",
    "owner-study-file",
    "owner-question-file",
    "owner-invites",
    "owner-invites-file",
]


@pytest.fixture
def study():
    return make_study(state="draft")


@pytest.fixture
def site(settings):
    settings.PUBLIC_URL = "https://eval.example.org"


def address(study, name="owner-recruitment"):
    return reverse(name, args=[study.slug])


def save(owner, study, **changes):
    """Open the form, change these fields, and save."""
    page = owner.get(address(study)).content.decode()
    return owner.post(address(study), {**form_values(page), **changes})


@pytest.mark.parametrize("name", PAGES)
def test_strangers_see_nothing(study, name):
    answer = Client().get(address(study, name))
    assert answer.status_code == 302
    assert answer.url.startswith("/admin/login/")


def test_untouched_settings_are_saved_as_they_stand(owner, study):
    before = recruitment_of(study)
    assert save(owner, study).status_code == 302
    after = recruitment_of(Study.objects.get())
    assert after.__dict__ | {"_state": None} == before.__dict__ | {"_state": None}


def test_settings_are_saved(owner, study):
    answer = save(
        owner,
        study,
        panel="other",
        id_parameter="rid",
        return_link="https://panel.example/{code}",
        entry="listed",
        opens_at="2026-12-01T09:00",
        closes_at="2026-12-02T09:00",
        max_share="25",
        max_per_rater="12",
        completion_code="DONE-1",
        no_consent_code="NO-1",
    )
    assert answer.status_code == 302
    study.refresh_from_db()
    saved = recruitment_of(Study.objects.get())
    assert (study.completion_code, study.max_per_rater) == ("DONE-1", 12)
    assert (saved.panel, saved.rater_parameter, saved.entry) == ("other", "rid", "listed")
    assert (saved.max_share, saved.no_consent_code) == (25, "NO-1")
    assert saved.opens_at.isoformat() == "2026-12-01T09:00:00+00:00"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"panel": "sona", "return_link": "https://evil.example/"}, "this panel’s leads to"),
        ({"over_quota_code": "SAME", "completion_code": "SAME"}, "Another outcome"),
        ({"completion_code": "a code"}, "letters, digits"),
        ({"webhook_secret_env": "the secret itself"}, "never the secret"),
        ({"opens_at": "2026-12-02T09:00", "closes_at": "2026-12-01T09:00"}, "before it opens"),
        ({"max_share": "101"}, "less than or equal to 100"),
    ],
)
def test_what_cannot_be_is_said_and_not_saved(owner, study, changes, said):
    before = Study.objects.get().completion_code
    answer = save(owner, study, **changes)
    assert answer.status_code == 400
    assert said.replace("’", "&#x27;") in answer.content.decode()
    assert Study.objects.get().completion_code == before


def test_every_setting_tells_what_it_is_for(owner, study):
    form = owner.get(address(study)).context["form"]
    silent = [name for name, field in form.fields.items() if not field.help_text]
    assert silent == ["entry"]


def test_every_setting_is_on_the_page(owner, study):
    form = owner.get(address(study)).context["form"]
    shown = [field.name for _, fields in form.sections() for field in fields]
    assert sorted(shown) == sorted(form.fields)


def test_the_study_file_is_offered_for_prolific(owner, study, site):
    recruit(study, estimated_minutes=10, reward=150)
    assert address(study, "owner-study-file") in owner.get(address(study)).content.decode()
    answer = owner.get(address(study, "owner-study-file"))
    assert Prolific().take_study(answer.content.decode())["internal_name"] == study.slug
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{study.slug}.yaml"'


def test_the_question_file_is_offered_for_mturk(owner, study, site):
    recruit(study, panel="mturk")
    assert address(study, "owner-question-file") in owner.get(address(study)).content.decode()
    answer = owner.get(address(study, "owner-question-file"))
    found = MechanicalTurk().take_question(answer.content.decode())
    assert found == (f"https://eval.example.org/s/{study.slug}/", 900)


def test_a_file_that_cannot_be_made_says_why(owner, study, site):
    page = owner.get(address(study, "owner-study-file"), follow=True).content.decode()
    assert "Set in the study&#x27;s recruitment first: estimated minutes, reward" in page


def test_the_study_page_shows_the_panels_link(owner):
    study = recruit(make_study(), panel="sona")
    page = owner.get(reverse("owner-study", args=[study.slug])).content.decode()
    assert "?survey_code=%SURVEY_CODE%" in page
    assert "For SONA Systems" in page


def test_invites_are_made_listed_and_revoked(owner, study, site):
    owner.post(address(study, "owner-invites"), {"names": "Anna\nBen", "is_reusable": "on"})
    anna, ben = study.invites.all()
    page = owner.get(address(study, "owner-invites")).content.decode()
    assert f"https://eval.example.org/s/{study.slug}/?invite={anna.token}" in page
    owner.post(reverse("owner-invite-revoke", args=[study.slug, anna.pk]))
    page = owner.get(address(study, "owner-invites")).content.decode()
    assert (anna.token in page, ben.token in page) == (False, True)


def test_no_name_and_no_number_is_said(owner, study):
    answer = owner.post(address(study, "owner-invites"), {"names": " ", "unnamed": ""})
    assert answer.status_code == 400
    assert "Say for whom" in answer.content.decode()


def test_links_in_force_come_as_a_table(owner, study, site):
    make_invites(study=study, labels=["Anna", "=1+1"])
    answer = owner.get(address(study, "owner-invites-file"))
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["name"] for row in rows] == ["Anna", "'=1+1"]


def test_the_list_of_invites_takes_the_same_number_of_queries(owner, study):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for labels in (["a"], ["b", "c"]):
        make_invites(study=study, labels=labels)
        with CaptureQueriesContext(connection) as captured:
            owner.get(address(study, "owner-invites"))
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_an_invite_of_another_study_is_not_revoked_here(owner, study):
    [invite] = make_invites(study=make_study(), labels=["Anna"])
    url = reverse("owner-invite-revoke", args=[study.slug, invite.pk])
    assert owner.post(url).status_code == 404


@pytest.mark.parametrize("model", ["recruitment", "invite", "panelevent"])
def test_the_admin_lists_them(owner, study, model):
    recruitment_of(study)
    make_invites(study=study, labels=["Anna"])
    assert owner.get(reverse(f"admin:annotations_{model}_changelist")).status_code == 200


def test_the_admin_shows_no_invite_token(owner, study):
    [invite] = make_invites(study=study, labels=["Anna"])
    url = reverse("admin:annotations_invite_change", args=[invite.pk])
    assert invite.token not in owner.get(url).content.decode()


def test_the_admin_changes_a_recruitment(owner, study):
    url = reverse("admin:annotations_recruitment_change", args=[recruitment_of(study).pk])
    values = form_values(owner.get(url).content.decode())
    assert owner.post(url, {**values, "max_share": "30", "_save": "Save"}).status_code == 302
    assert recruitment_of(Study.objects.get()).max_share == 30
