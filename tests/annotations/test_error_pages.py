"""What people see when something is wrong: words in their language, in the look of their pages."""

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from annotations.templatetags import keeping
from juice.urls import urlpatterns as all_urls
from tests.annotations.factories import make_study


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault")


urlpatterns = [path("s/broken/", broken), path("studies/+broken/", broken), *all_urls]
handler500 = "juice.error_pages.server_error"
with_a_broken_page = pytest.mark.urls(__name__)


def page_in(answer, status):
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return answer.content.decode()


TITLES = {
    "en": '<html lang="en" dir="ltr">',
    "es-MX": '<html lang="es" dir="ltr">',
    "zh-CN": '<html lang="zh-hans" dir="ltr">',
    "ar": '<html lang="ar" dir="rtl">',
}
NO_PAGE = {
    "en": "There is no such page",
    "es-MX": "Esta página no existe",
    "zh-CN": "没有这个页面",
    "ar": "لا توجد صفحة كهذه",
}


@pytest.mark.django_db
@pytest.mark.parametrize("language", TITLES)
@pytest.mark.parametrize("address", ["/s/nowhere/", "/s/a/b/c/", "/m/nothing/"])
def test_a_missing_page_speaks_the_language_of_the_browser(client, language, address):
    page = page_in(client.get(address, headers={"Accept-Language": language}), 404)
    assert TITLES[language] in page
    assert f"<h1>{NO_PAGE[language]}</h1>" in page


@pytest.mark.django_db
def test_the_language_that_the_rater_chose_comes_first(client):
    client.cookies["rater_language"] = "ar"
    page = page_in(client.get("/s/nowhere/", headers={"Accept-Language": "es"}), 404)
    assert f"<h1>{NO_PAGE['ar']}</h1>" in page


@pytest.mark.django_db
def test_what_cannot_be_read_is_said_in_the_language_of_the_rater(client):
    study = make_study()
    answer = client.get(f"/s/{study.slug}/?invite=%00", headers={"Accept-Language": "es"})
    words = "«invite» en la dirección: contiene un NUL, un carácter que no se puede guardar."
    assert words in page_in(answer, 400)
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.django_db
def test_a_form_without_its_cookie_is_told_to_allow_cookies():
    client = Client(enforce_csrf_checks=True)
    answer = client.post(f"/s/{make_study().slug}/", headers={"Accept-Language": "zh-CN"})
    assert "请允许本站使用 Cookie" in page_in(answer, 403)


@pytest.mark.django_db
def test_an_owner_whose_page_is_out_of_date_is_told_to_load_it_again():
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("owner"))
    page = page_in(client.post(f"/studies/{make_study().slug}/action/", {"action": "close"}), 403)
    assert "Load the page again" in page


@pytest.mark.django_db
def test_owners_get_their_own_look_and_the_way_back_to_the_studies(client):
    client.force_login(User.objects.create_superuser("owner"))
    page = page_in(client.get("/studies/nowhere/"), 404)
    assert "<h1>There is no such page</h1>" in page
    assert '<a href="/studies/">Studies</a>' in page
    assert "Log out" in page


@pytest.mark.django_db
def test_a_stranger_is_not_offered_to_log_out(client):
    assert "Log out" not in page_in(client.get("/nowhere/"), 404)


@with_a_broken_page
@pytest.mark.parametrize("language", TITLES)
def test_a_fault_is_said_in_the_language_of_the_rater_without_any_database(language):
    client = Client(raise_request_exception=False)
    page = page_in(client.get("/s/broken/", headers={"Accept-Language": language}), 500)
    assert TITLES[language] in page


@with_a_broken_page
def test_a_fault_on_an_owners_page_is_said_without_any_database():
    page = page_in(Client(raise_request_exception=False).get("/studies/+broken/"), 500)
    assert "<h1>Something went wrong on the server</h1>" in page


@with_a_broken_page
@pytest.mark.parametrize("setting", ["DIRS", "context_processors"])
def test_a_fault_is_said_even_when_the_templates_fail(settings, setting):
    [templates] = settings.TEMPLATES
    broken_ones = {
        "DIRS": {**templates, "DIRS": []},
        "context_processors": {
            **templates,
            "OPTIONS": {"context_processors": ["tests.annotations.test_error_pages.broken"]},
        },
    }
    settings.TEMPLATES = [broken_ones[setting]]
    client = Client(raise_request_exception=False)
    page = page_in(client.get("/s/broken/", headers={"Accept-Language": "ar"}), 500)
    assert 'lang="ar" dir="rtl"' in page
    assert "<h1>حدث خلل من جهتنا</h1>" in page


@with_a_broken_page
def test_a_fault_is_said_even_when_a_template_fails_half_way(monkeypatch):
    """As without `collectstatic`: the language is set by then, no file can be named."""
    monkeypatch.setattr(staticfiles_storage, "url", broken)
    monkeypatch.setattr(keeping, "MOST_KEPT", 0)  # as in a process that has made no page yet
    page = page_in(Client(raise_request_exception=False).get("/s/broken/"), 500)
    assert page.startswith(f"<!doctype html>{TITLES['en']}")
    assert "has been noted. Please try again in a minute." in page


@pytest.mark.django_db
def test_a_page_that_asks_by_script_is_answered_in_json(client):
    answer = client.post("/s/nowhere/rate/", headers={"X-Requested-With": "fetch"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
