"""Figures and Parquet files: the report's own numbers, typed, the same bytes each time."""

from __future__ import annotations

import io
import tracemalloc
import warnings
import zipfile
from itertools import islice

import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from analysis.core.columns import COLUMNS, VOTE_COLUMNS
from analysis.core.report import build_report
from analysis.core.settings import ReportSettings
from analysis.core.votes import validate_votes
from analysis.files import typefaces
from analysis.files.bundle import binary_files, table_files, zip_report
from analysis.files.figures import figure_files
from analysis.files.parquet import parquet_chunks
from analysis.files.tables import tables_of
from analysis.models import Report
from analysis.page.drawings import figure_names
from analysis.page.outline import outline_of
from analysis.services.making import compute_extras, compute_report_now
from analysis.tasks import compute_files
from analysis.votes.columns import study_votes
from tests.annotations.factories import NOW, judge_for, make_rater, make_study

SIGNATURES = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF", "parquet": b"PAR1"}
ROW = dict.fromkeys(COLUMNS, "") | {
    "model_a": "=one",
    "model_b": "two",
    "winner": "tie",
    "is_gold": False,
    "excluded": False,
    "started_at": None,
    "submitted_at": pd.Timestamp("2026-01-31T12:00:00Z"),
    "duration_ms": 1500.0,
}


@pytest.fixture
def votes():
    """Three models, so that there is a ranking; two questions; reasons."""
    rows = [
        {
            "prompt_id": f"p{prompt}",
            "category": "animals" if prompt % 2 else "people",
            "axis": axis,
            "model_a": a,
            "model_b": b,
            "winner": "model_a" if (prompt + rater + len(axis)) % 3 else "model_b",
            "reasons": "sharp" if rater else "smooth;sharp",
            "rater": f"r{rater}",
            "side_a": "left" if (prompt + rater) % 2 else "right",
            "duration_ms": 4000 + 100 * rater,
        }
        for prompt in range(6)
        for a, b in (("aurora", "drift"), ("aurora", "ember"), ("drift", "ember"))
        for axis in ("quality", "faithfulness")
        for rater in range(3)
    ]
    return validate_votes(pd.DataFrame(rows))


@pytest.fixture
def report(votes):
    return build_report(
        votes, settings=ReportSettings("S", 3, ties_allowed=False, bootstrap_draws=20)
    )


def read(chunks) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(b"".join(chunks)))


def test_parquet_holds_typed_values_and_escapes_nothing():
    found = read(parquet_chunks(VOTE_COLUMNS, [ROW]))
    assert list(found.columns) == list(COLUMNS)
    assert found["model_a"][0] == "=one"
    assert (found["is_gold"].dtype, found["duration_ms"][0]) == (bool, 1500)
    assert found["submitted_at"][0] == pd.Timestamp("2026-01-31T12:00:00Z")
    assert pd.isna(found["started_at"][0])


def test_parquet_tables_equal_the_csv_files(report, votes):
    texts = table_files(report, votes)
    for name, table in tables_of(report, votes).items():
        typed = read(parquet_chunks(table.columns, table.rows))
        text = pd.read_csv(io.StringIO("".join(texts[f"{name}.csv"])), keep_default_na=True)
        assert list(typed.columns) == list(text.columns)
        for column in text:
            numbers = pd.to_numeric(text[column], errors="coerce")
            if numbers.notna().any():
                assert numbers.to_list() == pytest.approx(
                    typed[column].astype(float).to_list(), nan_ok=True
                )


def test_a_large_table_is_written_in_pieces_of_constant_memory():
    chunks = parquet_chunks(VOTE_COLUMNS, (ROW for _ in range(200_000)))
    list(islice(chunks, 2))
    tracemalloc.start()
    size = sum(map(len, islice(chunks, 3)))
    early = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    size += sum(map(len, chunks))
    late = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 0
    assert late < 1.2 * early


def test_every_figure_comes_in_every_format(report):
    files = dict(figure_files(report))
    assert figure_names(outline_of(report))[:2] == ["win_rates", "agreement"]
    assert {name.rpartition(".")[0] for name in files} == set(figure_names(outline_of(report)))
    assert any(name.startswith("ranking-") for name in files)
    assert all(content.startswith(SIGNATURES[name[-3:]]) for name, content in files.items())


def test_the_numbers_of_a_figure_are_those_of_the_report(report):
    from analysis.files.figures import win_rate_figure

    figure = win_rate_figure(outline_of(report))
    words = {text.get_text() for text in figure.axes[0].texts}
    for result in report.results:
        rate = result.headline
        assert f"{100 * rate.value:.1f}\u202f%  n = {rate.comparisons}" in words


def test_names_with_dollars_are_not_read_as_formulas(votes):
    renamed = votes.astype(object).replace({"aurora": "a$ur$ora_^x" * 4})
    report = build_report(
        validate_votes(renamed),
        settings=ReportSettings("S", 3, ties_allowed=False, bootstrap_draws=20),
    )
    assert len(dict(figure_files(report))) == 3 * len(figure_names(outline_of(report)))


def test_the_same_report_gives_the_same_bytes(report, votes):
    first, second = (dict(_zip_of(report, votes)) for _ in range(2))
    assert first == second
    assert {"win_rates.parquet", "raters.csv", "win_rates.pdf", "report.html"} <= first.keys()


def _zip_of(report, votes):
    buffer = io.BytesIO()
    zip_report(report, votes, buffer)
    with zipfile.ZipFile(buffer) as archive:
        yield from ((name, archive.read(name)) for name in archive.namelist())


