"""Figures for a paper as PNG, SVG and PDF: the report's charts without a browser.

One column wide (ACM and IEEE: about 3.4 inches), the same bytes for the same report.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from math import nan
from typing import TYPE_CHECKING, Any

from analysis.core.estimates import Estimate
from analysis.core.ranking_report import AxisRanking
from analysis.core.reasons import ReasonShare
from analysis.core.results import ModelPairResult, StudyReport
from analysis.files.typefaces import columns_of, families_for, usual_families
from analysis.page import charts
from analysis.page.drawings import WIN_RATES, drawings
from analysis.page.headline import stance
from analysis.page.limits import MODELS_SHOWN
from analysis.page.matrices import STEP_BOUNDS, STEP_COLOURS, Matrix, MatrixCell, win_rate_matrices
from analysis.page.outline import Outline, outline_of
from analysis.page.words import decimal, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
WIDTH, WIDE, ROW, MARGINS = 3.4, 7.0, 0.2, 0.55
# A matrix of more models takes both columns; its cells have room for numbers up to the second.
NARROW_MODELS, NUMBERED_MODELS = 12, 25
WORDS = 22
INK, FAINT = "#222222", "#8a8a8a"
MARKERS = ("o", "D", "s", "^", "P", "X")
STYLE: Any = {
    "text.parse_math": False,
    "font.size": 7,
    "axes.linewidth": 0.6,
    "axes.edgecolor": FAINT,
    "xtick.major.width": 0.6,
    "xtick.color": INK,
    "text.color": INK,
    "svg.hashsalt": "juice",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "savefig.dpi": 300,
}
# Without the moment of making, and the version of the library.
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
}


def figure_files(report: StudyReport) -> Iterator[tuple[str, bytes]]:
    """Every figure in every format, by the names of their files."""
    from matplotlib import rc_context

    outline = outline_of(report)
    for name, subject in drawings(outline):
        with rc_context(STYLE | {"font.family": usual_families()}):
            figure = _drawn(outline, name, subject)
        families = families_for(figure)
        with rc_context(STYLE | {"font.family": families}):
            if families != usual_families():
                figure = _drawn(outline, name, subject)
            for form in FORMATS:
                yield f"{name}.{form}", _written(figure, form)


def _drawn(outline: Outline, name: str, subject: ModelPairResult | AxisRanking | None) -> Figure:
    if isinstance(subject, ModelPairResult):
        return reason_figure(outline.report, subject)
    if isinstance(subject, AxisRanking):
        return ranking_figure(subject)
    if name != WIN_RATES:
        return agreement_figure(outline)
    if outline.as_matrix:
        return matrix_figure(win_rate_matrices(outline))
    return win_rate_figure(outline)


def win_rate_figure(outline: Outline) -> Figure:
    """A row per pair and question: dot, 95 % interval, a line at 50 %, and n at the right."""
    focus = outline.focus
    kinds = {question: kind for kind, question in enumerate(outline.questions)}
    rows: list[tuple[str, ModelPairResult | None]] = []
    for pair, results in charts.by_model_pair(outline.charted(), focus).items():
        if len(kinds) > 1:
            rows.append((pair, None))
            rows += [(f"  {outline.question(one)}", one) for one in results]
        else:
            rows += [(pair, one) for one in results]
    figure, axes = _canvas(len(rows))
    axes.axvline(50, color=FAINT, linewidth=0.8, linestyle=(0, (3, 2)), zorder=0)
    for place, (_, result) in enumerate(rows):
        if result is not None:
            view = stance(result, focus or result.model_a)
            kind = kinds[outline.question(result)]
            estimate = Estimate(view.rate, interval=view.interval)
            _add_point(axes, place, estimate, kind, scale=100)
            _add_value(axes, place, f"{percent(view.rate)}  n = {view.comparisons}")
    _label_rows(
        axes, [label for label, _ in rows], bold={p for p, row in enumerate(rows) if not row[1]}
    )
    _percent_axis(axes, f"{_clipped(focus)} preferred, %" if focus else "First-named preferred, %")
    return figure


def matrix_figure(matrices: Sequence[Matrix]) -> Figure:
    """Models x models for each question: the win rate of the row, in bold where it is clear."""
    from matplotlib.figure import Figure

    side = WIDTH if max(len(one.rows) for one in matrices) <= NARROW_MODELS else WIDE
    figure = Figure(figsize=(side, (side + MARGINS) * len(matrices)), layout="constrained")
    for axes, matrix in zip(
        figure.subplots(len(matrices), squeeze=False)[:, 0], matrices, strict=True
    ):
        _add_matrix(axes, matrix)
        words = f"{matrix.question}, %: {matrix.order}"
        axes.set_title(textwrap.fill(words, int(16 * side)), fontsize=7, loc="left")
    return figure


def agreement_figure(outline: Outline) -> Figure:
    """A stacked bar per pair and question: how evenly its comparisons were split."""
    bars, kinds = outline.split_bars(), outline.split_kinds
    figure, axes = _canvas(len(bars) + 1)
    for place, bar in enumerate(bars, start=1):
        left = 0.0
        for count, (colour, ink) in zip(bar.counts, charts.SPLIT_COLOURS, strict=False):
            width = 100 * count / max(bar.total, 1)
            axes.barh(place, width, left=left, height=0.7, color=colour, linewidth=0)
            if width >= 8:
                axes.text(left + width / 2, place, str(count), ha="center", va="center", color=ink)
            left += width
    for number, kind in enumerate(kinds):
        colour = charts.SPLIT_COLOURS[number][0]
        axes.scatter(2 + 34 * number, 0, s=22, marker="s", color=colour, clip_on=False)
        axes.text(6 + 34 * number, 0, kind, va="center")
    _label_rows(axes, ["", *[bar.label for bar in bars]])
    _percent_axis(axes, "% of complete comparisons", right=0.0)
    return figure


def reason_figure(report: StudyReport, result: ModelPairResult) -> Figure:
    """Two bars per reason: its share of the votes for A and of those for B, with intervals."""
    words = _reason_words(report, result)
    figure, axes = _canvas(2 * len(result.reasons_a) + 2)
    sides = ((result.model_a, result.reasons_a, 0.0), (result.model_b, result.reasons_b, 0.8))
    for (model, shares, shift), colour in zip(sides, charts.MODEL_COLOURS, strict=True):
        place = 2 * len(shares) + shift if shift == 0 else 2 * len(shares) + 1
        axes.scatter(2, place, s=22, marker="s", color=colour, clip_on=False)
        axes.text(6, place, f"votes for {_clipped(model)}", va="center")
        for row, share in enumerate(shares):
            _add_bar(axes, 2 * row + shift, share, colour)
    _label_rows(
        axes, [words.get(one.reason, one.reason) for one in result.reasons_a], step=2, at=0.4
    )
    _percent_axis(axes, "% of these votes that cite the reason", right=0.0)
    return figure


def ranking_figure(ranking: AxisRanking) -> Figure:
    """A row per model, the strongest first: rating on the Elo scale with its interval."""
    ranked = sorted(ranking.models, key=lambda one: (one.island, -(one.rating.value or 0)))
    models = ranked[:MODELS_SHOWN]
    figure, axes = _canvas(len(models))
    for place, model in enumerate(models):
        _add_point(axes, place, model.rating, model.island, scale=1)
        ranks = (
            "" if model.best_rank is None else f"rank {_span(model.best_rank, model.worst_rank)}"
        )
        _add_value(axes, place, f"{decimal(model.rating.value, 0)}  {ranks}".rstrip())
    _label_rows(axes, [model.model for model in models])
    shown = f"\nthe {len(models)} highest of {len(ranked):,} models" if models != ranked else ""
    axes.set_xlabel(f"Rating (Elo scale), 95 % interval{shown}")
    axes.margins(x=0.06)
    return figure


def _add_matrix(axes: Axes, matrix: Matrix) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap

    rates = [[100 * cell.rate if cell else nan for cell in row.cells] for row in matrix.rows]
    colours = ListedColormap([fill for fill, _ in STEP_COLOURS])
    norm = BoundaryNorm((0, *STEP_BOUNDS, 100), colours.N, clip=True)
    axes.imshow(rates, colours, norm, interpolation="none")
    numbered = len(matrix.rows) <= NUMBERED_MODELS
    for place, row in enumerate(matrix.rows):
        for column, cell in enumerate(row.cells):
            if cell and numbered:
                _add_number(axes, column, place, cell)
            elif cell and cell.clear:
                axes.plot(column, place, "o", color=STEP_COLOURS[cell.step][1], markersize=2)
    axes.set_xlabel(
        "Win rate of the row: blue won, orange lost, grey near 50 %\n"
        f"{'bold' if numbered else 'with a dot'}: its interval excludes 50 %",
        fontsize=6,
    )
    places, names = range(len(matrix.rows)), [_shortened(model) for model in matrix.models]
    axes.set_xticks(places, names, rotation=90, fontsize=6)
    axes.set_yticks(places, names, fontsize=6)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _add_number(axes: Axes, column: int, place: int, cell: MatrixCell) -> None:
    axes.text(
        column,
        place,
        cell.words,
        ha="center",
        va="center",
        fontsize=6,
        fontweight="bold" if cell.clear else "normal",
        color=STEP_COLOURS[cell.step][1],
    )


def _canvas(rows: int) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, ROW * rows + MARGINS), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    axes.set_ylim(rows - 0.4, -0.6)
    return figure, axes


def _label_rows(
    axes: Axes, labels: list[str], *, step: int = 1, at: float = 0, bold: set[int] | None = None
) -> None:
    axes.set_yticks([step * place + at for place in range(len(labels))])
    texts = axes.set_yticklabels([_clipped(label, WORDS + 2) for label in labels], ha="right")
    for place in bold or set():
        texts[place].set_fontweight("bold")


def _percent_axis(axes: Axes, words: str, right: float = 0.0) -> None:
    axes.set_xlim(0, 100 + right)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel(words)


def _add_point(axes: Axes, place: int, estimate: Estimate, kind: int, *, scale: float) -> None:
    if estimate.value is None:
        return
    colour, marker = charts.COLOURS[kind % len(charts.COLOURS)], MARKERS[kind % len(MARKERS)]
    if estimate.interval is not None:
        bounds = [scale * estimate.interval.lower, scale * estimate.interval.upper]
        axes.plot(bounds, [place, place], color=colour, linewidth=1.3, solid_capstyle="butt")
    axes.plot(
        scale * estimate.value, place, marker=marker, color=colour, markersize=4, clip_on=False
    )


def _add_value(axes: Axes, place: int, words: str) -> None:
    axes.text(1.03, place, words, transform=axes.get_yaxis_transform(), va="center")


def _add_bar(axes: Axes, place: float, share: ReasonShare, colour: str) -> None:
    value, interval = share.share.value, share.share.interval
    if value is None:
        return
    axes.barh(place, 100 * value, height=0.7, color=colour, linewidth=0)
    if interval is not None:
        bounds = [100 * interval.lower, 100 * interval.upper]
        axes.plot(bounds, [place, place], color=INK, linewidth=0.8)


def _reason_words(report: StudyReport, result: ModelPairResult) -> dict[str, str]:
    asked = next((axis for axis in report.axes if axis.key == result.axis), None)
    return dict(asked.reasons) if asked else {}


def _span(first: int, last: int | None) -> str:
    return str(first) if last in (None, first) else f"{first} to {last}"


def _clipped(text: str | None, letters: int = WORDS) -> str:
    words = text or ""
    narrow = max(1, letters * len(words) // max(1, columns_of(words)))
    return textwrap.fill(words, narrow, max_lines=2, placeholder="…")


def _shortened(text: str) -> str:
    """On one line, no longer than a line of other labels."""
    return text if len(text) <= WORDS else f"{text[: WORDS - 1]}…"


def _written(figure: Figure, form: str) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, metadata=METADATA[form])
    return buffer.getvalue()
