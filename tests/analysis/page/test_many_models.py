"""Reports of many models: what is drawn as a matrix, folded, and cut off, and what says so."""

import re
from dataclasses import replace

import pytest

from analysis.core.protocol_report import ProtocolComparison
from analysis.core.settings import ClipsWanted, StoppingPlan
from analysis.core.win_rates import win_rate
from analysis.page.html import render_report
from analysis.page.limits import (
    BLOCKS_SHOWN,
    FURTHER_ROWS_SHOWN,
    MODELS_SHOWN,
    PAIRS_CHARTED,
    RANKS_OPEN,
    ROWS_SHOWN,
)
from analysis.page.matrices import MatrixCell, probability_matrix, win_rate_matrices
from analysis.page.outline import outline_of
from tests.analysis.many import ANYTIME, few_models, many_models

MODELS, PAIRS = 400, 10_000


@pytest.fixture(scope="module")
def few():
    return few_models()


@pytest.fixture(scope="module")
def many(few):
    """20,000 results."""
    return many_models(few, MODELS, PAIRS)


@pytest.fixture(scope="module")
def page(many):
    return render_report(many)


@pytest.fixture(scope="module")
def twelve(few):
    """Twelve models that all met: 66 pairs."""
    return many_models(few, 12)


def words_of(page):
    """The page's text without scripts and tags."""
    text = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def rows_of(page, table):
    """Rows of the table in the region of this name."""
    start = page.index(f'aria-label="{table}')
    return re.findall(r"<tr>.*?</tr>", page[start : page.index("</table>", start)])[1:]


def test_a_report_of_many_pairs_is_under_three_megabytes(page):
    assert len(page.encode()) < 3_000_000


def test_its_running_report_is_as_well():
    page = render_report(many_models(few_models(ANYTIME), MODELS, PAIRS))
    assert "The stopping rule for each pair: 300 of 20,000 rows" in page
    assert len(page.encode()) < 3_000_000


def test_up_to_forty_pairs_nothing_is_folded(few):
    page = render_report(many_models(few, 30, PAIRS_CHARTED))
    assert 'data-chart="win-rates"' in page
    assert 'class="long' not in page
    assert 'class="matrix"' not in page


def test_from_forty_one_pairs_on_a_matrix_takes_the_place_of_the_chart(few):
    page = render_report(many_models(few, 30, PAIRS_CHARTED + 1))
    assert 'data-chart="win-rates"' not in page
    assert page.count('aria-label="Matrix of win rates: ') == 2
    assert '<details class="long wide"><summary>Win rate of each pair: 82 rows</summary>' in page


def test_a_matrix_has_a_row_and_a_column_for_each_model_the_best_first(twelve):
    page = render_report(twelve)
    rows = rows_of(page, "Matrix of win rates: quality")
    best_first = [f"model-{number:04d}" for number in reversed(range(12))]
    assert [re.search("<span>(.*?)</span>", row)[1] for row in rows] == best_first
    assert {row.count("<td") for row in rows} == {12}


def test_without_a_ranking_the_order_is_that_of_mean_win_rates(twelve):
    matrix = win_rate_matrices(outline_of(replace(twelve, rankings=())))[0]
    means = [
        sum(cell.rate for cell in row.cells if cell) / sum(cell is not None for cell in row.cells)
        for row in matrix.rows
    ]
    assert means == sorted(means, reverse=True)
    assert matrix.order == "the 12 models, those with the highest mean win rates first"


def test_two_cells_across_the_diagonal_add_up_to_a_hundred(twelve):
    matrix = win_rate_matrices(outline_of(twelve))[0]
    for number, row in enumerate(matrix.rows):
        assert row.cells[number] is None
        for other, cell in enumerate(row.cells):
            if cell is not None:
                assert int(cell.words) + int(matrix.rows[other].cells[number].words) == 100


def test_a_cell_is_bold_where_the_interval_excludes_one_half(twelve):
    result = next(one for one in twelve.results if one.win_rate.wins == 12)
    cell = f'<td class="w8"><b>{MatrixCell(1.0, clear=True).words}</b></td>'
    page = render_report(twelve)
    assert result.win_rate.rate.interval.lower > 0.5
    assert cell in page
    assert '<td class="w4">50</td>' in page


