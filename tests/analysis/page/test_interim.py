"""A running study shows what holds at every look, and nothing that holds for one only."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest

from analysis.core.report import build_report, report_json
from analysis.core.sequential import beta_binomial_interval
from analysis.core.settings import ReportSettings
from analysis.core.votes import validate_votes
from analysis.page.headline import prefixed_headline
from analysis.page.html import render_report

SETTINGS = ReportSettings("Running", 3, ties_allowed=False, bootstrap_draws=10, interim=True)


def running_votes(won: int, prompts: int = 40) -> pd.DataFrame:
    """Three votes on each prompt but the last one opened, which lacks one; A wins the first."""
    rows = [
        {
            "prompt_id": f"p{prompt:02d}",
            "category": "animals" if prompt % 2 else "people",
            "model_a": "A",
            "model_b": "B",
            "winner": "model_a" if prompt < won else "model_b",
            "reasons": "sharp;smooth" if vote else "sharp",
            "rater": f"r{vote}",
            "side_a": "left" if vote else "right",
            "started_at": f"2026-01-01T00:{prompt:02d}:00Z",
        }
        for prompt in range(prompts)
        for vote in range(3)
    ]
    return validate_votes(pd.DataFrame(rows[:-1]))


def report_of(votes, **changes):
    return build_report(votes, settings=dataclasses.replace(SETTINGS, **changes))


def keys_with_values(content, wanted):
    if isinstance(content, list):
        return [found for one in content for found in keys_with_values(one, wanted)]
    if not isinstance(content, dict):
        return []
    own = [(key, one) for key, one in content.items() if wanted in key and one is not None]
    return own + [found for one in content.values() for found in keys_with_values(one, wanted)]


@pytest.mark.parametrize("wanted", ["interval", "p_value"])
def test_only_those_for_every_look_are_left(wanted):
    votes = running_votes(25)
    finished, running = (
        json.loads(report_json(report_of(votes, interim=interim))) for interim in (False, True)
    )
    assert len(keys_with_values(finished, wanted)) > 3
    found = keys_with_values(running, wanted)
    assert found == keys_with_values(running["results"][0]["anytime"], wanted)
    assert len(found) == 1


def test_the_headline_speaks_of_the_comparisons_of_that_interval():
    expected = beta_binomial_interval(30, 39)
    text = prefixed_headline(report_of(running_votes(30))).replace("\u202f", " ")
    found = re.search(
        r"A was preferred overall in ([\d.]+) % of 39 prompts "
        r"\(95 % interval at any look ([\d.]+) to ([\d.]+)",
        text,
    )
    rate, lower, upper = map(float, found.groups())
    assert rate == 76.9
    # The running intersection is no wider than the interval of the last look.
    assert lower >= 100 * expected.lower - 0.05 and upper <= 100 * expected.upper + 0.05


def test_the_page_names_no_interval_of_a_single_look():
    page = render_report(report_of(running_votes(25))).split("<script", 1)[0]
    assert "Wilson" not in page
    assert ">p</th>" not in page and "p of the difference" not in page
    assert "At any look" in page


def test_without_a_finished_prefix_there_is_a_share_and_no_interval():
    votes = running_votes(25).iloc[1:]
    report = report_of(votes)
    assert report.results[0].anytime is None
    assert "too few for an interval" in prefixed_headline(report)


def test_models_keep_their_ratings_and_lose_their_ranks():
    rng = np.random.default_rng(1)
    votes = pd.DataFrame(
        [
            {"prompt_id": f"p{n}", "model_a": a, "model_b": b, "winner": winner, "rater": "r"}
            for n in range(40)
            for a, b in (("A", "B"), ("A", "C"), ("B", "C"))
            for winner in [rng.choice(["model_a", "model_b"])]
        ]
    )
    models = report_of(validate_votes(votes), min_votes=1).rankings[0].models
    assert all(one.rating.value is not None and one.rating.interval is None for one in models)
    assert {one.best_rank for one in models} == {None}
