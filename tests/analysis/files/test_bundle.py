"""The tables beside a report: verdicts, ranks, and LaTeX for a paper."""

from __future__ import annotations

import csv
import io

import pytest

from analysis.core.report import build_report
from analysis.core.settings import ReportSettings
from analysis.core.votes import validate_votes
from analysis.files.bundle import table_files
from analysis.files.latex import escaped, win_rate_table

SETTINGS = ReportSettings("Open 100 % study", 5, ties_allowed=True, bootstrap_draws=100)


@pytest.fixture(scope="module")
def votes(open_study):
    return validate_votes(open_study)


@pytest.fixture(scope="module")
def report(votes):
    return build_report(votes, settings=SETTINGS)


@pytest.fixture(scope="module")
def tables(report, votes):
    return {name: "".join(lines) for name, lines in table_files(report, votes).items()}


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_verdicts_add_up_to_the_win_rates(report, tables):
    rows = rows_of(tables["verdicts.csv"])
    for result in report.results:
        own = [
            row["verdict"]
            for row in rows
            if row["complete"] == "true"
            and (row["protocol"], row["axis"]) == (result.protocol, result.axis)
            and (row["model_a"], row["model_b"]) == (result.model_a, result.model_b)
        ]
        rates = result.win_rate
        counts = [own.count(verdict) for verdict in ("model_a", "model_b", "tie")]
        assert counts == [rates.wins, rates.losses, rates.ties]


def test_votes_of_a_verdict_are_its_valid_ones(votes, tables):
    row = rows_of(tables["verdicts.csv"])[0]
    own = votes[
        votes["comparison_id"].eq(row["comparison_id"])
        & votes["axis"].eq(row["axis"])
        & votes["protocol"].eq(row["protocol"])
        & ~votes["is_gold"]
        & ~votes["excluded"]
    ]
    counted = sum(int(row[name]) for name in ("votes_a", "votes_b", "ties"))
    assert counted == len(own)


def test_the_ranking_has_a_row_per_model_and_axis(report, tables):
    rows = rows_of(tables["ranking.csv"])
    assert len(rows) == sum(len(ranking.models) for ranking in report.rankings)
    first = report.rankings[0].models[0]
    assert (rows[0]["model"], int(rows[0]["best_rank"])) == (first.model, first.best_rank)
    assert float(rows[0]["rating"]) == pytest.approx(first.rating.value)


def test_two_models_have_no_ranking(votes):
    pair = votes[votes["model_a"].eq("m0") & votes["model_b"].eq("m1")]
    assert "ranking.csv" not in table_files(build_report(pair, settings=SETTINGS), pair)


def test_the_table_for_a_paper_has_the_figures_of_the_report(report):
    table = win_rate_table(report)
    result = report.results[0]
    rate = result.win_rate.rate
    row = next(line for line in table.splitlines() if line.startswith(f"{result.model_a} & "))
    assert f"{100 * rate.value:.1f}" in row
    assert f"{100 * rate.interval.lower:.1f}--{100 * rate.interval.upper:.1f}" in row
    assert row.endswith(r" \\")
    assert table.startswith(r"% Open 100 \% study")


def test_special_characters_are_made_plain():
    assert escaped("a_b & 5 % of {x}\n$y") == r"a\_b \& 5 \% of \{x\} \$y"
