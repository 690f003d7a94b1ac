"""The report's charts as plotly reads them. Colours of text and lines are the page's style."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

from analysis.core.reasons import ReasonShare
from analysis.core.results import ModelPairResult
from analysis.page.headline import Stance, stance
from analysis.page.outline import Outline, SplitBar
from analysis.page.words import THIN, axis_words, percent, percent_interval

Figure = dict[str, Any]

# Okabe & Ito (2008), readable with every common colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x")
MODEL_COLOURS = (COLOURS[0], COLOURS[4])
SPLIT_COLOURS = (("#0072B2", "#ffffff"), ("#56B4E9", "#10202c"), ("#c9c4b8", "#10202c"))
ROW = 26
PIXELS_PER_LETTER = 8
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'
HALF = {
    "line": {"dash": "4px 3px", "width": 1.5},
    "type": "line",
    "x0": 50,
    "x1": 50,
    "xref": "x",
    "y0": 0,
    "y1": 1,
    "yref": "y domain",
}


def win_rate_chart(outline: Outline) -> Figure:
    """A heading per model pair, a line per axis below it: dot, interval, and n at the right.

    With a single axis the line stands beside the heading.
    """
    focus = outline.focus
    kinds = {question: kind for kind, question in enumerate(outline.questions)}
    traces, values, ticks, place = [], [], {}, 0
    for heading, results in by_model_pair(outline.charted(), focus).items():
        ticks[place] = f"<b>{_label(heading, 40)}</b>"
        for result in results:
            question = outline.question(result)
            if len(kinds) > 1:
                place -= 1
                ticks[place] = _label(question)
            view = stance(result, focus or result.model_a)
            traces.append(_rate(view, place, kinds[question]))
            values.append(_value(view, place))
        place -= 1
    subject = f"{_label(focus)} preferred" if focus else "First-named model preferred"
    layout = {
        "annotations": [*values, *_labels(ticks)],
        "shapes": [HALF],
        "xaxis": _percent_axis(f"{subject}, % of comparisons"),
    }
    return _finished(traces, layout, ticks, height=ROW * (1 - place) + 64, right=126, lift=13)


def agreement_chart(outline: Outline) -> Figure:
    """One stacked bar per axis and pair: how evenly its comparisons were split."""
    bars = outline.split_bars()
    ticks = {-2 * place: _label(bar.label) for place, bar in enumerate(bars)}
    traces = [
        _split(kind, number, bars, *SPLIT_COLOURS[number])
        for number, kind in enumerate(outline.split_kinds)
    ]
    layout = {
        "barmode": "stack",
        "showlegend": False,
        "xaxis": _percent_axis("% of complete comparisons"),
        "annotations": _labels(ticks),
    }
    return _finished(traces, layout, ticks, height=44 * len(bars) + 76, right=16, lift=32)


def reason_chart(result: ModelPairResult, words: dict[str, str]) -> Figure:
    """Two bars per reason: its share in votes for A and in votes for B."""
    ticks = {
        -place: _label(words.get(share.reason, axis_words(share.reason)), 30)
        for place, share in enumerate(result.reasons_a)
    }
    # Plotly stacks grouped bars upwards: the last ones added stand on top.
    traces = [
        _reasons(result.reasons_b, MODEL_COLOURS[1]),
        _reasons(result.reasons_a, MODEL_COLOURS[0]),
    ]
    layout = {
        "barmode": "group",
        "bargap": 0.35,
        "showlegend": False,
        "xaxis": _percent_axis("% of these votes that cite the reason"),
        "annotations": _labels(ticks),
    }
    return _finished(traces, layout, ticks, height=46 * len(ticks) + 76, right=16, lift=32)


def by_model_pair(
    results: Iterable[ModelPairResult], focus: str | None
) -> dict[str, list[ModelPairResult]]:
    pairs: dict[str, list[ModelPairResult]] = {}
    for result in results:
        if focus:
            heading = f"vs {result.model_b if result.model_a == focus else result.model_a}"
        else:
            heading = f"{result.model_a} vs {result.model_b}"
        pairs.setdefault(heading, []).append(result)
    return pairs


def _rate(view: Stance, place: int, axis: int) -> dict[str, Any]:
    bounds = view.interval
    lower, upper = (bounds.lower, bounds.upper) if bounds else (view.rate, view.rate)
    colour = COLOURS[axis % len(COLOURS)]
    return {
        "cliponaxis": False,
        "error_x": {
            "array": [100 * (upper - view.rate)],
            "arrayminus": [100 * (view.rate - lower)],
            "color": colour,
            "thickness": 2.5,
            "width": 0,
        },
        "hovertemplate": f"{percent(view.rate)} ({percent_interval(bounds)}), "
        f"n = {view.comparisons}<extra></extra>",
        "marker": {"color": colour, "size": 11, "symbol": SYMBOLS[axis % len(SYMBOLS)]},
        "mode": "markers",
        "showlegend": False,
        "x": [100 * view.rate],
        "y": [place],
        "type": "scatter",
    }


def _value(view: Stance, place: int) -> dict[str, Any]:
    return {
        "name": "value",
        "showarrow": False,
        "text": f"{percent(view.rate)}  n{THIN}={THIN}{view.comparisons}",
        "x": 1.02,
        "xanchor": "left",
        "xref": "paper",
        "y": place,
    }


def _split(
    kind: str, number: int, bars: Sequence[SplitBar], colour: str, ink: str
) -> dict[str, Any]:
    counts = [bar.counts[number] for bar in bars]
    shares = [100 * count / bar.total for count, bar in zip(counts, bars, strict=True)]
    return {
        "hovertemplate": f"{kind}: %{{x:.1f}}{THIN}%<extra></extra>",
        "insidetextanchor": "middle",
        "marker": {"color": colour},
        "name": kind,
        "orientation": "h",
        "text": [
            f"{count}" if share >= 6 else "" for count, share in zip(counts, shares, strict=True)
        ],
        "textangle": 0,
        "textfont": {"color": ink},
        "textposition": "inside",
        "width": 1.0,
        "x": shares,
        "y": [-2 * place for place in range(len(counts))],
        "type": "bar",
    }


def _reasons(shares: tuple[ReasonShare, ...], colour: str) -> dict[str, Any]:
    known = [(-place, share) for place, share in enumerate(shares) if share.share.value is not None]
    values = [100 * (share.share.value or 0) for _, share in known]
    bounds = [share.share.interval for _, share in known]
    upper = [100 * b.upper - v if b else 0 for b, v in zip(bounds, values, strict=True)]
    lower = [v - 100 * b.lower if b else 0 for b, v in zip(bounds, values, strict=True)]
    return {
        "error_x": {
            "array": upper,
            "arrayminus": lower,
            "thickness": 1.5,
            "visible": any(bounds),
            "width": 3,
        },
        "hovertemplate": f"%{{x:.1f}}{THIN}%<extra></extra>",
        "marker": {"color": colour},
        "orientation": "h",
        "x": values,
        "y": [place for place, _ in known],
        "type": "bar",
    }


def _percent_axis(words: str) -> dict[str, Any]:
    return {
        "title": {"text": words, "standoff": 8, "font": {"size": 14}},
        "range": [-0.5, 100.5],
        "dtick": 25,
        "fixedrange": True,
        "zeroline": False,
    }


def _labels(labels: dict[int, str]) -> list[dict[str, Any]]:
    """The names of lines, by their places.

    They are annotations rather than tick labels: on a narrow screen `report.js` puts them `lift`
    pixels above their lines.
    """
    return [
        {
            "name": "label",
            "showarrow": False,
            "text": label,
            "x": 0,
            "xanchor": "right",
            "xref": "paper",
            "xshift": -10,
            "y": place,
        }
        for place, label in labels.items()
    ]


def _finished(
    traces: list[dict[str, Any]],
    layout: dict[str, Any],
    labels: dict[int, str],
    *,
    height: int,
    right: int,
    lift: int,
) -> Figure:
    """A figure with what all charts share."""
    places = [min(labels) - 0.9, max(labels) + 0.9]
    shared = {
        "yaxis": {"range": places, "fixedrange": True, "visible": False},
        "margin": {"l": 24 + _longest(labels), "r": right, "t": 12, "b": 52},
        "font": {"family": FONT, "size": 14},
        "hoverlabel": {"font": {"family": FONT}},
        "height": height,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "meta": {"lift": lift},
    }
    return {"data": traces, "layout": {"template": {}, **layout, **shared}}


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
