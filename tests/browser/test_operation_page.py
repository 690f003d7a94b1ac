"""The operator's page in a browser: nothing serious for axe, nothing wider than the window."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from generation.enums import JobState
from tests.browser.conftest import DESKTOP, PHONE, collect_errors
from tests.owner.at_work import study_with_jobs

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_is_read_with_every_eye_and_on_every_screen(open_context, live_server, size, scheme):
    words = "Out of memory: " + "a-very-long-word-without-a-blank" * 5
    study_with_jobs((JobState.FAILED, {"error": words, "finished_at": timezone.now()}))
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    context = open_context(viewport=size, color_scheme=scheme)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    context.add_cookies([{**cookie, "url": live_server.url}])
    page = context.new_page()
    errors = collect_errors(page)
    page.goto(f"{live_server.url}/operation/")
    if folder := os.environ.get("SHOTS"):
        name = f"operation-{size['width']}-{scheme}.png"
        page.screenshot(path=Path(folder) / name, full_page=True)
    assert page.evaluate(
        "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("link", name="Refresh").click()
    page.get_by_role("heading", name="Failures of the last day").wait_for()
    assert errors == []
