"""Parts of a page that are kept are what would be made anew."""

import re

import pytest
from django.template import Context, Template
from django.test import Client
from django.utils.translation import override

from annotations.templatetags import keeping
from annotations.templatetags.keeping import KeptNode
from tests.annotations.factories import make_study
from tests.annotations.visitors import Visitor

ONE_TIME = re.compile(rb'name="(csrfmiddlewaretoken|submission_id|assignment)" value="[^"]*"')
ADDRESSES = re.compile(rb"/m/[^/]+/|data-assignment=\"[^\"]*\"")


def render(template, language="en", **values):
    with override(language):
        return template.render(Context(values))


def test_a_part_is_made_once_for_each_language_and_value():
    template = Template(
        "{% load keeping i18n %}{% kept a %}{{ a }}{{ b }} {% translate 'Left' %}{% endkept %}"
    )
    assert [render(template, a=1, b=b) for b in "xy"] == ["1x Left"] * 2
    assert render(template, a=2, b="y") == "2y Left"
    assert render(template, "es", a=1, b="z").startswith("1z ")
    assert render(template, "es", a=1, b="z") != "1z Left"
    assert render(template, b="w") == "w Left"


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(keeping, "MOST_KEPT", 3)
    template = Template("{% load keeping %}{% kept a %}{{ a }}{% endkept %}")
    assert [render(template, a=n) for n in range(10)] == [str(n) for n in range(10)]
    [node] = template.nodelist.get_nodes_by_type(KeptNode)
    assert len(node.made) <= 3


def pages_of(study, language):
    """The page of each stage, without what is new in each."""
    visitor = Visitor(Client(headers={"accept-language": language}), study)
    visitor.open()
    visitor.send()
    pages = [visitor.page, visitor.answer_quality(reasons=()), visitor.answer_quality()]
    texts = [ADDRESSES.sub(b"", ONE_TIME.sub(b"", page.content)) for page in pages]
    assert all(b"data-question" in text for text in texts)
    return texts


@pytest.mark.django_db
def test_pages_are_the_same_whatever_was_made_before(monkeypatch):
    """Every part is asked for with other values in between, and made anew each time."""
    alike = {
        "comparisons": 1,
        "raters_per_comparison": 20,
        "languages": ["en", "es"],
        "reason_order": "fixed",
    }
    studies = [
        make_study(**alike),
        make_study(**alike, viewing="toggle", skip_percent=None),
        make_study(**alike, tie_policy="allowed", protocol="plain"),
    ]
    cases = [(study, language) for study in studies for language in ("en", "es")]
    kept = [pages_of(*case) for case in [*cases, *cases]]
    monkeypatch.setattr(keeping, "MOST_KEPT", 0)
    assert kept == [pages_of(*case) for case in [*cases, *cases]]
