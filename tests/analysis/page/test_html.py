"""The HTML report: what it says, and that it is safe and stands alone."""

import dataclasses
import re

import pandas as pd
import pytest

from analysis.core.report import build_report
from analysis.core.settings import AskedAxis, ReportSettings
from analysis.core.votes import validate_votes
from analysis.page.headline import prefixed_headline
from analysis.page.html import render_report
from analysis.votes.readers import read_votes
from tests.analysis.studies import EXAMPLES

SETTINGS = ReportSettings(
    "Two made-up models",
    5,
    ties_allowed=False,
    axes=(AskedAxis("quality", "Which video do you prefer?"), AskedAxis("faithfulness")),
    bootstrap_draws=100,
)


@pytest.fixture(scope="module")
def example():
    return read_votes(EXAMPLES / "judgments.csv").votes


def report_of(votes, **changes):
    return build_report(votes, settings=dataclasses.replace(SETTINGS, **changes))


def plain(text):
    return text.replace("\u202f", " ")


def votes_of(*rows):
    """Five votes per prompt: (prompts, votes for A) on one axis."""
    records = [
        {
            "prompt_id": f"{kind}-{prompt}",
            "axis": "quality",
            "model_a": "Emu",
            "model_b": "Gen2",
            "winner": "model_a" if vote < for_a else "model_b",
            "rater": f"r{vote}",
        }
        for kind, (prompts, for_a) in enumerate(rows)
        for prompt in range(prompts)
        for vote in range(5)
    ]
    return validate_votes(pd.DataFrame(records))


def test_the_headline_is_the_sentence_that_answers_the_question():
    # Emu Video 2311.10709v2, figure 2: 78.5 % of 65 prompts; Wilson 67.0 to 86.7 (51 of 65).
    report = report_of(votes_of((51, 4), (14, 1)), axes=())
    assert plain(prefixed_headline(report)) == (
        "Emu was preferred on quality in 78.5 % of 65 prompts "
        "(95 % interval 67.0 to 86.7; this panel of 5 raters per comparison)."
    )


def test_the_headline_names_the_model_that_won():
    report = report_of(votes_of((14, 4), (51, 1)), axes=())
    assert plain(prefixed_headline(report)).startswith("Gen2 was preferred on quality in 78.5 %")


def test_an_interval_over_one_half_is_no_clear_preference():
    report = report_of(votes_of((11, 4), (9, 1)), axes=())
    assert plain(prefixed_headline(report)).startswith(
        "No clear preference on quality: Emu in 55.0 % of 20 prompts, Gen2 in the rest"
    )


def test_without_a_clear_preference_the_chart_and_the_headline_name_the_same_model():
    # 9 of 20: Wilson 25.8 to 65.8, scipy binomtest(9, 20).proportion_ci(method="wilson").
    report = report_of(votes_of((9, 4), (11, 1)), axes=())
    assert plain(prefixed_headline(report)) == (
        "No clear preference on quality: Emu in 45.0 % of 20 prompts, Gen2 in the rest "
        "(95 % interval 25.8 to 65.8; this panel of 5 raters per comparison)."
    )


def test_simulated_votes_are_said_in_the_headline(example):
    simulated, real = (report_of(example, simulated=flag) for flag in (True, False))
    heading = re.search(r"<h1.*?</h1>", render_report(simulated), re.DOTALL)
    assert "Simulated votes: no person judged" in heading[0]
    assert prefixed_headline(simulated).startswith("Simulated votes: ")
    assert "imulated" not in render_report(real).split("<script", 1)[0]


def test_a_running_study_has_an_interim_note(example):
    assert "<strong>Interim.</strong>" in render_report(report_of(example, interim=True))
    assert "Interim" not in render_report(report_of(example))


def test_texts_from_users_are_escaped(example):
    evil = "<script>alert(1)</script>"
    votes = example.assign(model_a=evil, prompt=evil, note=evil)
    axes = (AskedAxis("quality", f"Which? {evil}", {"pixel-sharpness": evil}),)
    page = render_report(report_of(votes, title=f"{evil} study", axes=axes))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; study" in page
    assert page.count("<script") == page.count("</script>") == 3


def test_the_page_loads_nothing_and_allows_only_its_own_scripts(example):
    page = render_report(report_of(example))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    links = re.findall(r'(?:src|href)="([^"]*)"', markup)
    assert {"judgments.csv", "win_rates.csv", "verdicts.csv", "report.json"} <= set(links)
    assert [link for link in links if not re.fullmatch(r"[\w-]+\.[a-z]+", link)] == []


def test_the_page_is_under_three_megabytes_and_the_same_every_time(example):
    page = render_report(report_of(example))
    assert len(page.encode()) < 3_000_000
    assert page == render_report(report_of(example))


def test_without_complete_comparisons_the_page_says_so_calmly(example):
    page = render_report(report_of(example.head(4)))
    assert "No comparison has all its votes yet" in page
    assert "4 votes are in, but no comparison has its 5 votes." in page
    assert "<script" not in page


def test_without_any_vote_the_page_says_so(example):
    assert "There are no votes." in render_report(report_of(example.head(0)))


def test_several_opponents_are_counted_in_the_headline():
    votes = read_votes(EXAMPLES / "uve.json").votes
    report = report_of(votes, min_votes=1, ties_allowed=True, axes=())
    assert len(report.results) == 4
    assert "On static visual quality, " in plain(prefixed_headline(report))
    assert "Every comparison has a single vote" in render_report(report)


def test_the_page_tells_how_sides_were_balanced_within_raters_and_comparisons():
    """By hand: r0 saw A left twice and never right; the second prompt had one layout."""
    votes = votes_of((1, 2), (1, 3))
    sides = ["left", "right", "left", "left", "right", "left", "left", "left", "left", "left"]
    page = render_report(report_of(votes.assign(side_a=sides)))
    cells = re.findall(r"<td>(.*?)</td>", page[page.index("Within raters, sides") :])
    expected = ["2<small>raters = 5</small>", "1 of 2<small>0.1 expected by chance</small>"]
    assert expected == cells[4:6]