def test_raters_are_counted(report, votes):
    raters = pd.DataFrame(tables_of(report, votes)["raters"].rows).set_index("rater")
    assert raters["votes"].to_dict() == {"r0": 36, "r1": 36, "r2": 36}
    assert raters["comparisons"].to_dict() == {"r0": 18, "r1": 18, "r2": 18}
    assert raters["median_seconds"].to_dict() == {"r0": 4.0, "r1": 4.1, "r2": 4.2}
    own = votes[votes["rater"].eq("r1")].drop_duplicates("comparison_id")
    left = own["winner"].eq("model_a") == own["side_a"].eq("left")
    assert raters.loc["r1", "left_votes"] == left.sum()


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path):
    (tmp_path / "win_rates.csv").mkdir()
    with pytest.raises(CommandError, match=r"win_rates\.csv cannot be written: Is a directory"):
        call_command("analyze", "examples/votes/fastchat.csv", "--out", tmp_path, verbosity=0)
    assert not list((tmp_path / "win_rates.csv").iterdir())
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.fixture
def ready(db, monkeypatch):
    """A finished report of a study with three votes, and the tasks that were asked for."""
    asked = []
    monkeypatch.setattr(compute_files, "apply_async", lambda words, **_: asked.append(words[0]))
    study = make_study(raters_per_comparison=3)
    for winner in ("a", "a", "b"):
        judge_for(make_rater(study), winner)
    return compute_report_now(study=study, now=NOW), asked


def page(client, report: Report, name: str):
    return client.get(reverse("report-file", args=[report.study.report_token, name]))


@pytest.mark.django_db(transaction=True)
def test_a_figure_is_made_when_it_is_asked_for(client, ready):
    report, asked = ready
    waiting = page(client, report, "win_rates.png")
    assert (waiting.status_code, b"is being made" in waiting.content) == (202, True)
    page(client, report, "win_rates.svg")
    assert asked == [report.pk]
    compute_extras(report_id=report.pk)
    found = page(client, report, "win_rates.png")
    assert (found["Content-Type"], found.content[:4]) == ("image/png", SIGNATURES["png"])
    assert page(client, report, "win_rates.parquet").content[:4] == SIGNATURES["parquet"]
    assert b"".join(page(client, report, "report.zip").streaming_content)[:2] == b"PK"
    assert page(client, report, "nothing.png").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_making_them_again_does_nothing(ready):
    report, _ = ready
    for _ in range(2):
        compute_extras(report_id=report.pk)
    stored = Report.objects.get().extras
    assert stored.storage.listdir(f"reports/{report.study_id}")[1].count(
        f"{report.fingerprint}.zip"
    )


@pytest.mark.django_db(transaction=True)
def test_votes_that_came_since_want_a_newer_report(ready):
    report, _ = ready
    Report.objects.update(fingerprint="old")
    compute_extras(report_id=report.pk)
    assert not Report.objects.get().extras


@pytest.mark.django_db(transaction=True)
def test_judgments_stream_as_parquet(client, ready):
    report, _ = ready
    answer = client.get(reverse("report-parquet", args=[report.study.report_token]))
    found = read(answer.streaming_content)
    assert found["rater"].tolist() == study_votes(report.study)["rater"].astype(object).tolist()


def test_binary_files_are_tables_and_figures(report, votes):
    names = [name for name, _ in binary_files(report, tables_of(report, votes))]
    assert {name.rpartition(".")[2] for name in names} == {"parquet", "png", "svg", "pdf"}


NAMES = {
    "Chinese": "视频模型，第二版",
    "Traditional": "對比測試模型",
    "Japanese": "モデル比較ひらがな",
    "Korean": "비디오 모델",
    "Russian": "Модель",
    "Arabic": "نموذج",
}


def figures_with(votes, name) -> dict[str, bytes]:
    """The figures of these votes, one model of which has this name."""
    sides = ("model_a", "model_b")
    named = {side: votes[side].cat.rename_categories({"ember": name}) for side in sides}
    settings = ReportSettings("S", 3, ties_allowed=False, bootstrap_draws=20)
    return dict(figure_files(build_report(votes.assign(**named), settings=settings)))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_in_any_of_these_scripts_is_drawn_in_figures(votes, name):
    with warnings.catch_warnings():
        # Matplotlib warns of each character that its fonts lack.
        warnings.filterwarnings("error", message=".*missing from font")
        assert figures_with(votes, name)["win_rates.png"].startswith(SIGNATURES["png"])


def test_a_character_that_no_font_has_is_no_failure(votes):
    assert figures_with(votes, "\U0001f98a fox")["win_rates.png"].startswith(SIGNATURES["png"])


def test_the_machines_fonts_are_asked_for_what_the_usual_ones_lack(monkeypatch):
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontEntry, fontManager

    thai = ord("ก")
    entry = FontEntry(fname="/thai.ttf", name="Thai", style="normal")
    monkeypatch.setattr(fontManager, "ttflist", [entry])
    read = typefaces.characters_in
    monkeypatch.setattr(
        typefaces,
        "characters_in",
        lambda path: frozenset({thai}) if path == "/thai.ttf" else read(path),
    )
    monkeypatch.setattr(typefaces, "covered_by", lambda families: {ord("A")})
    figure = Figure()
    figure.text(0, 0, "A")
    assert typefaces.families_for(figure) == typefaces.usual_families()
    figure.text(0, 0, "ก")
    assert typefaces.families_for(figure) == (*typefaces.usual_families(), "Thai")