@pytest.mark.parametrize(
    ("rate", "step"), [(0, 0), (0.2, 2), (0.44, 3), (0.5, 4), (0.56, 5), (0.9, 8), (1, 8)]
)
def test_colours_go_from_lost_to_won(rate, step):
    assert MatrixCell(rate, clear=False).step == step


def test_a_matrix_of_more_models_than_fit_says_which_it_shows(page):
    assert (
        "Quality, %: the 40 highest rated of 400 models; all are in win_rates.csv</caption>" in page
    )
    assert len(rows_of(page, "Matrix of win rates: quality")) == MODELS_SHOWN


def test_without_a_ranking_it_says_by_what_they_were_chosen(many):
    matrix = win_rate_matrices(outline_of(replace(many, rankings=())))[0]
    assert matrix.order == "the 40 with the highest mean win rates of 400 models"


def test_questions_beyond_the_sixth_have_no_matrix(twelve):
    results = tuple(
        replace(one, axis=f"{one.axis}-{number}") for one in twelve.results for number in range(4)
    )
    axes = tuple(
        replace(axis, key=f"{axis.key}-{number}") for axis in twelve.axes for number in range(4)
    )
    page = render_report(replace(twelve, results=results, axes=axes, rankings=()))
    assert page.count('aria-label="Matrix of win rates: ') == 6
    assert "These are the first 6 questions; 2 more are in win_rates.csv." in page


def test_the_table_of_win_rates_says_how_many_rows_it_shows(page):
    assert "Win rate of each pair: 1,000 of 20,000 rows" in page
    assert (
        "These are the 1,000 rows with the most comparisons; the other 19,000 are in win_rates.csv."
        in page
    )
    assert len(rows_of(page, "Table of win rates")) == ROWS_SHOWN


def test_rows_with_the_most_comparisons_come_first(many):
    *others, last = many.results
    last = replace(last, win_rate=win_rate(60, 0, 40))
    page = render_report(replace(many, results=(*others, last)))
    assert f"{last.model_a} vs {last.model_b}" in rows_of(page, "Table of win rates")[0]


def test_rows_that_fit_stay_in_their_order(twelve):
    rows = rows_of(render_report(twelve), "Table of win rates")
    pairs = [re.search('<th scope="row">(.*?)</th>', row)[1] for row in rows]
    assert pairs == [f"{one.model_a} vs {one.model_b}" for one in twelve.results]


@pytest.mark.parametrize(
    ("table", "file"),
    [
        ("Agreement on each pair", "win_rates.csv"),
        ("Each pair with and without them", "report.json"),
    ],
)
def test_further_tables_say_how_many_rows_they_show(page, table, file):
    start = page.index(f"{table}: 300 of 20,000 rows</summary>")
    fold = page[start : page.index("</details>", start)]
    assert fold.count('<tr><th scope="row">') == FURTHER_ROWS_SHOWN
    assert f"the other 19,700 are in {file}." in fold


def test_reasons_and_categories_are_shown_of_the_pairs_with_the_most_votes(page):
    words = words_of(page)
    shown = "These are the 12 pairs and questions with the most votes; the other 19,988 are in"
    assert f"{shown} report.json." in words
    assert f"{shown} win_rates_by_category.csv." in words
    assert page.count('data-chart="reasons-') == BLOCKS_SHOWN
    assert page.count('aria-label="Win rates by category: ') == BLOCKS_SHOWN


def test_ranks_beyond_the_fiftieth_are_folded(page):
    assert len(rows_of(page, "Table of ranks: quality")) == RANKS_OPEN
    assert "Places 51 to 400 of 400 models</summary>" in page
    assert len(rows_of(page, "Table of further ranks: quality")) == MODELS - RANKS_OPEN


def test_ranks_of_a_thousand_models_and_more_are_cut_off(few):
    page = render_report(many_models(few, 700, 50))
    assert "Places 51 to 500 of 700 models</summary>" in page
    assert "The other 200 models are in ranking.csv." in page


