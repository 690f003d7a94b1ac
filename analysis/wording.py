"""The report in words: numbers as text, and the sentence that answers the question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from analysis.core.estimates import Estimate, Interval, Undefined
from analysis.core.report import PairResult, Report
from analysis.core.sequential import Stop
from analysis.core.stopping import StoppingPlan, StoppingRule, StoppingState
from analysis.core.votes import DEFAULT_AXIS

THIN = "\u202f"
WHY_UNDEFINED = {
    Undefined.NO_VOTES: "no votes",
    Undefined.NO_VARIATION: "undefined: all votes are alike",
    Undefined.FEWER_THAN_TWO_VOTES: "needs two votes per comparison",
    Undefined.TOO_FEW_CLUSTERS: "too few prompts for an interval",
    Undefined.NOT_CONNECTED: "never compared, not even through others",
    Undefined.SEPARATED: "no bound: one side won every vote",
    Undefined.INTERIM: "comes with the planned number",
    Undefined.UNKNOWN_RATERS: "the votes do not say who judged",
}


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


def percent(share: float | None) -> str:
    return "–" if share is None else f"{_rounded(100 * share, 1)}{THIN}%"


def decimal(value: float | None, places: int = 2) -> str:
    return "–" if value is None else _rounded(value, places).replace("-", "−")


def p_value(p: float | None) -> str:
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def percent_interval(interval: Interval | None) -> str:
    """Both bounds in percent, such as `67.0 to 86.7`; empty without an interval."""
    if interval is None:
        return ""
    return f"{_rounded(100 * interval.lower, 1)} to {_rounded(100 * interval.upper, 1)}"


def decimal_interval(interval: Interval | None) -> str:
    return "" if interval is None else f"{decimal(interval.lower)} to {decimal(interval.upper)}"


def why_undefined(estimate: Estimate) -> str:
    return WHY_UNDEFINED[estimate.undefined] if estimate.undefined else ""


def listed(names: Sequence[str]) -> str:
    """Such as `A, B and C`."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def time_words(moment: str | None) -> str:
    """An ISO time as people read it; empty without one."""
    return (moment or "").replace("T", " ").replace("+00:00", " UTC")


def axis_words(key: str) -> str:
    return key.replace("_", " ").replace("-", " ")


def question_words(report: Report, result: PairResult) -> str:
    """The axis, with its protocol where the votes come from several."""
    words = axis_words(result.axis)
    several = len({other.protocol for other in report.results}) > 1
    return f"{words}, {result.protocol or 'no protocol'}" if several else words


def common_model(report: Report) -> str | None:
    """The model that takes part in every pair, the first-named one if two do."""
    pairs = dict.fromkeys((result.model_a, result.model_b) for result in report.results)
    appearances = Counter(model for pair in pairs for model in pair)
    return next((model for model, n in appearances.items() if n == len(pairs)), None)


def stance(result: PairResult, model: str) -> Stance:
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


def headline(report: Report) -> list[Sentence]:
    """The answer, one sentence per axis."""
    if not report.has_results:
        return [Sentence("No comparison has all its votes yet")]
    pairs = {(result.model_a, result.model_b) for result in report.results}
    counted = [result for result in report.results if result.win_rate.n]
    if len(pairs) == 1:
        *others, last = [_pair_sentence(report, result) for result in counted]
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


def prefixed_headline(report: Report) -> str:
    """The headline as one text, "Simulated votes" in front where they are."""
    text = " ".join(map(str, headline(report)))
    return f"Simulated votes: {text}" if report.settings.simulated else text


def counted_noun(report: Report, result: PairResult) -> str:
    """What n counts: prompts where each has one comparison, else comparisons."""
    one_each = result.win_rate.n <= result.prompts and report.panel.prompts < report.panel.votes
    return "prompts" if one_each else "comparisons"


def interval_words(report: Report) -> str:
    return f"{_confidence(report)} interval{'' if report.single_look else ' at any look'}"


def panel_words(report: Report) -> str:
    votes = report.settings.min_votes
    if votes == 1:
        return "this panel, one vote or more per comparison"
    return f"this panel of {votes} raters per comparison"


def _pair_sentence(report: Report, result: PairResult) -> Sentence:
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


def plan_words(plan: StoppingPlan, planned: int | None) -> str:
    """What was planned, as a sentence without its full stop."""
    number = f"{planned} comparisons per pair of models" if planned else "no number of comparisons"
    if plan.rule == StoppingRule.FIXED:
        return f"{number}, read once: when they are complete, or when the study is closed"
    precise = f", or is no wider than {200 * plan.half_width:g} points" if plan.half_width else ""
    return (
        f"{number} at most; after {plan.minimum} the study may stop whenever an always-valid "
        f"interval excludes 50{THIN}%{precise} (alpha {plan.alpha:g}, shared by all pairs and "
        "questions)"
    )


def stop_words(state: StoppingState) -> str:
    """What the always-valid rule says of one result."""
    if state.stop == Stop.WINNER:
        return f"may stop: a winner after {state.looked_at}"
    if state.stop == Stop.PRECISE:
        return f"may stop: precise enough after {state.looked_at}"
    if state.stop == Stop.FUTILE:
        return f"may stop: all {state.looked_at} planned, no winner"
    return "goes on"


def _standings_sentence(question: str, results: list[PairResult], focus: str | None) -> Sentence:
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


def _stances(results: list[PairResult], model: str) -> list[Stance]:
    return [stance(r, model) for r in results if model in (r.model_a, r.model_b)]


def _span(rates: list[float]) -> str:
    if len(rates) == 1:
        return percent(rates[0])
    return f"{_rounded(100 * min(rates), 1)} to {percent(max(rates))}"


def _confidence(report: Report) -> str:
    return f"{100 * report.settings.confidence:g}{THIN}%"


def _rounded(value: float, places: int) -> str:
    """Rounded as written in decimals, halves to the even digit: both shares of a pair add up.

    Fifteen digits first, so that 3/2000 is 0.15 and not the binary number just below.
    """
    exact = Decimal(f"{value:.15g}").quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    text = f"{exact:f}"
    return text.removeprefix("-") if float(text) == 0 else text
