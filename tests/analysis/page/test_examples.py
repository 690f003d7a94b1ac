"""Which comparisons are shown as examples."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from analysis.core.examples import Why, choose_examples
from analysis.core.report import build_report
from analysis.core.settings import AskedAxis, ReportSettings
from analysis.core.votes import validate_votes
from analysis.page.html import render_report

SETTINGS = ReportSettings("Examples", 5, ties_allowed=True, bootstrap_draws=10)


def votes_of(**votes_for_a: int) -> pd.DataFrame:
    """Five votes on one axis for each comparison, so many of them for A."""
    rows = [
        {
            "comparison_id": name,
            "prompt_id": name,
            "prompt": f"A fox called {name}",
            "axis": "quality",
            "model_a": "A",
            "model_b": "B",
            "winner": "model_a" if vote < for_a else "model_b",
            "reasons": "sharp;smooth",
            "note": "It flickers." if vote == 0 else "",
            "rater": f"r{vote}",
        }
        for name, for_a in votes_for_a.items()
        for vote in range(5)
    ]
    return validate_votes(pd.DataFrame(rows))


def chosen(votes, seed=1, min_votes=5):
    found = choose_examples(votes, min_votes=min_votes, seed=seed)
    return [(one.why, one.model, one.comparison_id) for one in found]


def test_each_models_clearest_win_comes_first_then_the_most_divided():
    votes = votes_of(clear_a=5, clear_b=0, near_a=4, near_b=1, split=3, even=2)
    assert chosen(votes)[:2] == [(Why.CLEAREST, "A", "clear_a"), (Why.CLEAREST, "B", "clear_b")]
    assert {name for why, _, name in chosen(votes) if why == Why.DIVIDED} == {"split", "even"}
    assert {name for why, _, name in chosen(votes) if why == Why.DRAWN} == {"near_a", "near_b"}


def test_there_are_six_at_most_and_none_twice():
    names = [name for _, _, name in chosen(votes_of(**{f"c{n}": n % 6 for n in range(30)}))]
    assert len(names) == len(set(names)) == 6


def test_the_seed_alone_draws_the_lots():
    votes = votes_of(**{f"c{n}": 3 for n in range(30)})
    shuffled = votes.sample(frac=1, random_state=5).reset_index(drop=True)
    assert chosen(votes, seed=1) == chosen(shuffled, seed=1)
    assert chosen(votes, seed=1) != chosen(votes, seed=2)


def test_a_comparison_that_lacks_votes_is_no_example():
    votes = votes_of(whole=4, short=5)
    assert [name for _, _, name in chosen(votes.drop(votes.index[-1]))] == ["whole"]


def test_a_model_that_never_leads_has_no_clearest_win():
    assert chosen(votes_of(one=5)) == [(Why.CLEAREST, "A", "one")]


def test_of_many_models_three_are_drawn_by_lot():
    votes = votes_of(**{f"c{n}": 5 for n in range(8)})
    many = votes.assign(model_a=[f"A{n // 5}" for n in range(40)])
    assert sum(why == Why.CLEAREST for why, _, _ in chosen(many)) == 3


def test_without_votes_there_is_no_example():
    assert chosen(votes_of(one=5).head(0)) == []


@pytest.fixture(scope="module")
def page():
    axes = (AskedAxis("quality", "Which?", {"sharp": "Pixel sharpness"}),)
    votes = votes_of(clear=5, split=3)
    return render_report(build_report(votes, settings=dataclasses.replace(SETTINGS, axes=axes)))


def test_the_report_states_the_rule_and_its_seed(page):
    assert "Chosen by a rule, not by hand: for each model the comparison" in page
    assert "decided by lot (seed 20231117)" in page


def test_the_report_shows_prompts_votes_reasons_and_notes(page):
    assert "“A fox called clear”" in page
    assert "<li>Quality: 3 for A, 2 for B</li>" in page
    assert '<td class="text">Pixel sharpness, smooth</td><td class="text">It flickers.</td>' in page


def test_the_report_by_itself_holds_no_clips(page):
    assert page.count('<div class="example__clips" data-comparison="') == 2
    markup = page.split("<script", 1)[0]
    assert "<video" not in markup and "base64," not in markup