def test_probabilities_are_those_between_the_best(page, many):
    matrix = probability_matrix("quality", many.rankings[0])
    assert len(matrix.rows) == MODELS_SHOWN
    assert matrix.models[0] == f"model-{MODELS - 1:04d}"
    assert "the 40 highest rated of 400 models; the ratings in ranking.csv give all others" in page


def test_what_contradicts_a_ranking_is_cut_off(page):
    words = words_of(page)
    assert (
        "Of such pairs of groups these have the most votes; the other 387 are in report.json."
        in (words)
    )
    assert "; and 386 more, in report.json. One scale does not describe these models." in words
    assert re.search(r"model-0011 and 387 more won every vote against model-0399 \(399\)", words)


def test_the_methods_count_models_that_are_too_many_to_name(page, few):
    assert "400 models were compared pairwise on" in words_of(page)
    assert "aurora, drift and ember were compared pairwise on" in words_of(render_report(few))


def test_agreement_is_drawn_for_all_pairs_together(page):
    assert "How the votes of a comparison were split, all pairs of models together" in page
    bars = outline_of(few_models()).split_bars()
    assert len(bars) == 6


def test_bars_of_all_pairs_add_up(many):
    bars = outline_of(many).split_bars()
    assert [bar.label for bar in bars] == ["quality", "faithfulness"]
    totals = sum(one.agreement.comparisons_with_two_votes for one in many.results)
    assert sum(sum(bar.counts) for bar in bars) == sum(bar.total for bar in bars) == totals


def test_where_one_model_met_all_the_chart_stays_with_the_largest_pairs(few):
    report = many_models(few, 100, met_all=True)
    page = render_report(report)
    assert 'data-chart="win-rates"' in page and 'class="matrix"' in page
    assert "the pairs with the most comparisons of 99; all are in win_rates.csv" in page
    assert len({one.model_b for one in outline_of(report).charted()}) == PAIRS_CHARTED


def test_without_a_chart_plotly_is_left_out(few):
    bare = replace(few.results[0].agreement, splits=())
    results = [
        replace(one, agreement=bare, reasons_a=(), reasons_b=())
        for one in many_models(few, 12).results
    ]
    page = render_report(replace(few, results=tuple(results), examples=()))
    assert len(page.encode()) < 500_000
    assert page.count("<script") == 2


def test_what_lacks_of_a_plan_is_cut_off(twelve):
    settings = replace(twelve.settings, plan=StoppingPlan(comparisons=13))
    page = words_of(render_report(replace(twelve, settings=settings)))
    assert "; and 120 more. The interval holds" in page


def test_clips_of_many_models_are_folded(twelve):
    clips = tuple(ClipsWanted(f"m{n:03d}", 10, n % 10, 0, 0, 0, 0, 0) for n in range(400))
    page = render_report(replace(twelve, settings=replace(twelve.settings, clips=clips)))
    assert "Clips of each model: 300 of 400 rows" in page
    assert "300 rows that lack most clips; the other 100 are in generation.csv." in page


def test_protocols_of_many_pairs_are_cut_off(twelve):
    one = ProtocolComparison(
        "quality",
        "model-0000",
        "model-0001",
        *("juice", "plain"),
        same_items=True,
        first_comparisons=10,
        second_comparisons=10,
        first_splits=(),
        second_splits=(),
        differences=(),
    )
    page = render_report(replace(twelve, protocols=(one,) * 20))
    assert page.count('aria-label="Table of agreement under two protocols: ') == BLOCKS_SHOWN
    assert (
        "12 pairs and questions with the most comparisons; the other 8 are in report.json" in page
    )


def test_every_row_is_in_the_page_without_scripts(twelve):
    markup = re.sub(r"<(script|style).*?</\1>", "", render_report(twelve), flags=re.DOTALL)
    assert " hidden" not in markup
    assert "<input" not in markup
    assert all(f"{one.model_a} vs {one.model_b}" in markup for one in twelve.results)
