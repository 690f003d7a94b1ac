"""The tables of ranks, protocols and combinations as a reader of the report sees them."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from analysis.core.report import build_report
from analysis.core.settings import ReportSettings
from analysis.core.votes import validate_votes
from analysis.page.html import render_report
from analysis.page.outline import outline_of
from analysis.page.reasons import combination_plot, combination_rows
from analysis.page.tables import protocol_block, ranking_block
from analysis.page.words import decimal

SETTINGS = ReportSettings("Open study", 5, ties_allowed=True, bootstrap_draws=100)


@pytest.fixture(scope="module")
def votes(open_study):
    return validate_votes(open_study)


@pytest.fixture(scope="module")
def report(votes):
    return build_report(votes, settings=SETTINGS)


def test_models_are_listed_best_first_with_a_range_of_ranks(report):
    table = render_report(report).split("<h2>All models together</h2>")[1].split("</table>")[0]
    rows = re.findall(r'<th scope="row">(.+?)</th><td>(.+?)</td><td>(\d+)<small>', table)
    ratings = [int(rating) for _, _, rating in rows]
    assert ratings == sorted(ratings, reverse=True)
    ranked = {one.model: {one.best_rank, one.worst_rank} for one in report.rankings[0].models}
    assert {model: {*map(int, ranks.split(" to "))} for model, ranks, _ in rows} == ranked


def test_two_cells_across_the_diagonal_add_up_to_one(report):
    block = ranking_block(report.rankings[0])
    chance = {
        (row["model"], column): value for row in block["matrix"] for column, value in row["cells"]
    }
    names = {model for model, _ in chance}
    assert len(names) > 2
    for one in names:
        assert chance[one, one] is None
        for other in names - {one}:
            assert chance[one, other] + chance[other, one] == pytest.approx(1)


def test_a_model_that_won_every_vote_has_no_interval_and_says_why(votes):
    won = votes["model_b"].eq("m2") & votes["model_a"].eq("m0")
    settled = votes.assign(winner=votes["winner"].where(~won, "model_a"))
    apart = settled[settled["model_b"].ne("m1") | settled["model_a"].ne("m0")]
    report = build_report(apart, settings=SETTINGS)
    page = render_report(report)
    assert "no bound: one side won every vote" in page
    assert "m0 won every vote against" in page


def test_models_that_never_met_stay_in_groups_of_their_own(votes):
    pair = votes[votes["model_a"].eq("m0") & votes["model_b"].eq("m1")]
    elsewhere = pair.assign(
        model_a="x0", model_b="x1", comparison_id=pair["comparison_id"].astype(object) + "x"
    )
    both = validate_votes(pd.concat([pair, elsewhere], ignore_index=True))
    page = render_report(build_report(both, settings=SETTINGS))
    assert "2 groups of models were never compared with each other," in page
    assert "never compared, not even through others" not in page


def test_agreement_under_two_protocols_is_shown_side_by_side(report):
    block = protocol_block(outline_of(report), report.protocols[0])
    rows = dict(block["rows"])
    assert {"all raters agree", "Fleiss’ kappa"} <= set(rows)
    page = render_report(report)
    assert "What justifying does" in page
    assert decimal(rows["Fleiss’ kappa"].difference.value) in page


def test_reasons_ticked_together_are_counted_for_votes_either_way(report):
    result = next(one for one in report.results if one.combinations_a)
    rows = combination_rows(result, {})
    totals = [sum(row["votes"]) for row in rows]
    assert totals == sorted(totals, reverse=True)
    most = max(result.combinations_a, key=lambda one: one.votes)
    assert any(row["votes"][0] == most.votes for row in rows)


@pytest.fixture(scope="module")
def three_reasons():
    """Ten votes for A: six cite x and z, three y alone, one nothing."""
    cited = ["x;z"] * 6 + ["y"] * 3 + [""]
    rows = [
        {
            "prompt_id": f"p{number}",
            "model_a": "A",
            "model_b": "B",
            "winner": "model_a",
            "reasons": reasons,
        }
        for number, reasons in enumerate(cited)
    ]
    settings = ReportSettings("Reasons", 1, ties_allowed=False, bootstrap_draws=10)
    return build_report(validate_votes(pd.DataFrame(rows)), settings=settings)


def test_a_line_joins_the_reasons_of_a_combination(three_reasons):
    plot = combination_plot(three_reasons.results[0], {"x": "Sharper"})
    marks = {
        row["reason"]: ["".join(kind[0] for kind in cell if cell[kind]) for cell in row["cells"]]
        for row in plot["rows"]
    }
    # Dot, up and down, by combination: x and z, y, none.
    assert marks == {"Sharper": ["dd", "", ""], "y": ["ud", "d", ""], "z": ["du", "", ""]}


def test_bars_of_combinations_are_shares_of_all_votes(three_reasons):
    plot = combination_plot(three_reasons.results[0], {})
    assert [bar["share"] for bar in plot["bars"]] == ["60", "30", "10"]
    assert [bar["parts"] for bar in plot["bars"]] == [
        ["100.00", "0.00"],
        ["50.00", "0.00"],
        ["16.67", "0.00"],
    ]


def test_the_plot_of_combinations_says_in_words_what_is_most_frequent(three_reasons):
    page = render_report(three_reasons)
    assert "Most often: x + z, in 60 % of votes." in page
    assert page.count('class="upset__cell upset__cell--dot') == 3


def test_the_test_of_a_preference_and_the_range_without_a_rater_are_shown(report):
    page = render_report(report)
    assert "Without any one rater" in page
    assert '<th scope="col">p</th>' in page
    assert "Holm: " in page


def test_an_interim_report_shows_no_p_value(votes):
    settings = ReportSettings("Open", 5, ties_allowed=True, bootstrap_draws=100, interim=True)
    page = render_report(build_report(votes, settings=settings))
    assert '<th scope="col">p</th>' not in page.split("All models together")[0]


def test_both_results_are_shown_where_raters_were_excluded(votes, report):
    assert report.with_excluded == ()
    assert "With and without the excluded raters" not in render_report(report)
    without = votes.assign(excluded=votes["rater"].eq("r1"))
    changed = build_report(without, settings=SETTINGS)
    everybody = {
        (one.protocol, one.axis, one.model_a, one.model_b): one.win_rate for one in report.results
    }
    assert {
        (one.protocol, one.axis, one.model_a, one.model_b): one.win_rate
        for one in changed.with_excluded
    } == everybody
    page = render_report(changed)
    assert "With and without the excluded raters" in page
    assert f"{changed.exclusions.excluded} votes of excluded raters do not count" in page


def test_many_pairs_are_folded_and_few_are_not(report, three_reasons):
    blocks = sum(bool(result.reasons_a) for result in report.results)
    assert blocks > 4
    assert render_report(report).count('<details class="fold wide">') == blocks
    assert '<details class="fold wide">' not in render_report(three_reasons)
