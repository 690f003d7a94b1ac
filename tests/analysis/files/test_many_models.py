"""Figures of many models: a matrix, bars of all pairs together, and no more rows than fit."""

from dataclasses import replace

import pytest

from analysis.files.figures import (
    agreement_figure,
    figure_files,
    matrix_figure,
    ranking_figure,
    win_rate_figure,
)
from analysis.page.drawings import figure_names
from analysis.page.limits import BLOCKS_SHOWN, MODELS_SHOWN
from analysis.page.matrices import win_rate_matrices
from analysis.page.outline import outline_of
from tests.analysis.many import few_models, many_models


@pytest.fixture(scope="module")
def few():
    return few_models()


@pytest.fixture(scope="module")
def outline(few):
    return outline_of(many_models(few, 60))


def labels_of(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def test_the_figure_of_win_rates_is_a_matrix_of_the_best_models(outline):
    for axes in matrix_figure(win_rate_matrices(outline)).axes:
        assert axes.images[0].get_array().shape == (MODELS_SHOWN, MODELS_SHOWN)
        assert labels_of(axes)[0] == "model-0059"
        assert axes.get_title(loc="left").endswith("the 40 highest rated of 60 models")


def test_cells_of_a_small_matrix_have_numbers(few):
    matrices = win_rate_matrices(outline_of(many_models(few, 12)))
    axes = matrix_figure(matrices).axes[0]
    numbers = [(text.get_text(), text.get_fontweight()) for text in axes.texts]
    assert len(numbers) == 12 * 11
    assert {("100", "bold"), ("0", "bold"), ("50", "normal")} <= set(numbers)


def test_cells_of_a_large_matrix_have_a_dot_where_they_are_clear(outline):
    matrix, *_ = matrices = win_rate_matrices(outline)
    axes = matrix_figure(matrices).axes[0]
    clear = sum(cell is not None and cell.clear for row in matrix.rows for cell in row.cells)
    assert (len(axes.texts), len(axes.lines)) == (0, clear)


def test_agreement_has_a_bar_for_each_question(outline):
    assert labels_of(agreement_figure(outline).axes[0]) == ["", "quality", "faithfulness"]


def test_a_ranking_shows_the_highest_rated(outline):
    axes = ranking_figure(outline.report.rankings[0]).axes[0]
    assert len(labels_of(axes)) == MODELS_SHOWN
    assert axes.get_xlabel().endswith("the 40 highest of 60 models")


def test_where_one_model_met_all_the_rows_are_the_largest_pairs(few):
    outline = outline_of(many_models(few, 100, met_all=True))
    assert len(labels_of(win_rate_figure(outline).axes[0])) == 3 * MODELS_SHOWN


def test_few_results_have_a_figure_of_their_reasons(outline):
    names = figure_names(outline)
    assert sum(name.startswith("reasons-") for name in names) == BLOCKS_SHOWN
    assert names[:2] == ["win_rates", "agreement"]


def test_the_same_report_gives_the_same_figures(few):
    many = many_models(few, 12)
    results = tuple(replace(one, reasons_a=(), reasons_b=()) for one in many.results)
    report = replace(many, results=results, rankings=())
    assert dict(figure_files(report)) == dict(figure_files(report))
