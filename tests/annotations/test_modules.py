"""A page's scripts are named in its head, each once and under the name that is served."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from annotations.templatetags.modules import imports_of, module
from tests.annotations.factories import make_study
from tests.annotations.visitors import Visitor

SCRIPTS = Path(settings.BASE_DIR) / "static" / "rater"


def test_what_is_imported_is_named_once_and_not_the_module_itself():
    named = imports_of("rater/rate.js")
    assert len(set(named)) == len(named)
    assert "rater/rate.js" not in named
    # Imported by the page's own module, and only by what that imports.
    assert {"rater/gate.js", "rater/watching.js"} <= set(named)


def test_every_script_of_the_rating_page_is_named():
    others = {"rate.js", "lessons.js", "next-page.js"}
    there = {f"rater/{path.name}" for path in SCRIPTS.glob("*.js") if path.name not in others}
    assert set(imports_of("rater/rate.js")) == there


def test_a_module_of_another_folder_is_found():
    assert imports_of("owner/live.js") == ("juice/copy.js",)


def test_a_script_that_is_not_there_is_an_error():
    with pytest.raises(FileNotFoundError, match=r"rater/none\.js"):
        module("rater/none.js")


@pytest.mark.django_db
def test_the_rating_page_hints_at_every_module(client):
    visitor = Visitor(client, make_study())
    visitor.open()
    page = visitor.send().content.decode()
    hinted = re.findall(r'<link rel="modulepreload" href="/static/([^"]+)">', page)
    assert tuple(hinted) == imports_of("rater/rate.js")
