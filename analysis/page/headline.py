"""The sentences that answer the question of a report."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.core.columns import DEFAULT_AXIS
from analysis.core.estimates import Interval
from analysis.core.results import ModelPairResult, StudyReport
from analysis.core.sequential import Stop
from analysis.core.stopping import StoppingState
from analysis.page.outline import Outline, outline_of
from analysis.page.words import THIN, percent, percent_interval, rounded


@dataclass(frozen=True, slots=True)
class Sentence:
    """What was found, and in brackets how sure it is."""

    finding: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.finding} ({self.detail})." if self.detail else f"{self.finding}."


@dataclass(frozen=True, slots=True)
class Stance:
    """A result as seen by one of its two models, over n comparisons."""

    model: str
    opponent: str
    rate: float
    interval: Interval | None
    comparisons: int

    @property
    def clear(self) -> bool:
        return self.interval is not None and self.interval.lower > 0.5

    @property
    def clearly_lost(self) -> bool:
        return self.interval is not None and self.interval.upper < 0.5


@dataclass(frozen=True, slots=True)
class Standing:
    """One model against all that it met."""

    views: list[Stance]

    @property
    def won(self) -> int:
        return sum(view.clear for view in self.views)

    @property
    def lost(self) -> int:
        return sum(view.clearly_lost for view in self.views)

    @property
    def lead(self) -> tuple[float, float]:
        """Clear wins less clear losses, and the mean win rate, both per opponent."""
        met = len(self.views)
        return (self.won - self.lost) / met, sum(view.rate for view in self.views) / met


def stance(result: ModelPairResult, model: str) -> Stance:
    """The result as win rate of `model`, one of the pair. Needs a complete comparison."""
    shown = result.headline
    if shown.value is None:
        raise ValueError("no complete comparison")
    if model == result.model_a:
        return Stance(model, result.model_b, shown.value, shown.interval, shown.comparisons)
    mirrored = shown.interval and Interval(
        1 - shown.interval.upper, 1 - shown.interval.lower, shown.interval.method
    )
    return Stance(model, result.model_a, 1 - shown.value, mirrored, shown.comparisons)


def headline(report: StudyReport) -> list[Sentence]:
    """The answer, one sentence per axis."""
    return sentences(outline_of(report))


def sentences(outline: Outline) -> list[Sentence]:
    """The headline of a report whose outline is known."""
    report = outline.report
    if not report.has_results:
        return [Sentence("No comparison has all its votes yet")]
    if not outline.several_model_pairs:
        *others, last = [_model_pair_sentence(outline, result) for result in outline.counted]
        return [*others, Sentence(last.finding, f"{last.detail}; {panel_words(report)}")]
    asked: dict[str, list[ModelPairResult]] = {}
    for result in outline.counted:
        asked.setdefault(outline.question(result), []).append(result)
    *others, last = [
        _standings_sentence(question, results, outline.focus) for question, results in asked.items()
    ]
    meaning = f"clearly: the {interval_words(report)} of its win rate is above 50{THIN}%"
    return [*others, Sentence(last.finding, "; ".join(filter(None, [last.detail, meaning])))]


def prefixed_headline(report: StudyReport) -> str:
    """The headline as one text, "Simulated votes" in front where they are."""
    text = " ".join(map(str, headline(report)))
    return f"Simulated votes: {text}" if report.settings.simulated else text


def counted_noun(report: StudyReport, result: ModelPairResult) -> str:
    """What n counts: prompts where each has one comparison, else comparisons."""
    one_each = result.win_rate.n <= result.prompts and report.panel.prompts < report.panel.votes
    return "prompts" if one_each else "comparisons"


def interval_words(report: StudyReport) -> str:
    return f"{_confidence(report)} interval{'' if report.single_look else ' at any look'}"


def panel_words(report: StudyReport) -> str:
    votes = report.settings.min_votes
    if votes == 1:
        return "this panel, one vote or more per comparison"
    return f"this panel of {votes} raters per comparison"


def _model_pair_sentence(outline: Outline, result: ModelPairResult) -> Sentence:
    report = outline.report
    view, other = (stance(result, model) for model in (result.model_a, result.model_b))
    if other.clear:
        view = other
    question = outline.question(result)
    count = f"{percent(view.rate)} of {view.comparisons} {counted_noun(report, result)}"
    interval = percent_interval(view.interval)
    detail = f"{interval_words(report)} {interval}" if interval else "too few for an interval"
    if result.win_rate.ties and report.single_look:
        detail += f"; {result.win_rate.ties} ties count half"
    if view.clear:
        return Sentence(f"{view.model} was preferred {_on(question)} in {count}", detail)
    rest = "" if result.win_rate.ties else f", {view.opponent} in the rest"
    return Sentence(f"No clear preference {_on(question)}: {view.model} in {count}{rest}", detail)


def stop_words(state: StoppingState) -> str:
    """What the always-valid rule says of one result."""
    if state.stop == Stop.WINNER:
        return f"may stop: a winner after {state.looked_at}"
    if state.stop == Stop.PRECISE:
        return f"may stop: precise enough after {state.looked_at}"
    if state.stop == Stop.FUTILE:
        return f"may stop: all {state.looked_at} planned, no winner"
    return "goes on"


def _standings_sentence(
    question: str, results: list[ModelPairResult], focus: str | None
) -> Sentence:
    standings = _standings(results)
    if not any(standing.won for standing in standings.values()):
        return Sentence(f"{_start(question)}, no model was clearly preferred over another")
    leader = focus or max(standings, key=lambda model: standings[model].lead)
    standing = standings[leader]
    finding = (
        f"{_start(question)}, {leader} was clearly preferred over "
        f"{standing.won} of {len(standing.views)} models it met"
    )
    if standing.lost:
        finding += f", and {standing.lost} clearly over it"
    return Sentence(finding, f"win rates {_span([view.rate for view in standing.views])}")


def _on(question: str) -> str:
    return question if question == DEFAULT_AXIS else f"on {question}"


def _start(question: str) -> str:
    words = _on(question)
    return words[0].upper() + words[1:]


def _standings(results: list[ModelPairResult]) -> dict[str, Standing]:
    """Every model by name, with the results in which it takes part."""
    views: dict[str, list[Stance]] = {}
    for result in results:
        for model in (result.model_a, result.model_b):
            views.setdefault(model, []).append(stance(result, model))
    return {model: Standing(views[model]) for model in sorted(views)}


def _span(rates: list[float]) -> str:
    if len(rates) == 1:
        return percent(rates[0])
    return f"{rounded(100 * min(rates), 1)} to {percent(max(rates))}"


def _confidence(report: StudyReport) -> str:
    return f"{100 * report.settings.confidence:g}{THIN}%"
