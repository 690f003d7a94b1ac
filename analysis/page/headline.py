"""The sentences that answer the question of a report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from analysis.core.columns import DEFAULT_AXIS
from analysis.core.estimates import Interval
from analysis.core.results import ModelPairResult, StudyReport
from analysis.core.sequential import Stop
from analysis.core.stopping import StoppingState
from analysis.page.words import THIN, axis_words, percent, percent_interval, rounded


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


def question_words(report: StudyReport, result: ModelPairResult) -> str:
    """The axis, with its protocol where the votes come from several."""
    words = axis_words(result.axis)
    several = len({other.protocol for other in report.results}) > 1
    return f"{words}, {result.protocol or 'no protocol'}" if several else words


def common_model(report: StudyReport) -> str | None:
    """The model that takes part in every pair, the first-named one if two do."""
    pairs = dict.fromkeys((result.model_a, result.model_b) for result in report.results)
    appearances = Counter(model for pair in pairs for model in pair)
    return next((model for model, n in appearances.items() if n == len(pairs)), None)


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
    if not report.has_results:
        return [Sentence("No comparison has all its votes yet")]
    pairs = {(result.model_a, result.model_b) for result in report.results}
    counted = [result for result in report.results if result.win_rate.n]
    if len(pairs) == 1:
        *others, last = [_model_pair_sentence(report, result) for result in counted]
        return [*others, Sentence(last.finding, f"{last.detail}; {panel_words(report)}")]
    questions = dict.fromkeys(question_words(report, result) for result in counted)
    *others, last = [
        _standings_sentence(
            question,
            [result for result in counted if question_words(report, result) == question],
            common_model(report),
        )
        for question in questions
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


def _model_pair_sentence(report: StudyReport, result: ModelPairResult) -> Sentence:
    view, other = (stance(result, model) for model in (result.model_a, result.model_b))
    if other.clear:
        view = other
    question = question_words(report, result)
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
    models = {model for result in results for model in (result.model_a, result.model_b)}
    standings = {model: Standing(_stances(results, model)) for model in sorted(models)}
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


def _stances(results: list[ModelPairResult], model: str) -> list[Stance]:
    return [stance(r, model) for r in results if model in (r.model_a, r.model_b)]


def _span(rates: list[float]) -> str:
    if len(rates) == 1:
        return percent(rates[0])
    return f"{rounded(100 * min(rates), 1)} to {percent(max(rates))}"


def _confidence(report: StudyReport) -> str:
    return f"{100 * report.settings.confidence:g}{THIN}%"
