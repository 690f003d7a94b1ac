"""Numbers and names in words."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from analysis.core.estimates import Estimate, Interval, Undefined
from analysis.core.settings import (
    AmendmentKind,
    ProtocolAmendment,
    StoppingPlan,
    StoppingRule,
)

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


def percent(share: float | None) -> str:
    return "–" if share is None else f"{rounded(100 * share, 1)}{THIN}%"


def decimal(value: float | None, places: int = 2) -> str:
    return "–" if value is None else rounded(value, places).replace("-", "−")


def whole(number: int) -> str:
    """A count with its thousands apart, such as `95,000`."""
    return f"{number:,}"


def p_value(p: float | None) -> str:
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def percent_interval(interval: Interval | None) -> str:
    """Both bounds in percent, such as `67.0 to 86.7`; empty without an interval."""
    if interval is None:
        return ""
    return f"{rounded(100 * interval.lower, 1)} to {rounded(100 * interval.upper, 1)}"


def decimal_interval(interval: Interval | None, places: int = 2) -> str:
    if interval is None:
        return ""
    return f"{decimal(interval.lower, places)} to {decimal(interval.upper, places)}"


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


def rounded(value: float, places: int) -> str:
    """Rounded as written in decimals, halves to the even digit: both shares of a pair add up.

    Fifteen digits first, so that 3/2000 is 0.15 and not the binary number just below.
    """
    exact = Decimal(f"{value:.15g}").quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    text = f"{exact:f}"
    return text.removeprefix("-") if float(text) == 0 else text


def amendment_words(change: ProtocolAmendment) -> str:
    """What was changed, as a sentence."""
    what = change.what
    match change.kind:
        case AmendmentKind.MORE_RATERS:
            return f"More raters per comparison: {what[1]} instead of {what[0]}."
        case AmendmentKind.MORE_PROMPTS:
            return f"{counted(len(what), 'prompt')} added: {shortened(what)}."
        case AmendmentKind.CORRECTED:
            return f"A prompt's text corrected, from “{what[0]}” to “{what[1]}”."
        case AmendmentKind.REPLACED:
            return f"Clips replaced, their comparisons made anew: {shortened(what)}."
        case AmendmentKind.WITHDRAWN:
            return f"{counted(len(what), 'comparison')} withdrawn: {shortened(what)}."


def counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def shortened(names: Sequence[str], most: int = 8) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return "; ".join(names[:most]) + more


def amendment_note(plan: StoppingPlan | None, changes: Sequence[ProtocolAmendment]) -> str:
    """Whether what was planned still holds after these changes."""
    kinds = {change.kind for change in changes if change.votes_before}
    extended = kinds & {AmendmentKind.MORE_RATERS, AmendmentKind.MORE_PROMPTS}
    if AmendmentKind.MORE_RATERS in kinds and plan and plan.rule == StoppingRule.ANYTIME:
        return (
            "The number of raters decides how a comparison is decided, and was raised after votes "
            "had come in: the always-valid intervals no longer hold at every look, since earlier "
            "looks were at comparisons decided by fewer votes. Read the result as exploratory."
        )
    if extended and plan and plan.rule == StoppingRule.FIXED:
        return (
            "The plan said how much is judged, and more was asked for after votes had come in: the "
            "intervals and p-values hold as they stand only if the result was not what led to it."
        )
    if AmendmentKind.MORE_PROMPTS in kinds:
        return "Prompts were added after votes had come in; always-valid intervals allow that."
    return "Votes that were set aside are kept, and count nowhere in this report."
