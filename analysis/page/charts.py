"""The report's charts as plotly figures. Colours of text and lines come from the page's style."""

from __future__ import annotations

import html
from typing import Any

import plotly.graph_objects as go

from analysis.core.agreement import Agreement, SplitCount
from analysis.core.reasons import ReasonShare
from analysis.core.results import ModelPairResult, StudyReport
from analysis.page.headline import common_model, question_words, stance
from analysis.page.words import THIN, axis_words, percent, percent_interval

Figure = dict[str, Any]

# Okabe & Ito (2008), readable with every common colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x")
MODEL_COLOURS = (COLOURS[0], COLOURS[4])
SPLIT_COLOURS = (("#0072B2", "#ffffff"), ("#56B4E9", "#10202c"), ("#c9c4b8", "#10202c"))
EXACT_SPLITS = 3
ROW = 26
PIXELS_PER_LETTER = 8
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'


def win_rate_chart(report: StudyReport) -> Figure:
    """A heading per model pair, a line per axis below it: dot, interval, and n at the right.

    With a single axis the line stands beside the heading.
    """
    focus = common_model(report)
    counted = [result for result in report.results if result.win_rate.n]
    questions = list(dict.fromkeys(question_words(report, result) for result in counted))
    figure, ticks, place = go.Figure(), {}, 0
    for heading, results in by_model_pair(counted, focus).items():
        ticks[place] = f"<b>{_label(heading, 40)}</b>"
        for result in results:
            question = question_words(report, result)
            if len(questions) > 1:
                place -= 1
                ticks[place] = _label(question)
            _add_rate(figure, result, focus, place, questions.index(question))
        place -= 1
    figure.add_vline(x=50, line={"width": 1.5, "dash": "4px 3px"})
    subject = f"{_label(focus)} preferred" if focus else "First-named model preferred"
    figure.update_xaxes(title={"text": f"{subject}, % of comparisons", "standoff": 8})
    return _finished(figure, ticks, height=ROW * (1 - place) + 64, right=126, lift=13)


def agreement_chart(report: StudyReport) -> Figure:
    """One stacked bar per axis and pair: how evenly its comparisons were split."""
    results = [r for r in report.results if r.agreement.splits]
    kinds = split_kinds(report)
    figure, ticks = go.Figure(), {}
    for place, result in enumerate(results):
        ticks[-2 * place] = _label(agreement_label(report, result))
    for number, kind in enumerate(kinds):
        counts = [_kind_counts(r.agreement, kinds)[kind] for r in results]
        totals = [r.agreement.comparisons_with_two_votes for r in results]
        _add_split(figure, kind, counts, totals, *SPLIT_COLOURS[number])
    figure.update_layout(barmode="stack", showlegend=False)
    figure.update_xaxes(title={"text": "% of complete comparisons", "standoff": 8})
    return _finished(figure, ticks, height=44 * len(results) + 76, right=16, lift=32)


def reason_chart(result: ModelPairResult, words: dict[str, str]) -> Figure:
    """Two bars per reason: its share in votes for A and in votes for B."""
    figure, ticks = go.Figure(), {}
    for place, share in enumerate(result.reasons_a):
        ticks[-place] = _label(words.get(share.reason, axis_words(share.reason)), 30)
    # Plotly stacks grouped bars upwards: the last ones added stand on top.
    _add_reasons(figure, result.reasons_b, MODEL_COLOURS[1])
    _add_reasons(figure, result.reasons_a, MODEL_COLOURS[0])
    figure.update_layout(barmode="group", bargap=0.35, showlegend=False)
    figure.update_xaxes(title={"text": "% of these votes that cite the reason", "standoff": 8})
    return _finished(figure, ticks, height=46 * len(ticks) + 76, right=16, lift=32)


def split_kinds(report: StudyReport) -> list[str]:
    """Splits by name where every comparison has as many votes (5|0, 4|1, 3|2), else by kind."""
    splits = {count.split for r in report.results for count in r.agreement.splits}
    if len({sum(split) for split in splits}) == 1 and len(splits) <= EXACT_SPLITS:
        return [SplitCount(split, 0).label for split in sorted(splits, reverse=True)]
    return ["unanimous", "a majority", "no majority"] if splits else []


def _kind_counts(agreement: Agreement, kinds: list[str]) -> dict[str, int]:
    counts = dict.fromkeys(kinds, 0)
    for count in agreement.splits:
        kind = count.label if count.label in counts else _kind(count)
        counts[kind] += count.comparisons
    return counts


def split_counts(report: StudyReport, agreement: Agreement) -> list[int]:
    """Comparisons of each of `split_kinds`."""
    return list(_kind_counts(agreement, split_kinds(report)).values())


def _kind(count: SplitCount) -> str:
    if len(count.split) == 1:
        return "unanimous"
    return "a majority" if 2 * count.split[0] > sum(count.split) else "no majority"


