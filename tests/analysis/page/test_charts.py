"""Charts are plain dictionaries: plotly itself says whether they are charts."""

import json
import re

import plotly.graph_objects as go
import pytest

from analysis.core.report import build_report
from analysis.core.settings import AskedAxis, ReportSettings
from analysis.page.html import render_report
from analysis.votes.readers import read_votes
from tests.analysis.studies import EXAMPLES


@pytest.fixture(scope="module")
def figures():
    settings = ReportSettings(
        "Two made-up models",
        5,
        ties_allowed=False,
        axes=(AskedAxis("quality"), AskedAxis("faithfulness")),
        bootstrap_draws=50,
    )
    report = build_report(read_votes(EXAMPLES / "judgments.csv").votes, settings=settings)
    held = re.search(r'<script id="figures"[^>]*>(.*?)</script>', render_report(report), re.DOTALL)
    return json.loads(held.group(1))


def test_plotly_knows_every_property_of_every_chart(figures):
    assert {name.partition("-")[0] for name in figures} == {"win", "agreement", "reasons"}
    for figure in figures.values():
        checked = go.Figure(figure, skip_invalid=False)
        assert len(checked.data) == len(figure["data"]) > 0
        assert checked.layout.height == figure["layout"]["height"]
        json.loads(checked.to_json())


def test_plotly_refuses_what_is_no_chart(figures):
    wrong = {**figures["agreement"], "layout": {"barmodus": "stack"}}
    with pytest.raises(ValueError, match="barmodus"):
        go.Figure(wrong)