def by_model_pair(
    results: list[ModelPairResult], focus: str | None
) -> dict[str, list[ModelPairResult]]:
    pairs: dict[str, list[ModelPairResult]] = {}
    for result in results:
        if focus:
            heading = f"vs {result.model_b if result.model_a == focus else result.model_a}"
        else:
            heading = f"{result.model_a} vs {result.model_b}"
        pairs.setdefault(heading, []).append(result)
    return pairs


def _add_rate(
    figure: go.Figure, result: ModelPairResult, focus: str | None, place: int, axis: int
) -> None:
    view = stance(result, focus or result.model_a)
    bounds = view.interval
    lower, upper = (bounds.lower, bounds.upper) if bounds else (view.rate, view.rate)
    colour = COLOURS[axis % len(COLOURS)]
    figure.add_scatter(
        x=[100 * view.rate],
        y=[place],
        mode="markers",
        marker={"size": 11, "color": colour, "symbol": SYMBOLS[axis % len(SYMBOLS)]},
        error_x={
            "array": [100 * (upper - view.rate)],
            "arrayminus": [100 * (view.rate - lower)],
            "color": colour,
            "thickness": 2.5,
            "width": 0,
        },
        hovertemplate=f"{percent(view.rate)} ({percent_interval(bounds)}), "
        f"n = {view.comparisons}<extra></extra>",
        cliponaxis=False,
        showlegend=False,
    )
    figure.add_annotation(
        text=f"{percent(view.rate)}  n{THIN}={THIN}{view.comparisons}",
        x=1.02,
        xref="paper",
        xanchor="left",
        y=place,
        showarrow=False,
        name="value",
    )


def _add_split(
    figure: go.Figure, kind: str, counts: list[int], totals: list[int], colour: str, ink: str
) -> None:
    shares = [100 * count / total for count, total in zip(counts, totals, strict=True)]
    figure.add_bar(
        x=shares,
        y=[-2 * place for place in range(len(counts))],
        orientation="h",
        width=1.0,
        name=kind,
        marker={"color": colour},
        text=[
            f"{count}" if share >= 6 else "" for count, share in zip(counts, shares, strict=True)
        ],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        textfont={"color": ink},
        hovertemplate=f"{kind}: %{{x:.1f}}{THIN}%<extra></extra>",
    )


def _add_reasons(figure: go.Figure, shares: tuple[ReasonShare, ...], colour: str) -> None:
    known = [(-place, share) for place, share in enumerate(shares) if share.share.value is not None]
    values = [100 * (share.share.value or 0) for _, share in known]
    bounds = [share.share.interval for _, share in known]
    upper = [100 * b.upper - v if b else 0 for b, v in zip(bounds, values, strict=True)]
    lower = [v - 100 * b.lower if b else 0 for b, v in zip(bounds, values, strict=True)]
    figure.add_bar(
        x=values,
        y=[place for place, _ in known],
        orientation="h",
        marker={"color": colour},
        error_x={
            "array": upper,
            "arrayminus": lower,
            "thickness": 1.5,
            "width": 3,
            "visible": any(bounds),
        },
        hovertemplate=f"%{{x:.1f}}{THIN}%<extra></extra>",
    )


def agreement_label(report: StudyReport, result: ModelPairResult) -> str:
    question = question_words(report, result)
    if len({(r.model_a, r.model_b) for r in report.results}) == 1:
        return question
    return f"{result.model_a} vs {result.model_b}, {question}"


def _finished(
    figure: go.Figure, labels: dict[int, str], *, height: int, right: int, lift: int
) -> Figure:
    """Label the lines and set what all charts share.

    Labels are annotations rather than tick labels: on a narrow screen `report.js` puts them
    `lift` pixels above their lines.
    """
    for place, label in labels.items():
        figure.add_annotation(
            text=label,
            x=0,
            xref="paper",
            xanchor="right",
            xshift=-10,
            y=place,
            showarrow=False,
            name="label",
        )
    figure.update_xaxes(range=[-0.5, 100.5], dtick=25, fixedrange=True, zeroline=False)
    places = [min(labels) - 0.9, max(labels) + 0.9]
    figure.update_yaxes(range=places, fixedrange=True, visible=False)
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 24 + _longest(labels), "r": right, "t": 12, "b": 52},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 14},
        hoverlabel={"font": {"family": FONT}},
        xaxis_title_font_size=14,
        meta={"lift": lift},
    )
    content: Figure = figure.to_plotly_json()
    content["layout"]["template"] = {}
    return content


def _longest(labels: dict[int, str]) -> int:
    """Pixels of the widest label; bold letters are wider."""
    return max(map(_width, labels.values()))


def _width(label: str) -> int:
    is_bold = label.startswith("<b>")
    letters = len(html.unescape(label.removeprefix("<b>").removesuffix("</b>")))
    return letters * (PIXELS_PER_LETTER + is_bold)


def _label(text: str | None, limit: int = 26) -> str:
    """Text as plotly shows it: plotly reads tags in labels, so they are escaped; long ones cut."""
    words = text or ""
    return html.escape(words if len(words) <= limit else f"{words[: limit - 1]}…", quote=False)
